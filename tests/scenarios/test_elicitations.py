"""A tool asks its person something while it runs: yes or no, a form, or a page to visit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from support.bot import Scene, bot_in_workspace
from support.cards import Card, elicitation_cards, modals, submit, until_said
from support.notebook import results
from support.openai_server import OpenAIServer, text, tool_calls
from support.passing_time import LetPass

from bot.slack.content import ACCEPT_ACTION, DECLINE_ACTION, VISIT_ACTION
from bot.storage.database import create_engine
from bot.storage.elicitations import Elicitations
from tools import Context, Elicitation, ElicitationAnswer, Registry, tool

# A machine may be slow; a person is given a quarter of an hour.
TOOL_S, QUESTION_S = 300.0, 400.0

SIZE = Elicitation("Which size?", {"type": "object", "properties": {"size": {"type": "string"}}})
SURE = Elicitation("Are you sure?")
PAGE = Elicitation("Please sign in", url="https://pens.example/login")

FORM: Mapping[str, Any] = {
    "type": "object",
    "required": ["name", "amount"],
    "properties": {
        "name": {"type": "string", "title": "Your name", "minLength": 2, "maxLength": 40},
        "amount": {"type": "integer", "minimum": 1, "maximum": 9, "default": 2},
        "price": {"type": "number", "description": "In euros"},
        "gift": {"type": "boolean", "default": False},
        "ink": {"type": "string", "enum": ["blue", "black"], "enumNames": ["Royal blue", "Black"]},
        "nib": {"type": "string", "oneOf": [{"const": "f", "title": "Fine"}, {"const": "b", "title": "Broad"}]},
        "extras": {"type": "array", "items": {"type": "string", "enum": ["case", "stand"]}},
        "mail": {"type": "string", "format": "email"},
        "site": {"type": "string", "format": "uri"},
        "day": {"type": "string", "format": "date"},
        "at": {"type": "string", "format": "date-time"},
        "note": {"type": "string"},
    },
}
FILLED_IN: dict[str, dict[str, Any]] = {
    "name": {"type": "plain_text_input", "value": "Ada"},
    "amount": {"type": "number_input", "value": "3"},
    "price": {"type": "number_input", "value": "12.5"},
    "gift": {"type": "static_select", "selected_option": {"value": "0"}},
    "ink": {"type": "static_select", "selected_option": {"value": "1"}},
    "nib": {"type": "static_select", "selected_option": None},
    "extras": {"type": "multi_static_select", "selected_options": [{"value": "0"}, {"value": "1"}]},
    "mail": {"type": "email_text_input", "value": "ada@example.com"},
    "site": {"type": "url_text_input", "value": "https://example.com"},
    "day": {"type": "datepicker", "selected_date": "2026-11-22"},
    "at": {"type": "datetimepicker", "selected_date_time": 1_795_348_800},
    "note": {"type": "plain_text_input", "value": None},
}


class Shop:
    """A tool that asks, and what it was answered."""

    def __init__(self, *questions: Elicitation) -> None:
        self.questions = questions
        self.answers: list[ElicitationAnswer] = []
        self.attempts = 0

    def registry(self) -> Registry:
        """The tool `order`, which takes `TOOL_S` at most."""

        @tool(timeout_s=TOOL_S)
        async def order(context: Context) -> str:
            """Order a pen."""
            self.attempts += 1
            if context.elicit is None:
                return "nobody to ask"
            for question in self.questions:
                self.answers.append(await context.elicit(question))
            return ", ".join(answer.action for answer in self.answers)

        return Registry([order])


async def test_yes_is_an_answer(tmp_path: Path) -> None:
    async with _asked(tmp_path, Shop(SURE)) as (scene, ts, shop, card):
        assert card.text.startswith(f"<@{scene.ada.id}> The tool `order` asks:\n\n> Are you sure?")
        assert list(card.buttons) == ["Yes", "No"]
        await scene.ada.press(card.channel, card.ts, ACCEPT_ACTION)
        await until_said(scene, ts, "Noted.")
        assert shop.answers == [ElicitationAnswer("accept", {})]
        await _until_closed(scene, ts, "Answered.")


async def test_no_is_an_answer_too(tmp_path: Path) -> None:
    async with _asked(tmp_path, Shop(SURE)) as (scene, ts, shop, card):
        await scene.ada.press(card.channel, card.ts, DECLINE_ACTION)
        await until_said(scene, ts, "Noted.")
        assert shop.answers == [ElicitationAnswer("decline")]
        await _until_closed(scene, ts, "Declined.")


async def test_a_form_is_filled_in_in_a_modal(tmp_path: Path) -> None:
    async with _asked(tmp_path, Shop(Elicitation("Your order?", FORM))) as (scene, ts, shop, card):
        assert list(card.buttons) == ["Answer…", "Decline"]
        await scene.ada.press(card.channel, card.ts, ACCEPT_ACTION)
        (view,) = modals(scene, scene.ada)
        fields = {block["block_id"]: block for block in view["blocks"]}
        assert fields["name"]["label"]["text"] == "Your name"
        assert [name for name, block in fields.items() if not block["optional"]] == ["name", "amount"]
        assert fields["amount"]["element"]["initial_value"] == "2"
        assert fields["ink"]["element"]["options"][0]["text"]["text"] == "Royal blue"
        assert await submit(scene, scene.ada, FILLED_IN) is None
        await until_said(scene, ts, "Noted.")
        (answer,) = shop.answers
        assert answer.content == {
            "name": "Ada", "amount": 3, "price": 12.5, "gift": True, "ink": "black",
            "extras": ["case", "stand"], "mail": "ada@example.com", "site": "https://example.com",
            "day": "2026-11-22",
            "at": "2026-11-22T12:00:00+00:00",
        }  # fmt: skip


async def test_a_form_that_slack_does_not_open_is_told_and_opens_at_the_next_press(tmp_path: Path) -> None:
    async with _asked(tmp_path, Shop(SIZE)) as (scene, ts, shop, card):
        scene.playground.faults.next("views.open", error="expired_trigger_id")
        assert await scene.ada.press(card.channel, card.ts, ACCEPT_ACTION)
        (told,) = scene.ada.ephemerals("#general")
        assert told["text"] == "Slack did not open the form. Please press again."
        await scene.ada.press(card.channel, card.ts, ACCEPT_ACTION)
        await submit(scene, scene.ada, {"size": {"type": "plain_text_input", "value": "M"}})
        await until_said(scene, ts, "Noted.")
        assert [answer.content for answer in shop.answers] == [{"size": "M"}]


@pytest.mark.parametrize(
    "impossible",
    [
        Elicitation("Please sign in", url=f"https://pens.example/login?{'a' * 3_000}"),
        Elicitation("Where to?", {"required": ["to"], "properties": {"to": {"type": "object"}}}),
    ],
    ids=["page", "form"],
)
async def test_what_slack_can_not_show_is_declined(tmp_path: Path, impossible: Elicitation) -> None:
    model, shop = OpenAIServer([tool_calls(("order", {})), text("Noted.")]), Shop(impossible)
    async with bot_in_workspace(tmp_path, model=model, tools=shop.registry()) as scene:
        ts = await scene.ada.say("#general", "@threadloop Order a pen")
        await until_said(scene, ts, "Noted.")
        assert shop.answers == [ElicitationAnswer("decline")]
        assert elicitation_cards(scene, ts) == []


async def test_a_card_without_its_buttons_is_not_posted(tmp_path: Path) -> None:
    model, shop = OpenAIServer([tool_calls(("order", {})), text("Noted.")]), Shop(SURE, SURE)
    async with bot_in_workspace(tmp_path, model=model, tools=shop.registry()) as scene:
        # Both forms of the first card, and the richer one of the second.
        scene.playground.faults.next("chat.postMessage", error="invalid_blocks", times=3)
        ts = await scene.ada.say("#general", "@threadloop Order a pen")
        card = await _until_asked(scene, ts)
        assert shop.answers == [ElicitationAnswer("decline")]
        assert "Are you sure?" in str(card.message["blocks"])
        await scene.ada.press(card.channel, card.ts, ACCEPT_ACTION)
        await until_said(scene, ts, "Noted.")
        assert [answer.action for answer in shop.answers] == ["decline", "accept"]
        assert len(elicitation_cards(scene, ts)) == 1


async def test_a_page_is_opened_by_a_button_and_then_done(tmp_path: Path) -> None:
    async with _asked(tmp_path, Shop(PAGE)) as (scene, ts, shop, card):
        assert list(card.buttons) == ["Open the page", "Done", "Decline"]
        assert card.buttons["Open the page"]["url"] == PAGE.url
        assert scene.playground.unfurled == []
        await scene.ada.press(card.channel, card.ts, VISIT_ACTION)
        assert shop.answers == []
        await scene.ada.press(card.channel, card.ts, ACCEPT_ACTION)
        await until_said(scene, ts, "Noted.")
        assert [answer.action for answer in shop.answers] == ["accept"]


async def test_a_tool_may_ask_several_things_one_after_the_other(tmp_path: Path) -> None:
    async with _asked(tmp_path, Shop(SURE, SURE)) as (scene, ts, shop, card):
        await scene.ada.press(card.channel, card.ts, ACCEPT_ACTION)
        await _until_closed(scene, ts, "Answered.")
        second = await _until_asked(scene, ts)
        await scene.ada.press(second.channel, second.ts, DECLINE_ACTION)
        await until_said(scene, ts, "Noted.")
        assert [answer.action for answer in shop.answers] == ["accept", "decline"]


async def test_somebody_else_is_told_whose_it_is_to_answer(tmp_path: Path) -> None:
    async with _asked(tmp_path, Shop(SIZE)) as (scene, ts, shop, card):
        grace = scene.playground.person("grace")
        for action in (ACCEPT_ACTION, DECLINE_ACTION):
            await grace.press(card.channel, card.ts, action)
        told = [shown["text"] for shown in grace.ephemerals("#general")]
        assert told == ["Only Ada Lovelace can answer this."] * 2
        assert modals(scene, grace) == []
        assert shop.answers == []
        await scene.ada.press(card.channel, card.ts, DECLINE_ACTION)
        await until_said(scene, ts, "Noted.")


async def test_neither_the_tools_time_nor_the_questions_passes_meanwhile(
    tmp_path: Path, let_pass: LetPass
) -> None:
    async with _asked(tmp_path, Shop(SURE), question_timeout_s=QUESTION_S) as (scene, ts, shop, card):
        await let_pass(2 * QUESTION_S)
        await scene.ada.press(card.channel, card.ts, ACCEPT_ACTION)
        await until_said(scene, ts, "Noted.")
        assert [answer.action for answer in shop.answers] == ["accept"]


async def test_what_nobody_answers_in_time_is_cancelled_and_its_card_closed(tmp_path: Path) -> None:
    model, shop = OpenAIServer([tool_calls(("order", {})), text("Noted.")]), Shop(SURE)
    async with bot_in_workspace(
        tmp_path, model=model, tools=shop.registry(), elicitation_minutes=0.001
    ) as scene:
        ts = await scene.ada.say("#general", "@threadloop Order a pen")
        await until_said(scene, ts, "Noted.")
        assert shop.answers == [ElicitationAnswer("cancel")]
        await _until_closed(scene, ts, "Nobody answered.")


async def test_an_answer_at_the_last_moment_counts_if_its_person_was_told_so(tmp_path: Path) -> None:
    # The bot looks for answers taken by another process once a second, and so not again before the end.
    async with _asked(tmp_path, Shop(SURE), elicitation_minutes=0.9 / 60) as (scene, ts, shop, card):
        counts = await _answered_elsewhere(scene, card.buttons["Yes"]["value"])
        await until_said(scene, ts, "Noted.")
        assert [answer.action for answer in shop.answers] == ["accept" if counts else "cancel"]


async def test_a_question_elsewhere_is_answered_meanwhile_though_only_one_may_be_worked_on(
    tmp_path: Path,
) -> None:
    orders = [tool_calls(("order", {})), text("Meanwhile."), text("Noted.")]
    async with _asked(tmp_path, Shop(SURE), orders, max_concurrent_runs=1) as (scene, ts, shop, card):
        other = await scene.playground.person("grace").say("#general", "@threadloop And you?")
        assert await scene.answer(other) == "Meanwhile."
        assert shop.answers == []
        await scene.ada.press(card.channel, card.ts, ACCEPT_ACTION)
        await until_said(scene, ts, "Noted.")


async def test_stop_ends_the_wait(tmp_path: Path) -> None:
    async with _asked(tmp_path, Shop(SURE)) as (scene, ts, shop, _):
        await scene.ada.say("#general", "stop", thread_ts=ts)
        await until_said(scene, ts, "_Stopped._")
        await _until_closed(scene, ts, "Nobody answered.")
        assert shop.answers == []


async def test_a_form_that_is_sent_too_late_says_so(tmp_path: Path) -> None:
    async with _asked(tmp_path, Shop(SIZE)) as (scene, ts, _, card):
        await scene.ada.press(card.channel, card.ts, ACCEPT_ACTION)
        await scene.ada.press(card.channel, card.ts, DECLINE_ACTION)
        await until_said(scene, ts, "Noted.")
        refusal = await submit(scene, scene.ada, {"size": {"type": "plain_text_input", "value": "M"}})
        assert refusal == {"size": "This is no longer waited for."}


async def test_a_restart_asks_again_and_the_old_card_is_closed(tmp_path: Path) -> None:
    async with _asked(tmp_path, Shop(SURE), shutdown_grace_s=0) as (scene, ts, shop, old):
        await scene.stop()
        await scene.start()
        card = await _until_asked(scene, ts)
        assert card.ts != old.ts
        await scene.ada.press(card.channel, card.ts, ACCEPT_ACTION)
        await until_said(scene, ts, "Noted.")
        assert [answer.action for answer in shop.answers] == ["accept"]


async def test_a_slash_command_has_nobody_to_ask(tmp_path: Path) -> None:
    model = OpenAIServer([tool_calls(("order", {})), text("Noted.")])
    async with bot_in_workspace(tmp_path, model=model, tools=Shop(SURE).registry()) as scene:
        await scene.ada.command("/ask", "Order a pen", channel="#general")
        await scene.playground.until(
            lambda: any("Noted." in shown["text"] for shown in scene.ada.ephemerals("#general"))
        )
    assert results(model) == ["nobody to ask"]


@pytest.mark.parametrize(
    "words", ["<!channel> <@U1>", "[here](https://evil.example)\n# Big\n```\nx", "long " * 2_000]
)
async def test_what_a_tool_says_is_quoted_and_pings_nobody_else(tmp_path: Path, words: str) -> None:
    async with _asked(tmp_path, Shop(Elicitation(words))) as (scene, ts, _, card):
        assert [ping.target for ping in scene.playground.pings] == [scene.ada.id]
        assert scene.playground.unfurled == []
        assert "> " in card.text
        await scene.ada.press(card.channel, card.ts, DECLINE_ACTION)
        await until_said(scene, ts, "Noted.")


async def test_a_secret_is_not_shown_in_part_either(tmp_path: Path) -> None:
    secret = "pens-9f8e7d6c5b4a"
    key = SecretStr(secret)
    async with _asked(tmp_path, Shop(Elicitation("a" * 2_490 + secret)), tavily_api_key=key) as (
        scene,
        ts,
        _,
        card,
    ):
        assert secret[:6] not in card.text
        await scene.ada.press(card.channel, card.ts, DECLINE_ACTION)
        await until_said(scene, ts, "Noted.")


@asynccontextmanager
async def _asked(
    folder: Path, shop: Shop, turns: Sequence[Any] = (), **settings: Any
) -> AsyncIterator[tuple[Scene, str, Shop, Card]]:
    """The tool has asked Ada: the scene, her question, the tool and the card."""
    model = OpenAIServer(turns or [tool_calls(("order", {})), text("Noted.")])
    async with bot_in_workspace(folder, model=model, tools=shop.registry(), **settings) as scene:
        ts = await scene.ada.say("#general", "@threadloop Order a pen")
        yield scene, ts, shop, await _until_asked(scene, ts)


async def _answered_elsewhere(scene: Scene, asked_id: str) -> bool:
    """Say yes at another replica; whether that counts."""
    engine = await asyncio.to_thread(create_engine, scene.settings.database_url)
    try:
        return await Elicitations(engine).answer(asked_id, "accept", {})
    finally:
        engine.dispose()


async def _until_asked(scene: Scene, ts: str) -> Card:
    (card,) = await scene.playground.until(
        lambda: [card for card in elicitation_cards(scene, ts) if card.buttons], what="a card that asks"
    )
    return card


async def _until_closed(scene: Scene, ts: str, words: str) -> None:
    await scene.playground.until(
        lambda: [c for c in elicitation_cards(scene, ts) if words in c.text and not c.buttons],
        what=f"a card that says {words!r}",
    )
