"""Cards on which people decide whether a tool call may run."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from bot.agent.interfaces import Steps
from bot.conversation import PausedRun, Question, ToolCall, Verdict
from bot.errors import SlackError, SlackRateLimited, SlackUnreachable
from bot.slack.client import PacedClient, slack_errors
from bot.slack.content import Body, approval_buttons
from bot.slack.delivery import Delivery
from bot.slack.guard import Allowed, guarded, without_secrets
from bot.slack.markdown import Attach, compose
from bot.slack.people import Directory
from bot.storage.approvals import Approval, Approvals
from tools import Registry

_log = logging.getLogger(__name__)

EVENT_TYPE = "threadloop_approval"

# What is longer is shown in full in a file: nobody should approve what they can't see.
_MOST_CHARS = 2_500
# For other questions of the thread.
_MOST_TITLE = 200
_IN_WORDS = {
    "pending": "waiting for approval",
    "approved": "approved",
    "denied": "not approved",
    "expired": "not approved in time",
}
# Of a thousand members each, when somebody who may decide is looked for.
_MOST_PAGES = 10
# In JSON an escape reads as what it stands for, and Slack makes no token of it.
_BEGINS_TOKEN = re.compile(r"<(?=\s*[!@#])|&(?=#?\w+;)")


class ApprovalCards:
    """Asks about the calls of paused runs, one card each.

    Args:
        directory: knows who is in which user group.
        me: the bot's own user id.
        expire_s: how long people may take, in seconds.
        secrets: configured secrets, which no card may show.
    """

    def __init__(
        self,
        client: PacedClient,
        approvals: Approvals,
        tools: Registry,
        directory: Directory,
        me: str,
        *,
        expire_s: float,
        secrets: tuple[str, ...],
    ) -> None:
        self._client = client
        self._approvals = approvals
        self._tools = tools
        self._directory = directory
        self._me = me
        self._expire_s = expire_s
        self._allowed = Allowed(secrets=secrets)

    async def can_ask(self, question: Question, call: ToolCall) -> bool:
        """Whether somebody who may decide about a call takes part in the question's conversation.

        Slack is asked only where the policy names others than the asker. What it does not tell counts as yes.
        """
        named = self._tools.approvers(call.name)
        if question.user in named.users or not (named.users or named.groups):
            return True
        try:
            with slack_errors():
                of_groups = await self._directory.members_of(named.groups) if named.groups else ()
                return await self._takes_part({*named.users, *of_groups}, question.channel)
        except SlackError as error:
            _log.warning("Nobody knows whether an approver is in %s: %s", question.channel, error)
            return True

    async def _takes_part(self, users: Set[str], channel: str) -> bool:
        """Whether one of the users is in the conversation; one of so many people always is."""
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            page = await self._client.conversations_members(channel=channel, limit=1_000, cursor=cursor)
            if not users.isdisjoint(page["members"]):
                return True
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return False
        return True

    async def open(self, question: Question, steps: Steps, calls: Sequence[ToolCall]) -> None:
        """Post a card for each call that has none.

        Raises:
            SlackError: Slack refused one.
        """
        expires_at = time.time() + self._expire_s
        asked = await self._approvals.ask(steps.run_id, calls, expires_at, self._words)
        if any(approval.state == "withdrawn" for approval in asked):
            raise SlackError("A former attempt could not post a card for each call.")
        try:
            await self._open(question, steps, asked)
        except Exception:
            # The run fails: what can be decided would come to nothing.
            await self._approvals.withdraw(steps.run_id)
            raise

    async def _open(self, question: Question, steps: Steps, asked: Sequence[Approval]) -> None:
        without = [approval for approval in asked if approval.card_ts is None and approval.state == "pending"]
        delivery = Delivery(self._client, question, self._me)
        posted = await _posted(delivery) if steps.may_have_posted and without else {}
        for approval in without:
            ts = posted.get((approval.run_id, approval.call.id)) or await self._post(delivery, approval)
            await self._approvals.posted(approval, ts)

    async def verdicts(self, paused: PausedRun) -> Mapping[str, Verdict]:
        """What was decided about the calls that a run paused for, by their ids."""
        known = {approval.call.id: approval for approval in await self._approvals.of_run(paused.run_id)}
        return {
            call.id: known[call.id].verdict(call) if call.id in known else Verdict(False)
            for call in paused.pause.calls
        }

    async def close(self, question: Question, approval: Approval, words: str) -> bool:
        """Take the buttons off a card and say what became of it; whether that is done for good."""
        delivery = Delivery(self._client, question, self._me)
        body = Body(f"{self._shown(approval)}\n\n_{guarded(words, self._allowed)}_")
        try:
            # The run may have been ended before it knew whether its card was there.
            card_ts = approval.card_ts or (await _posted(delivery)).get((approval.run_id, approval.call.id))
            if card_ts is not None:
                await delivery.change_marked(card_ts, body, self._mark(approval))
        except (SlackRateLimited, SlackUnreachable):
            return False
        except SlackError as refused:
            # As when somebody has removed the card, or the bot from the channel.
            _log.info("A card stays as it is: %s", refused)
        return True

    async def release(self, question: Question) -> None:
        """Tell Slack that the agent's session waits for nobody any more."""
        with suppress(SlackError), slack_errors():
            await self._client.agents_sessions_setStatus(
                channel_id=question.channel, thread_ts=question.thread_ts, status="active"
            )

    async def _post(self, delivery: Delivery, approval: Approval) -> str:
        words = self._described(approval)
        if len(words) > _MOST_CHARS:
            await delivery.upload(Attach("approval.txt", words, "What would be done"))
        ask = f"{self._whom(approval, delivery.question)}\n\n{self._shown(approval)}"
        body = Body(ask, foot=(approval_buttons(Press.on(approval).value),), needs_foot=True)
        return await delivery.post_marked(body, self._mark(approval))

    def _mark(self, approval: Approval) -> dict[str, Any]:
        title = self._described(approval).partition("\n")[0][:_MOST_TITLE]
        return CardMark(approval.run_id, approval.call.id, title, approval.state).metadata()

    def _whom(self, approval: Approval, question: Question) -> str:
        named = self._tools.approvers(approval.call.name)
        mentions = [f"<@{user}>" for user in named.users] + [f"<!subteam^{group}>" for group in named.groups]
        if not mentions:
            return f"<@{question.user}> May I do this?"
        return f"{' '.join(mentions)} May I do this for <@{question.user}>?"

    def _shown(self, approval: Approval) -> str:
        """The call as it stands on a card: its title, and the arguments just as they are."""
        words = self._described(approval)
        title, _, arguments = words[:_MOST_CHARS].partition("\n")
        text = guarded(title, self._allowed)
        if arguments:
            # No line of it can end the code: each begins with an argument's name.
            code = _BEGINS_TOKEN.sub(lambda match: f"\\u{ord(match[0]):04x}", arguments)
            text += f"\n```\n{code}\n```"
        if words != self._asked(approval):
            text += "\n_A secret in it is not shown._"
        if len(words) > _MOST_CHARS:
            text += "\n_This is the beginning. All of it is in the file above._"
        return "\n".join(compose(text, self._allowed).messages)

    def _described(self, approval: Approval) -> str:
        return without_secrets(self._asked(approval), self._allowed)

    def _asked(self, approval: Approval) -> str:
        # Not in today's words: its tool may have changed since, or be away.
        return approval.words or self._words(approval.call)

    def _words(self, call: ToolCall) -> str:
        return self._tools.describe_call(call.name, call.arguments)


