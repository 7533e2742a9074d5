"""Splitting Markdown into messages."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.slack.markdown import split
from bot.slack.text import escape

LIMIT = 120
words = st.text(alphabet="ab<&>`~ \n", max_size=600)
fenced = st.builds("```{}\n{}\n```".format, st.sampled_from(["", "python"]), st.text("ab<\n ", max_size=400))
markdown = st.lists(words | fenced, max_size=4).map("\n\n".join)


@given(markdown)
def test_every_part_fits_and_the_visible_text_is_kept_in_order(text: str) -> None:
    parts = split(text, LIMIT)
    assert all(len(escape(part)) <= LIMIT for part in parts)
    # Fences are closed and opened again, so they are left out of the comparison.
    assert _visible("".join(parts)) == _visible(text)


def test_a_short_text_is_one_part() -> None:
    assert split("  Hello.\n", LIMIT) == ["Hello."]


def test_a_part_ends_at_a_blank_line_if_one_is_near() -> None:
    assert split("a" * 70 + "\n\n" + "b b " * 20, LIMIT)[0] == "a" * 70


def test_a_word_longer_than_a_message_is_broken() -> None:
    assert split("a" * 250, LIMIT) == ["a" * 120, "a" * 120, "a" * 10]


def test_an_open_fence_is_closed_and_opened_again_with_its_language() -> None:
    parts = split("```python\n" + "x = 1\n" * 40 + "```", LIMIT)
    assert all(part.startswith("```python\n") and part.endswith("\n```") for part in parts)


def _visible(text: str) -> str:
    return "".join(text.replace("`", "").replace("~", "").replace("python", "").split())
