"""Nothing that pings gets out."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack.guard import neutralise

PINGS = re.compile(r"<\s*[!@]\s*[\w^]+[^<>]*>")
pieces = st.sampled_from(["<", ">", "!", "@", "here", "channel", "|", "^", "subteam", "S1", "U012", " ", "x"])


@given(st.lists(pieces, max_size=30).map("".join))
def test_whatever_is_written_no_token_that_pings_is_left(text: str) -> None:
    assert not PINGS.search(neutralise(text))


@pytest.mark.parametrize(
    ("text", "quiet"),
    [
        ("<!channel>", "@channel"),
        ("<!HERE|here>", "@here"),
        ("<!everyone|@everyone>", "@everyone"),
        ("<!subteam^S012>", "@S012"),
        ("<!subteam^S012|@devs>", "@devs"),
        ("<@U012|Ada>", "@Ada"),
        ("<!date^1^{date}|today>", "today"),
        ("a < b and <https://example.com>", "a < b and <https://example.com>"),
    ],
)
def test_a_ping_becomes_plain_words_and_all_else_stays(text: str, quiet: str) -> None:
    assert neutralise(text) == quiet
