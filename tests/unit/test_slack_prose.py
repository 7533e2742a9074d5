"""Whatever the text and wherever it is divided: Slack takes it, nothing pings, nothing is lost or half."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.markdown_texts import specification, texts
from support.shown_answer import (
    broken,
    clickable,
    composed,
    in_order,
    pinged,
    prefixes,
    reads,
    streamed,
    tables,
    visible,
)

from bot.slack.guard import Allowed
from bot.slack.markdown import Operation, compose
from bot.slack.prose.links import normalised, urls_shown_in
from bot.slack.prose.redaction import Redaction
from bot.slack.text import escape

ALLOWED = Allowed(frozenset({"U1"}), frozenset({"https://ok.example/a"}))
borders = st.lists(st.integers(0, 600), max_size=30)
limits = st.sampled_from([(3_900, 5), (200, 3), (400, 50)])
thorough = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))


def steps(text: str, borders: list[int], limit: tuple[int, int]) -> list[list[Operation]]:
    most_chars, most_messages = limit
    return list(streamed(text, borders, ALLOWED, most_chars=most_chars, most_messages=most_messages))


def operations(text: str, borders: list[int], limit: tuple[int, int]) -> list[Operation]:
    return [operation for step in steps(text, borders, limit) for operation in step]


@thorough
@given(texts, borders, limits)
def test_what_is_streamed_and_what_is_posted_whole_are_the_same(
    text: str, borders: list[int], limit: tuple[int, int]
) -> None:
    bit_by_bit = composed(operations(text, borders, limit))
    whole = compose(text, ALLOWED, most_chars=limit[0], most_messages=limit[1])
    assert [message.rstrip() for message in bit_by_bit.messages] == whole.messages
    assert bit_by_bit.files == whole.files


@thorough
@given(texts, limits)
def test_every_message_is_within_slacks_limits(text: str, limit: tuple[int, int]) -> None:
    most_chars, most_messages = limit
    messages = compose(text, ALLOWED, most_chars=most_chars, most_messages=most_messages).messages
    assert len(messages) <= most_messages
    assert all(len(escape(message)) <= most_chars and tables(message) <= 1 for message in messages)
    # What is indented so far is code.
    assert not any(message.startswith(("    ", "\t")) for message in messages)


@thorough
@given(texts, limits)
def test_without_files_nothing_is_said_to_be_in_one(text: str, limit: tuple[int, int]) -> None:
    whole = compose(text, ALLOWED, most_chars=limit[0], most_messages=limit[1], files=False)
    assert not whole.files
    assert len(whole.messages) <= limit[1]
    assert all(len(escape(message)) <= limit[0] for message in whole.messages)
    assert not any("in the attached file" in message for message in whole.messages)


@thorough
@given(texts, limits)
def test_nobody_else_is_pinged_and_no_other_link_can_be_clicked(text: str, limit: tuple[int, int]) -> None:
    for message in compose(text, ALLOWED, most_chars=limit[0], most_messages=limit[1]).messages:
        assert set(pinged(message)) <= ALLOWED.people
        assert {normalised(url) for url in clickable(message)} <= ALLOWED.urls
        # Else the next answer of the thread could be clicked.
        assert set(urls_shown_in(message)) <= ALLOWED.urls


@thorough
@given(texts, borders, limits)
def test_what_can_be_read_is_kept_in_order(text: str, borders: list[int], limit: tuple[int, int]) -> None:
    expected = visible(Redaction(()).redacted(text))
    assert reads(shown := operations(text, borders, limit), expected), visible(in_order(shown))


@thorough
@given(texts, borders, limits)
@example("**< <!channel>**", [], (3_900, 5))
def test_no_construct_is_ever_half_visible(text: str, borders: list[int], limit: tuple[int, int]) -> None:
    for shown in prefixes(steps(text, borders, limit)):
        assert not broken(shown)


@pytest.mark.parametrize("limit", [(3_900, 5), (120, 50)])
def test_the_examples_of_the_commonmark_specification_hold_to_all_of_it(limit: tuple[int, int]) -> None:
    for text in specification():
        shown = operations(text, list(range(0, len(text), 7)), limit)
        messages = composed(shown).messages
        whole = compose(text, ALLOWED, most_chars=limit[0], most_messages=limit[1])
        assert [message.rstrip() for message in messages] == whole.messages, text
        assert all(len(escape(message)) <= limit[0] for message in messages), text
        assert not any(pinged(message) or clickable(message) for message in messages), text
        assert reads(shown, visible(text)), text
