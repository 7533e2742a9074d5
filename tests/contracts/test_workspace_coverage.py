"""The coverage table of the documentation says what the server does."""

from __future__ import annotations

import re
from pathlib import Path

from slack_sdk.errors import SlackApiError
from support.slack_app import client_of

from bot.playground import Playground, Seed
from bot.playground.api.table import METHODS

PAGE = Path(__file__).parents[2] / "docs" / "playground.md"
ROW = re.compile(r"^\| `([\w.]+)` \| (\w+) \| ?(.*) ?\|$", re.MULTILINE)
TABLE = {name: (status, note.strip()) for name, status, note in ROW.findall(PAGE.read_text("utf-8"))}


def test_every_method_is_in_the_table_and_every_one_there_exists() -> None:
    assert {name for name, (status, _) in TABLE.items() if status in ("supported", "partly")} == set(METHODS)


def test_the_table_is_sorted_and_knows_three_statuses() -> None:
    assert list(TABLE) == sorted(TABLE, key=str.lower)
    assert {status for status, _ in TABLE.values()} == {"supported", "partly", "no"}


def test_what_is_covered_partly_says_which_part() -> None:
    assert [name for name, (status, note) in TABLE.items() if status == "partly" and not note] == []


async def test_a_method_that_is_not_covered_is_unknown() -> None:
    playground = Playground(Seed.default())
    async with playground.serve():
        client, answers = client_of(playground), dict[str, str]()
        for name in (name for name, (status, _) in TABLE.items() if status == "no"):
            try:
                await client.api_call(name)
            except SlackApiError as refused:
                answers[name] = refused.response["error"]
    assert set(answers.values()) == {"unknown_method"}
    assert len(answers) == sum(status == "no" for status, _ in TABLE.values())