@dataclass(frozen=True, slots=True)
class Press:
    """A press of a button on a card."""

    run_id: str
    call_id: str
    digest: str
    """Of the call as it was when the card was posted."""
    user: str = ""
    """Who pressed."""
    card_ts: str | None = None
    """The card's message."""

    @classmethod
    def on(cls, approval: Approval) -> Press:
        """What the buttons of this card stand for."""
        return cls(approval.run_id, approval.call.id, approval.digest)

    @classmethod
    def of(cls, value: str, user: str, card_ts: str | None = None) -> Press:
        """The press of a button with this value."""
        run_id, _, rest = value.partition(" ")
        call_id, _, digest = rest.rpartition(" ")
        return cls(run_id, call_id, digest, user, card_ts)

    @property
    def value(self) -> str:
        """The button's value."""
        return f"{self.run_id} {self.call_id} {self.digest}"


@dataclass(frozen=True, slots=True)
class CardMark:
    """What a card says of itself."""

    run_id: str
    call_id: str
    title: str
    state: str
    """As of an `Approval`."""

    @property
    def question_id(self) -> str:
        """The run id of the question that it is about."""
        return self.run_id.partition("#")[0]

    @property
    def question_ts(self) -> str:
        """The timestamp of that question."""
        return self.question_id.rpartition(":")[2]

    @property
    def words(self) -> str:
        """The card in a line, for the model; empty if it matters no more.

        Without the names and reasons of people, since it reads this as words of its own.
        """
        state = _IN_WORDS.get(self.state)
        return f"[{self.title}: {state}]" if state and self.title else ""

    def metadata(self) -> dict[str, Any]:
        """The `metadata` argument of chat.postMessage and chat.update."""
        payload = {"run_id": self.run_id, "call_id": self.call_id, "title": self.title, "state": self.state}
        return {"event_type": EVENT_TYPE, "event_payload": payload}


def read_card(message: Mapping[str, Any]) -> CardMark | None:
    """The mark of a message that is a card."""
    metadata = message.get("metadata") or {}
    if metadata.get("event_type") != EVENT_TYPE:
        return None
    payload = metadata.get("event_payload") or {}
    return CardMark(*(str(payload.get(name, "")) for name in ("run_id", "call_id", "title", "state")))


async def _posted(delivery: Delivery) -> dict[tuple[str, str], str]:
    """The timestamps of the cards that are in the thread, by run and call."""
    marked = await delivery.find_marked(EVENT_TYPE)
    return {(str(payload["run_id"]), str(payload["call_id"])): ts for ts, payload in marked.items()}
