"""Every error Threadloop raises on purpose.

    ThreadloopError
    ├── SettingsError           the environment or `.env` is half-set or wrong
    ├── PortTaken               another program listens on the port
    ├── SeedError               a seed or thread file of the embedded workspace is wrong
    ├── DatabaseUnusable        the database can't be reached, or refuses us
    ├── DatabaseInUse           another process works with the same SQLite file
    ├── DatabaseTooNew          a newer Threadloop has changed the tables
    ├── NoSuchRun               `threadloop runs` was given an id that is not there
    ├── WrongRunState           `threadloop runs` was asked for what the run is past, or not at yet
    ├── NoAnswer                `threadloop ask` ended without an answer
    ├── Unwell                  `threadloop doctor` found something wrong
    ├── ToolsUnusable           a tool or the policy is written wrongly
    ├── ToolCallFailed          `threadloop tools call` ended without a result
    ├── ToolNotWritten          `threadloop tools new` was given a name that will not do
    ├── GatewayError            the embedded Humanloop endpoint refuses a request (see `gateway.errors`)
    └── RunError                a question could not be answered; a person reads `sentence`
        ├── ModelError          the model's side
        │   ├── ModelUnreachable
        │   ├── ModelKeyRefused
        │   ├── ModelRateLimited
        │   ├── ContextTooLong
        │   ├── ModelRefused
        │   ├── StreamCut
        │   └── EmptyAnswer
        ├── SlackError          Slack's side
        │   ├── NotInChannel
        │   ├── MissingScope
        │   ├── SlackRateLimited
        │   ├── SlackUnreachable
        │   └── SlackRefused
        ├── DatabaseBusy        the database is locked or away
        ├── QuestionTimedOut    the question's time is up
        ├── TooManyQuestions    more questions wait than may
        ├── TakenUpTooOften     the process died each time it worked on the question
        └── Unexpected          anything else: a fault of ours

An engineer reads the message (the class's docstring unless another is given); a person in Slack
reads `sentence`, which never holds exception text, and is followed by the run id.
"""

from __future__ import annotations

import inspect


class ThreadloopError(Exception):
    """Something went wrong in Threadloop."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or inspect.cleandoc(type(self).__doc__ or ""))


class SettingsError(ThreadloopError):
    """The configuration is incomplete or wrong: see the variable named here in .env.example."""


class PortTaken(ThreadloopError):
    """Another program listens on this port. Set PORT to a free one, or stop that program."""


class SeedError(ThreadloopError):
    """A file for the embedded workspace could not be read: the message names the line and the remedy."""


class DatabaseUnusable(ThreadloopError):
    """The database can't be reached, or refuses us: check DATABASE_URL, and that the database is running."""


class DatabaseInUse(ThreadloopError):
    """Another process works with the same SQLite file: stop it, or set DATABASE_URL to another file."""


class DatabaseTooNew(ThreadloopError):
    """A newer Threadloop has changed the database's tables: run that one, or restore an older backup."""


class NoSuchRun(ThreadloopError):
    """There is no run with this id."""


class WrongRunState(ThreadloopError):
    """The run can't be cancelled or retried as it is now: the message says how it is."""


class Unwell(ThreadloopError):
    """Something that the bot needs is wrong: the lines marked BAD say what."""


class NoAnswer(ThreadloopError):
    """The question ended without an answer."""


class ToolsUnusable(ThreadloopError):
    """A tool or the policy is written wrongly: the message names the file, the line and the remedy."""


class ToolCallFailed(ThreadloopError):
    """The call ended without a result."""


class ToolNotWritten(ThreadloopError):
    """A new tool could not be written: the message says why."""


class RunError(ThreadloopError):
    """A question could not be answered."""

    sentence = "Something went wrong while I was answering. Please ask again."
    """What the asker reads in Slack."""


class ModelError(RunError):
    """The model could not answer."""

    sentence = "The language model could not answer. Please try again in a moment."


