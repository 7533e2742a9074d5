"""Puts the messages of one answer into its thread: each once, and in the richest form that Slack takes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

from bot.conversation import Question
from bot.errors import SlackError, SlackRefused, SlackUnreachable
from bot.slack.client import PacedClient, slack_errors, urgency, without_blind_retries
from bot.slack.content import CONTENT_ERRORS, UNFURL_NOTHING, Body
from bot.slack.markdown import Attach
from bot.slack.marker import Found, Marker, State, behind, find_answer, last_state

_log = logging.getLogger(__name__)

Json: TypeAlias = Mapping[str, Any]

# For posts whose outcome is not known: seven attempts within about a quarter of a minute.
_MOST_ATTEMPTS = 7
_PAUSE_S = 0.1
_GONE = "message_not_found"
_AS_FILE = "_Slack would not show this answer, so it is attached as a file._"


@dataclass(frozen=True, slots=True)
class Delivery:
    """Posts, changes, finds and removes the messages that answer `question`.

    Each carries a mark. Where a post's outcome is not known, the thread is searched before it is sent again.
    """

    client: PacedClient
    question: Question
    me: str
    """The bot's own user id."""

    async def post(self, part: int, body: Body, state: State) -> str:
        """Post a part; return its timestamp.

        Raises:
            SlackError: Slack refused every form of it.
        """
        return await self.post_marked(body, self.mark(part, state))

    async def change(self, ts: str, part: int, body: Body, state: State) -> None:
        """Change what a part shows.

        Raises:
            SlackError: Slack refused every form of it.
        """
        await self.change_marked(ts, body, self.mark(part, state))

    async def post_marked(self, body: Body, mark: Json) -> str:
        """Post a message that carries `mark` as its metadata; return its timestamp.

        Raises:
            SlackError: Slack refused every form of it.
        """
        for form in body.forms():
            with suppress(_Unshowable):
                return await self._post_once({**UNFURL_NOTHING, **form}, mark)
        if body.needs_foot:
            raise SlackRefused("Slack refused every form of what people were to press a button of.")
        # A file belongs to the answer above it.
        ts = await self._post_once({**UNFURL_NOTHING, "text": _AS_FILE}, mark)
        await self.upload(Attach("answer.md", body.text or body.fallback, "Answer"))
        return ts

    async def change_marked(self, ts: str, body: Body, mark: Json) -> None:
        """Change what a message shows, and its mark.

        Raises:
            SlackError: Slack refused every form of it.
        """
        for form in body.forms():
            with suppress(_Unshowable):
                await self._change_once(ts, form, mark)
                return
        await self.upload(Attach("answer.md", body.text or body.fallback, "Answer"))
        await self._change_once(ts, {"text": _AS_FILE, "blocks": []}, mark)

    async def find(self) -> Found:
        """The answer's messages that are in the thread.

        Raises:
            SlackError: the thread can't be read.
        """
        with slack_errors():
            return await find_answer(self.client, self.question, self.me)

    async def take_over(self, first: int = 0) -> dict[int, Json]:
        """The answer's messages by part. A stream that a process left when it died is ended, and is the last.

        `first` is the least number that such a stream can have.

        Raises:
            SlackError: the thread can't be read.
        """
        found = await self.find()
        messages = dict(found.messages)
        for number, message in enumerate(found.streams, max([first - 1, *messages]) + 1):
            await self.stop_stream(message["ts"], metadata=self.mark(number, "pending"))
            messages[number] = message
        return messages

    async def stop_stream(self, ts: str, **last: Any) -> bool:
        """End a stream; whether Slack did so. If not then it has ended, or what is done next tells."""
        try:
            with slack_errors():
                await without_blind_retries(self.client).chat_stopStream(
                    channel=self.question.channel, ts=ts, **last
                )
        except SlackError as error:
            _log.info("A stream was not there to be ended: %s", error)
            return False
        return True

    async def find_marked(self, event_type: str) -> dict[str, Json]:
        """The marks of one kind on our messages behind the question, by their timestamps.

        Raises:
            SlackError: the thread can't be read.
        """
        marked: dict[str, Json] = {}
        with slack_errors():
            async for message in behind(self.client, self.question, self.me):
                metadata = message.get("metadata") or {}
                if metadata.get("event_type") == event_type:
                    marked[message["ts"]] = metadata.get("event_payload") or {}
        return marked

    async def remove(self, ts: str) -> None:
        """Remove one of them, unless somebody has.

        Raises:
            SlackError: Slack refused.
        """
        try:
            with slack_errors():
                await self.client.chat_delete(channel=self.question.channel, ts=ts)
        except SlackRefused as error:
            # Also what comes of trying again after a lost response.
            if error.code != _GONE:
                raise

    async def upload(self, file: Attach) -> None:
        """Put a file into the thread.

        Raises:
            SlackError: Slack refused.
        """
        with slack_errors():
            await self.client.files_upload_v2(
                channel=self.question.channel,
                thread_ts=self.question.thread_ts,
                filename=file.filename,
                title=file.title,
                content=file.content,
            )

    def mark(self, part: int, state: State) -> dict[str, Any]:
        """The `metadata` of a part."""
        return Marker(self.question.run_id, self.question.ts, part, state).metadata()

    async def _post_once(self, form: Json, mark: Json) -> str:
        for attempt in range(_MOST_ATTEMPTS):
            if attempt:
                await asyncio.sleep(_PAUSE_S * 2**attempt)
            try:
                if attempt and (ts := await self._find_posted(mark)):
                    return ts
                return await self._post(form, mark)
            except SlackUnreachable as error:
                lost = error
        raise lost

    async def _find_posted(self, mark: Json) -> str | None:
        # What may be there already is no extra that could be left out.
        with urgency("answer"):
            found = await self.find_marked(str(mark["event_type"]))
        return next((ts for ts, payload in found.items() if _is_same(payload, mark)), None)

    async def _post(self, form: Json, mark: Json) -> str:
        with _content_errors():
            response = await without_blind_retries(self.client).chat_postMessage(
                channel=self.question.channel,
                thread_ts=self.question.thread_ts,
                metadata=dict(mark),
                **form,
            )
        return str(response["ts"])

    async def _change_once(self, ts: str, form: Json, mark: Json) -> None:
        with _content_errors():
            await self.client.chat_update(channel=self.question.channel, ts=ts, metadata=dict(mark), **form)


class _Unshowable(Exception):
    """Slack refuses the content: another form of it may do."""


@contextmanager
def _content_errors() -> Iterator[None]:
    """Raise a refusal of a message's content as `_Unshowable`."""
    try:
        with slack_errors():
            yield
    except SlackRefused as error:
        if error.code not in CONTENT_ERRORS:
            raise
        _log.warning("Slack refused a form of the answer: %s", error)
        raise _Unshowable from error


def _is_same(payload: Json, mark: Json) -> bool:
    """Whether a mark stands for the same message; its state may have changed."""
    return {**payload, "state": None} == {**mark["event_payload"], "state": None}


async def withdraw(delivery: Delivery) -> None:
    """Remove what there is of the answer to a question that was deleted, unless it came to its end before that.

    Raises:
        SlackError: Slack refused.
    """
    found = await delivery.take_over()
    if last_state(found) != "final":
        for message in found.values():
            await delivery.remove(message["ts"])
