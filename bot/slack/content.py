"""What the bot's messages are made of: Markdown, cards of its steps, a quiet line, and buttons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from bot.conversation import Answer, Question
from bot.errors import RunError
from bot.slack.guard import Allowed, urls_in
from bot.slack.markdown import compose
from bot.slack.text import escape, unescape

Block: TypeAlias = Mapping[str, Any]

SHARE_ACTION = "share_answer"
RETRY_ACTION = "retry_answer"
STOP_ACTION = "stop_answer"
FEEDBACK_ACTION = "rate_answer"
APPROVE_ACTION = "approve_call"
DENY_ACTION = "deny_call"
ACCEPT_ACTION = "accept_asked"
DECLINE_ACTION = "decline_asked"
VISIT_ACTION = "visit_asked"

_MOST_SECTION = 3_000

# Metadata and fallback text are ours; the rest of what a message holds is what makes Slack refuse it.
CONTENT_ERRORS = frozenset(
    {
        "invalid_blocks",
        "invalid_blocks_format",
        "invalid_chunks",
        "invalid_arguments",
        "invalid_attachments",  # which is what Slack answers to a second table
        "markdown_text_conflict",
        "msg_blocks_too_long",
        "msg_too_long",
        "no_text",
        "only_one_table_allowed",
    }
)


@dataclass(frozen=True, slots=True)
class Body:
    """What one message shows: Markdown that is already guarded, and blocks above and below it."""

    text: str
    cards: tuple[Block, ...] = ()
    foot: tuple[Block, ...] = ()
    fallback: str = ""
    """Stands for a message that has no text."""
    needs_foot: bool = False
    """Whether it is of no use without what stands below, such as the buttons of a question."""

    def forms(self) -> Iterator[dict[str, Any]]:
        """The arguments that show it, the richest form first: Slack may refuse any but the last.

        One that needs its foot has it in every form, so that Slack may refuse them all.
        """
        shown: list[Block] = [{"type": "markdown", "text": self.text}] if self.text else []
        text = escape(self.text or self.fallback)
        yield {"text": text, "blocks": [*self.cards, *shown, *self.foot]}
        if self.needs_foot:
            yield {"text": text, "blocks": [*_plain_sections(self.text), *self.foot]}
            return
        yield {"markdown_text": self.text or self.fallback}
        yield {"text": text, "blocks": []}


def _plain_sections(text: str) -> list[Block]:
    pieces = (text[start : start + _MOST_SECTION] for start in range(0, len(text), _MOST_SECTION))
    return [{"type": "section", "text": _plain(piece)} for piece in pieces]


def message(text: str, foot: Sequence[Block] = ()) -> dict[str, Any]:
    """The arguments that show `text`, which is Markdown and already guarded."""
    return next(Body(text, foot=tuple(foot)).forms())


def new_message(text: str, foot: Sequence[Block] = ()) -> dict[str, Any]:
    """The arguments that post `text`. A link planted in it must not be fetched by Slack on its own."""
    return {**UNFURL_NOTHING, **message(text, foot)}


UNFURL_NOTHING = {"unfurl_links": False, "unfurl_media": False}


def failure(error: RunError, run_id: str) -> str:
    """What the asker reads in place of an answer."""
    return f"{error.sentence}\n\n_Run `{run_id}`_"


def shared(
    question: Question, asker: str, answer: str, secrets: tuple[str, ...], *, most_messages: int = 5
) -> list[dict[str, Any]]:
    """The messages that show a slash command's answer to its channel, with the links of its question."""
    allowed = Allowed(frozenset({question.user}), frozenset(urls_in(question.text)), secrets)
    asked = f"**{asker} asked:** {unescape(question.text)}"
    composed = compose(f"{asked}\n\n{answer}", allowed, most_messages=most_messages, files=False)
    return [new_message(part) for part in composed.messages]


@dataclass(frozen=True, slots=True)
class Footer:
    """What stands under an answer."""

    facts: bool = True
    """Whether the model, the tools, the time and the cost are named."""
    cost: bool = True

    def blocks(self, answer: Answer, run_id: str) -> tuple[Block, ...]:
        """The quiet line, and the buttons for an opinion."""
        return (_quiet(self._line(answer)), feedback_buttons(run_id))

    def _line(self, answer: Answer) -> str:
        facts = [answer.model, _tools(answer.tools), f"{answer.seconds:.1f} s"] if self.facts else []
        if self.facts and self.cost and answer.cost:
            facts.append(f"${answer.cost:.4f}" if answer.cost < 1 else f"${answer.cost:.2f}")
        return " · ".join(fact for fact in [*facts, "AI-generated"] if fact)


def _tools(names: Sequence[str]) -> str:
    counted = Counter(names).items()
    return ", ".join(name if times == 1 else f"{times} {name}" for name, times in counted)


def _quiet(line: str) -> Block:
    return {"type": "context", "elements": [{"type": "plain_text", "text": line, "emoji": False}]}


def share_button(run_id: str) -> Block:
    """Shares a slash command's answer to its channel."""
    return _row(_button(SHARE_ACTION, "Share to channel", run_id))


def retry_button(run_id: str) -> Block:
    """Goes on with a run from where it failed."""
    return _row(_button(RETRY_ACTION, "Retry", run_id))


def stop_button(run_id: str) -> Block:
    """Ends a run while it is worked on."""
    return _row(_button(STOP_ACTION, "Stop", run_id))


def approval_buttons(value: str) -> Block:
    """Decide about a tool call."""
    approve = {**_button(APPROVE_ACTION, "Approve", value), "style": "primary"}
    return {"type": "actions", "elements": [approve, _button(DENY_ACTION, "Deny…", value)]}


def elicitation_buttons(value: str, *, has_form: bool, url: str | None) -> Block:
    """Answer what a tool asks: with a form, by visiting a page, or with yes or no."""
    visit = [{**_button(VISIT_ACTION, "Open the page", value), "url": url}] if url else []
    accept = "Done" if url else "Answer…" if has_form else "Yes"
    decline = _button(DECLINE_ACTION, "Decline" if has_form or url else "No", value)
    return {"type": "actions", "elements": [*visit, _button(ACCEPT_ACTION, accept, value), decline]}


def feedback_buttons(run_id: str) -> Block:
    """Thumbs for an answer (https://docs.slack.dev/reference/block-kit/block-elements/feedback-buttons-element)."""
    return {
        "type": "context_actions",
        "elements": [
            {
                "type": "feedback_buttons",
                "action_id": FEEDBACK_ACTION,
                "positive_button": {"text": _plain("Good answer"), "value": f"good {run_id}"},
                "negative_button": {"text": _plain("Bad answer"), "value": f"bad {run_id}"},
            }
        ],
    }


def _row(button: Block) -> Block:
    return {"type": "actions", "elements": [button]}


def _button(action: str, label: str, value: str) -> Block:
    return {"type": "button", "action_id": action, "text": _plain(label), "value": value}


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text}
