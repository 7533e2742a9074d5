from __future__ import annotations

from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as some

from bot.playground.blocks import BlocksRefused, checked, translated
from bot.playground.wording import to_mrkdwn

KINDS = some.sampled_from(
    [
        *("actions", "context", "context_actions", "header", "image", "input", "markdown", "plan", "rich_text"),
        *("section", "table", "task_card", "button", "feedback_buttons", "plain_text", "mrkdwn", "nonsense"),
        *("rich_text_section", "rich_text_list", "user", "date", "link"),
    ]
)
NAMES = some.sampled_from(
    [
        *("text", "elements", "fields", "rows", "tasks", "sources", "accessory", "element", "label", "title"),
        *("action_id", "block_id", "value", "positive_button", "details", "output", "status", "url", "user_id"),
    ]
)


def objects(values: some.SearchStrategy[Any]) -> some.SearchStrategy[dict[str, Any]]:
    return some.builds(
        lambda kind, rest: {"type": kind, **rest}, KINDS, some.dictionaries(NAMES, values, max_size=4)
    )


VALUES = some.recursive(
    some.none() | some.integers() | some.text("x|-\n<!>", max_size=9),
    lambda inner: some.lists(inner, max_size=3) | objects(inner),
    max_leaves=8,
)


@given(some.lists(objects(VALUES), max_size=3))
def test_whatever_is_sent_as_blocks_is_refused_in_slacks_words_or_can_be_shown(blocks: list[Any]) -> None:
    with suppress(BlocksRefused):
        assert isinstance(to_mrkdwn(translated(checked(blocks))), str)