class ModelUnreachable(ModelError):
    """The model's provider does not answer, or answers with a server error. Retries are used up."""

    sentence = "I can't reach the language model right now. Please try again in a few minutes."


class ModelKeyRefused(ModelError):
    """The model's provider refused the API key: check OPENAI_API_KEY, ANTHROPIC_API_KEY or
    HUMANLOOP_API_KEY, and that the key may use the model named in MODEL."""

    sentence = (
        "The language model refused my credentials, so I can't answer. "
        "Please tell whoever runs me: the API key needs a look."
    )


class ModelRateLimited(ModelError):
    """The model's provider answers 429: too many requests, or the account's quota is used up."""

    sentence = "The language model is getting too many questions right now. Please try again in a minute."


class ContextTooLong(ModelError):
    """The thread and the tool results do not fit the model: lower HISTORY_TOKENS, or take a model
    with a larger context."""

    sentence = "This thread is too long for the language model. Please ask again in a new thread."


class ModelRefused(ModelError):
    """The model's provider refused the request as wrong: the log has its detail."""

    sentence = "The language model did not accept this question. Please rephrase it, or tell whoever runs me."


class StreamCut(ModelError):
    """The model's answer broke off in the middle."""

    sentence = "The language model's answer broke off in the middle. Please ask again."


class EmptyAnswer(ModelError):
    """The model ended its turn without text and without a tool call."""

    sentence = "The language model had nothing to say to that. Please ask again in other words."


class SlackError(RunError):
    """Slack refused what was needed for the answer."""

    sentence = "Slack did not let me finish this answer. Please ask again."


class NotInChannel(SlackError):
    """The bot is not a member of the channel: invite it with `/invite`."""

    sentence = "I am not a member of that channel. Please invite me with `/invite` and ask again."


class MissingScope(SlackError):
    """The Slack app lacks an OAuth scope: compare its scopes with manifest.yml and reinstall it."""

    sentence = (
        "My Slack app lacks a permission that I need for this. "
        "Please tell whoever runs me to reinstall it from its manifest."
    )


class SlackRateLimited(SlackError):
    """Slack kept answering 429 after the retries."""

    sentence = "Slack is limiting how fast I can work right now. Please try again in a minute."


class SlackUnreachable(SlackError):
    """Slack can't be reached or has a fault of its own. Whether the call had its effect is not known."""

    sentence = "I lost touch with Slack while I was answering. Please ask again."


class SlackRefused(SlackError):
    """Slack answered with an error that has no class of its own: the message names it."""

    @property
    def code(self) -> str:
        """Slack's own name of the error, such as `invalid_blocks`."""
        return str(self).removeprefix("Slack refused with ").partition(" ")[0].rstrip(".")


class DatabaseBusy(RunError):
    """The database is locked or out of reach: see DATABASE_URL, and that no other process holds the file."""

    sentence = (
        "My memory is busy right now, so this may take a while. "
        "If I have not answered in a few minutes, please ask again."
    )


class QuestionTimedOut(RunError):
    """The question took longer than QUESTION_TIMEOUT_S."""

    sentence = "This took longer than I may spend on one question. Please ask for less at once."


class TooManyQuestions(RunError):
    """More questions wait in this process than MAX_WAITING_RUNS allows: add a replica, or raise it."""

    sentence = "I have more questions than I can take right now. Please ask again in a few minutes."


class TakenUpTooOften(RunError):
    """The process died whenever it worked on this question: look at its memory, and at the log of its run."""

    sentence = (
        "I broke down several times over this question, so I have given it up. "
        "Please ask for less at once, or tell whoever runs me."
    )


class Unexpected(RunError):
    """A fault in Threadloop: the log has the traceback under the run id."""


def by_name(name: str) -> type[RunError]:
    """The class of a stored error; `Unexpected` for a name that this version does not know."""
    known = globals().get(name)
    return known if isinstance(known, type) and issubclass(known, RunError) else Unexpected
