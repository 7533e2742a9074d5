"""A Slack thread as chat messages.

The mapping is deterministic and append-only: the messages of a thread's next question begin with those of the
last one, so that a provider's prompt cache hits. Two things follow:

- An answer stands right behind its question, whenever it was posted.
- A thread over the budget is cut to half of it at once, and then grows again. The cut moves rarely, not with
  each new message.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, TypeAlias

from slack_sdk.web.async_client import AsyncWebClient

from bot.conversation import ChatMessage, Content, History, ImagePart, Person, Question, TextPart
from bot.slack.approvals import read_card
from bot.slack.client import slack_errors
from bot.slack.files import FileLimits, Files, estimated_chars
from bot.slack.guard import urls_shown_in
from bot.slack.identity import Identity
from bot.slack.marker import read_marker
from bot.slack.people import Directory, clean_name
from bot.slack.text import Names, from_mrkdwn, people_in, places_in, readable, unescape

Json: TypeAlias = Mapping[str, Any]
_Contents: TypeAlias = Mapping[str, Sequence[TextPart | ImagePart]]
"""What is in the files of messages, by the messages' timestamps."""

_CHARS_PER_TOKEN = 4
_PAGE = 999  # Slack's most; it may give fewer
_MOST_PAGES = 10
_FILE_OF_AN_ANSWER = re.compile(r"answer\.md|table-\d+\.csv")
_SPOKEN_SUBTYPES = (None, "file_share", "bot_message", "thread_broadcast", "me_message")


class Transcript:
    """Reads threads.

    Args:
        budget_tokens: the most of a thread that is given to the model, at four characters a token.
    """

    def __init__(
        self,
        client: AsyncWebClient,
        directory: Directory,
        files: Files,
        file_limits: FileLimits,
        me: Identity,
        budget_tokens: int,
    ) -> None:
        self._client = client
        self._directory = directory
        self._files = files
        self._file_limits = file_limits
        self._me = me
        self._budget = budget_tokens * _CHARS_PER_TOKEN
        self._without_names = Names(me.user_id, {}, {})

    async def history(self, question: Question) -> History:
        """The thread up to the question, and what was answered before it.

        Raises:
            SlackError: the thread can't be read.
        """
        asker, place, said = await asyncio.gather(
            self._directory.person(question.user),
            self._directory.place(question.channel),
            self._said(question),
        )
        messages, people = await asyncio.gather(self._messages(question, said), self._people(said))
        return History(tuple(messages), asker, place, people, self._links(said))

    async def _said(self, question: Question) -> list[Json]:
        """The posts of the conversation, in the order in which they are told to the model."""
        if question.source == "command" or question.starts_thread:
            return [_alone(question)]
        with slack_errors():
            thread = await self._thread(question)
        said = _conversation(thread, question, self._me)
        if not any(message["ts"] == question.ts for message in said):
            # Slack may not have it in the thread yet, or no longer.
            said.append(_alone(question))
        return said

    def _links(self, said: Sequence[Json]) -> frozenset[str]:
        """What could be clicked in earlier answers. What came from tools then is not known any more."""
        answers = (_own_words(each) for each in said if self._me.wrote(each) and read_marker(each))
        return frozenset(url for answer in answers for url in urls_shown_in(answer))

    async def _people(self, said: Sequence[Json]) -> tuple[Person, ...]:
        writers = (message.get("user") or "" for message in said if not message.get("bot_id"))
        people = await self._directory.people(user for user in writers if user and user != self._me.user_id)
        return tuple(people.values())

    async def _messages(self, question: Question, said: Sequence[Json]) -> list[ChatMessage]:
        if question.source == "command":
            return [await self._command(question)]
        root, left_out, rest = self._fit(said)
        names, contents = await asyncio.gather(self._names([root, *rest]), self._read_files([root, *rest]))
        messages = [self._map([root], names, contents)]
        if left_out:
            messages.append(
                ChatMessage("user", f"[note] {left_out} messages of this thread are left out here.")
            )
        for _, parts in groupby(rest, key=_answer_key):
            messages.append(self._map(list(parts), names, contents))
        return messages

    async def _command(self, question: Question) -> ChatMessage:
        message = {"user": question.user, "text": question.text}
        names = await self._names([message])
        return ChatMessage("user", f"{names.people[question.user]}: {from_mrkdwn(question.text, names)}")

    async def _thread(self, question: Question) -> list[Json]:
        """Every message of the thread, oldest first, as Slack gives them; of a very long one the ends.

        conversations.replies begins with the oldest and its `limit` does not reach the newest, so it is paged.
        """
        messages: list[Json] = []
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            page = await self._replies(question, cursor=cursor)
            messages += page["messages"]
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return messages
        return messages + await self._newest(question, after=str(messages[-1]["ts"]))

    async def _newest(self, question: Question, after: str) -> list[Json]:
        """The newest messages of a thread too long to page through.

        Asks for ever shorter windows before the question, until one holds no more than a page.
        """
        end, span = float(question.ts), float(question.ts) - float(after)
        while True:
            oldest = max(after, f"{end - span:.6f}")
            page = await self._replies(question, oldest=oldest)
            if not page.get("has_more") or span < 1:
                return [message for message in page["messages"] if str(message["ts"]) > after]
            span /= 4

    async def _replies(self, question: Question, **more: Any) -> Json:
        response = await self._client.conversations_replies(
            channel=question.channel, ts=question.thread_ts, limit=_PAGE, include_all_metadata=True, **more
        )
        return dict(response.data) if isinstance(response.data, dict) else {}

    def _fit(self, messages: Sequence[Json]) -> tuple[Json, int, Sequence[Json]]:
        """The root, how many messages behind it are left out, and the newest ones that fit the budget."""
        root, rest = messages[0], messages[1:]
        start, total = 0, 0
        for end, message in enumerate(rest):
            total += self._chars(message)
            if total > self._budget:
                # Down to half, not just below the budget: the next messages then leave the cut where it is.
                while total > self._budget // 2 and start < end:
                    total -= self._chars(rest[start])
                    start += 1
        return root, start, rest[start:]

    def _chars(self, message: Json) -> int:
        # Before anybody is looked up: a name is about as long as an id.
        text = _own_words(message) if self._me.wrote(message) else readable(message, self._without_names)
        files = estimated_chars(message.get("files") or (), self._file_limits)
        if self._me.wrote(message):
            files = min(files, self._most_chars)
        return min(len(text), self._most_chars) + files + 20

    @property
    def _most_chars(self) -> int:
        """The most of one message: a single paste must not fill the budget."""
        return self._budget // 4

    async def _names(self, messages: Iterable[Json]) -> Names:
        messages = list(messages)
        people, places = await asyncio.gather(
            self._directory.people(
                user for message in messages for user in people_in(message) if user != self._me.user_id
            ),
            self._directory.places(place for message in messages for place in places_in(message)),
        )
        return Names(
            me=self._me.user_id,
            people={user_id: person.name for user_id, person in people.items()},
            places=places,
        )

    async def _read_files(self, messages: Iterable[Json]) -> _Contents:
        """Of what the bot itself has attached, only what belongs to an answer is read."""
        those = [
            message
            for message in messages
            if message.get("files") and (read_marker(message) or not self._me.wrote(message))
        ]
        contents = await asyncio.gather(*(self._files.parts(message["files"]) for message in those))
        return {message["ts"]: parts for message, parts in zip(those, contents, strict=True)}

    def _map(self, parts: Sequence[Json], names: Names, contents: _Contents) -> ChatMessage:
        """The parts of one answer as one message, or a message that somebody else has written."""
        message = parts[0]
        if self._me.wrote(message):
            texts = (text for part in parts for text in self._own_texts(part, contents))
            return ChatMessage("assistant", "\n\n".join(texts))
        text = f"{_speaker(message, names)}: {_cut(readable(message, names), self._most_chars)}"
        return ChatMessage("user", _content(text, contents.get(message["ts"], ())))

    def _own_texts(self, message: Json, contents: _Contents) -> Iterator[str]:
        if words := _own_words(message):
            yield words
        for part in contents.get(message["ts"], ()):
            if isinstance(part, TextPart):
                yield _cut(part.text, self._most_chars)


