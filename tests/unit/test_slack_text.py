"""What a message says to the model."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack.text import Names, from_mrkdwn, people_in, places_in, readable

Json = dict[str, Any]
NAMES = Names(me="UBOT", people={"U1": "Grace"}, places={"C1": "#ops"})
RICH_TEXT: Json = {
    "type": "rich_text",
    "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "See the table"}]}],
}

_KEYS = st.sampled_from(
    [
        "type",
        "text",
        "elements",
        "fields",
        "style",
        "indent",
        "offset",
        "url",
        "user_id",
        "range",
        "name",
        "timestamp",
        "rows",
        "value",
        "title",
        "bold",
    ]
)
_TYPES = st.sampled_from(
    [
        "rich_text",
        "rich_text_section",
        "rich_text_list",
        "rich_text_preformatted",
        "rich_text_quote",
        "table",
        "section",
        "header",
        "markdown",
        "mrkdwn",
        "plain_text",
        "raw_text",
        "text",
        "link",
        "user",
        "channel",
        "usergroup",
        "broadcast",
        "emoji",
        "date",
        "color",
    ]
)
_TOKENS = st.text(alphabet="<>|@#!^UC1&;date \n", max_size=12)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _TOKENS | _TYPES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.builds(
            lambda kind, more: {**more, "type": kind}, _TYPES, st.dictionaries(_KEYS, inner, max_size=4)
        )
    ),
    max_leaves=12,
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("text", "blocks", "attachments"), _VALUES)))
def test_any_message_can_be_read(message: Json) -> None:
    assert isinstance(readable(message, NAMES), str)
    assert {type(each) for each in [*people_in(message), *places_in(message)]} <= {str}


@pytest.mark.parametrize("token", ["<|x>", "<|>", "<>"])
def test_what_is_no_token_stays(token: str) -> None:
    assert from_mrkdwn(f"see {token}", NAMES) == f"see {token}"


def test_halves_of_characters_come_together_or_are_replaced() -> None:
    assert readable({"text": "\ud83d\ude00 or \ud83d"}, NAMES) == "\U0001f600 or \ufffd"


def test_blocks_are_read_beside_the_text() -> None:
    blocks: list[Json] = [
        {"type": "header", "text": {"type": "plain_text", "text": "Incident 42"}},
        {"type": "section", "text": {"type": "mrkdwn", "text": "*db-7* is out of disk, says <@U1> in <#C1>"}},
    ]
    message = {"text": "Incident opened", "blocks": blocks}
    assert list(people_in(message)) == ["U1"]
    assert list(places_in(message)) == ["C1"]
    assert readable(message, NAMES) == (
        "Incident opened\nIncident 42\n*db-7* is out of disk, says @Grace in #ops"
    )


def test_an_alerts_blocks_are_read_in_its_attachment() -> None:
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "disk is full"}}
    message = {"text": "", "attachments": [{"fallback": "[no preview available]", "blocks": [section]}]}
    assert readable(message, NAMES) == "disk is full"


def test_a_text_that_its_blocks_repeat_is_read_once() -> None:
    section = {"type": "section", "text": {"type": "mrkdwn", "text": ":red_circle: *Incident* opened"}}
    message = {"text": "Incident opened", "blocks": [section]}
    assert readable(message, NAMES) == ":red_circle: *Incident* opened"


def test_a_table_beside_rich_text_is_read() -> None:
    bold = {"type": "text", "text": "a|b", "style": {"bold": True}}
    cell = {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [bold]}]}
    rows = [
        [{"type": "raw_text", "text": "host"}, {"type": "raw_text", "text": "disk"}],
        [{"type": "raw_text", "text": "db-7"}, cell],
    ]
    message = {"text": "flat", "blocks": [RICH_TEXT, {"type": "table", "rows": rows}]}
    assert readable(message, NAMES) == "See the table\n| host | disk |\n| --- | --- |\n| db-7 | **a\\|b** |"