def _conversation(thread: Sequence[Json], question: Question, me: Identity) -> list[Json]:
    """What was said up to the question, each answer right behind what it answers."""
    # Any app can put our marks on its messages.
    marked = (
        message if me.wrote(message) else {**message, "metadata": None}
        for message in _with_marked_files(thread, me)
    )
    return sorted((each for each in marked if _counts(each, question, me)), key=_place_in_conversation)


def _with_marked_files(thread: Iterable[Json], me: Identity) -> Iterator[Json]:
    """The thread, in which the files of an answer carry its mark. Slack gives a file's message none of its own.

    They are put below their answer before another one begins.
    """
    answer: Json | None = None
    for message in thread:
        if me.wrote(message):
            if read_marker(message):
                answer = message
            elif answer and _is_file_of_an_answer(message):
                message = {**message, "metadata": answer["metadata"]}
        yield message


def _is_file_of_an_answer(message: Json) -> bool:
    files = message.get("files") or ()
    names = (str(file.get("name") or "") for file in files)
    return bool(files) and not message.get("text") and all(map(_FILE_OF_AN_ANSWER.fullmatch, names))


def _alone(question: Question) -> Json:
    """The question as it was delivered: all there is where it starts a thread, or where that lacks it."""
    return {"ts": question.ts, "user": question.user, "text": question.text, **question.post}


def _counts(message: Json, question: Question, me: Identity) -> bool:
    if message.get("subtype") not in _SPOKEN_SUBTYPES:
        return False
    if not me.wrote(message):
        return str(message["ts"]) <= question.ts
    if card := read_card(message):
        return bool(card.words) and card.question_ts < question.ts
    marker = read_marker(message)
    if marker is None:
        # A card on which a tool asks carries another mark; without words it is a file of an answer.
        is_said = bool(message.get("text")) and not message.get("metadata")
        return is_said and str(message["ts"]) <= question.ts
    return marker.state in ("closed", "final", "stopped") and marker.question_ts < question.ts


def _place_in_conversation(message: Json) -> tuple[str, str]:
    mark = read_marker(message) or read_card(message)
    return (mark.question_ts, str(message["ts"])) if mark else (str(message["ts"]), "")


def _answer_key(message: Json) -> str:
    if card := read_card(message):
        return card.question_id
    marker = read_marker(message)
    return marker.run_id if marker else str(message["ts"])


def _own_words(message: Json) -> str:
    """What a message of ours says to the model."""
    if card := read_card(message):
        return card.words
    # What the bot posts carries its Markdown in `text`, so the model reads just what it wrote.
    return unescape(message.get("text") or "")


def _speaker(message: Json, names: Names) -> str:
    profile = message.get("bot_profile") or {}
    name = profile.get("name") or message.get("username") or names.people.get(message.get("user") or "")
    return clean_name(name or message.get("user") or message.get("bot_id") or "Somebody")


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}\n[cut: {most} of {len(text)} characters shown]"


def _content(text: str, files: Sequence[TextPart | ImagePart]) -> Content:
    texts = [text, *(part.text for part in files if isinstance(part, TextPart))]
    images = [part for part in files if isinstance(part, ImagePart)]
    joined = "\n".join(texts)
    return (TextPart(joined), *images) if images else joined
