"""Who may decide about a tool call, and that it is decided once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from support.bot import Scene, bot_in_workspace
from support.cards import Card, approve, cards, deny, modals, submit, until_asked, until_closed, until_said
from support.notebook import Notebook, results, writes
from support.openai_server import OpenAIServer, text, tool_calls
from support.passing_tools import PassingTools
from support.slack_app import unrestricted

from bot.conversation import ToolCall
from bot.playground import Person, Seed
from bot.playground.seed import GroupSeed
from bot.playground.workspace import slack_id
from bot.slack.content import APPROVE_ACTION, DENY_ACTION
from bot.storage.approvals import digest
from bot.storage.database import create_engine
from tools import Policy, Registry

_GROUP = slack_id("S", slack_id("T", "acme"), "editors")


async def test_a_double_click_counts_once(tmp_path: Path) -> None:
    async with _asked(tmp_path) as (scene, ts, notebook, card):
        await asyncio.gather(*(approve(scene.ada, card) for _ in range(2)))
        await until_said(scene, ts, "Done.")
        assert notebook.written == ["milk"]
        assert _told(scene.ada) == ["This has been decided already."]


async def test_the_first_of_two_decisions_counts(tmp_path: Path) -> None:
    async with _asked(tmp_path) as (scene, ts, notebook, card):
        # Deny has opened its modal, and while Ada thinks of a reason, she approves elsewhere.
        assert await scene.ada.press(card.channel, card.ts, DENY_ACTION)
        await approve(scene.ada, card)
        refusal = await submit(scene, scene.ada, {"reason": {"type": "plain_text_input", "value": "no"}})
        assert refusal == {"reason": "This has been decided already."}
        await until_said(scene, ts, "Done.")
        assert notebook.written == ["milk"]
        await until_closed(scene, ts, "Approved by Ada Lovelace")


async def test_a_card_that_could_not_be_changed_decides_nothing_more(tmp_path: Path) -> None:
    async with _asked(tmp_path) as (scene, ts, notebook, card):
        scene.playground.faults.next("chat.update", error="cant_update_message")
        await approve(scene.ada, card)
        await until_said(scene, ts, "Done.")
        await approve(scene.ada, card)
        await scene.ada.press(card.channel, card.ts, DENY_ACTION)
        assert modals(scene, scene.ada) == []
        assert _told(scene.ada) == ["This has been decided already."] * 2
        assert notebook.written == ["milk"]


async def test_a_card_out_of_reach_is_left_alone(tmp_path: Path) -> None:
    model = OpenAIServer([writes("milk"), text("Done."), writes("eggs"), text("Done, too.")])
    async with _asked(tmp_path, model=model) as (scene, ts, _, card):
        scene.playground.faults.next("chat.update", error="channel_not_found")
        await approve(scene.ada, card)
        await until_said(scene, ts, "Done.")
        await scene.playground.until(lambda: scene.calls("chat.update"), what="the try to close the card")
        await _ask_and_approve(scene)
        assert [call["ts"] for call in scene.calls("chat.update")].count(card.ts) == 1


async def test_a_decision_that_can_not_be_followed_up_keeps_no_other_waiting(tmp_path: Path) -> None:
    model = OpenAIServer([writes("milk"), writes("eggs"), text("Done.")])
    async with _asked(tmp_path, model=model) as (scene, ts, _, _):
        room = scene.playground.workspace.channel("#general").id
        await scene.bot.runs.outcome(f"{scene.playground.team_id}:{room}:{ts}")
        await _execute(scene, "UPDATE approvals SET state = 'withdrawn'")
        await _execute(scene, "UPDATE workflow_input SET inputs = 'nonsense'")
        await _ask_and_approve(scene)


async def test_somebody_else_is_told_why_it_is_not_theirs_to_decide(tmp_path: Path) -> None:
    async with _asked(tmp_path) as (scene, ts, notebook, card):
        grace = scene.playground.person("grace")
        await approve(grace, card)
        await grace.press(card.channel, card.ts, DENY_ACTION)
        assert modals(scene, grace) == []
        assert _told(grace) == ["Only Ada Lovelace can decide about this."] * 2
        assert _told(scene.ada) == []
        assert notebook.keys == []
        await approve(scene.ada, card)
        await until_said(scene, ts, "Done.")
        assert notebook.written == ["milk"]


async def test_an_approver_that_the_policy_names_decides_in_the_askers_stead(tmp_path: Path) -> None:
    async with _asked(tmp_path, approvers={"users": [_id("grace")]}) as (scene, ts, notebook, card):
        grace = scene.playground.person("grace")
        assert card.text.startswith(f"<@{grace.id}> May I do this for <@{scene.ada.id}>?")
        assert [ping.target for ping in scene.playground.pings] == [grace.id, scene.ada.id]
        await approve(scene.ada, card)
        assert _told(scene.ada) == ["Only those whom the policy names for this tool can decide about it."]
        assert notebook.keys == []
        await approve(grace, card)
        await until_closed(scene, ts, "Approved by Grace Hopper")
        await until_said(scene, ts, "Done.")
        assert notebook.written == ["milk"]


async def test_the_asker_does_not_decide_for_the_approvers_while_the_tool_is_away(tmp_path: Path) -> None:
    server = PassingTools()
    policy = Policy.model_validate({"tools": {"pens__*": {"approvers": {"users": [_id("grace")]}}}})
    model = OpenAIServer([tool_calls(("pens__write", {"text": "x"})), text("Done.")])
    registry = Registry([], toolsets=[server], policy=policy)
    async with bot_in_workspace(tmp_path, model=model, tools=registry, seed=unrestricted()) as scene:
        ts = await scene.ada.say("#general", "@threadloop Drop it")
        (card,) = await until_asked(scene, ts)
        server.is_up = False
        await approve(scene.ada, card)
        assert _told(scene.ada) == ["Only those whom the policy names for this tool can decide about it."]
        server.is_up = True
        await approve(scene.playground.person("grace"), card)
        await until_closed(scene, ts, "Approved by Grace Hopper")


@pytest.mark.parametrize("kind", ["users", "groups"])
async def test_where_no_approver_can_see_the_card_the_asker_is_told_to_ask_elsewhere(
    tmp_path: Path, kind: str
) -> None:
    model, notebook = OpenAIServer([writes("milk"), text("Ask in #general.")]), Notebook()
    registry = notebook.registry(policy=_with_approvers({kind: [_id("grace") if kind == "users" else _GROUP]}))
    async with bot_in_workspace(tmp_path, model=model, tools=registry, seed=_with_editors()) as scene:
        dm = await scene.ada.open_dm()
        ts = await scene.ada.say(dm, "Write down milk")
        assert await scene.answer(ts, dm) == "Ask in #general."
        assert cards(scene, ts, dm) == []
        assert notebook.keys == []
        assert len(scene.calls("conversations.members")) == 1
    told = json.loads(results(model)[0])
    assert "nobody who may approve it is in this conversation" in told["error"]
    assert "channel where one of the approvers is" in told["advice"]


async def test_an_asker_who_may_approve_is_asked_anywhere(tmp_path: Path) -> None:
    model, notebook = OpenAIServer([writes("milk"), text("Done.")]), Notebook()
    registry = notebook.registry(policy=_with_approvers({"users": [_id("ada")]}))
    async with bot_in_workspace(tmp_path, model=model, tools=registry) as scene:
        dm = await scene.ada.open_dm()
        ts = await scene.ada.say(dm, "Write down milk")
        (card,) = await until_asked(scene, ts, dm)
        await approve(scene.ada, card)
        assert await scene.answer(ts, dm) == "Done."
        assert scene.calls("conversations.members") == []


async def test_where_slack_does_not_tell_who_is_there_people_are_asked(tmp_path: Path) -> None:
    model, notebook = OpenAIServer([writes("milk"), text("Done.")]), Notebook()
    registry = notebook.registry(policy=_with_approvers({"users": [_id("grace")]}))
    async with bot_in_workspace(tmp_path, model=model, tools=registry) as scene:
        scene.playground.faults.next("conversations.members", error="missing_scope")
        ts = await scene.ada.say("#general", "@threadloop Write down milk")
        (card,) = await until_asked(scene, ts)
        await approve(scene.playground.person("grace"), card)
        await until_said(scene, ts, "Done.")


async def test_a_user_group_that_the_policy_names_decides(tmp_path: Path) -> None:
    model = OpenAIServer([writes("milk"), text("Then not.")])
    async with _asked(tmp_path, approvers={"groups": [_GROUP]}, model=model) as (scene, ts, notebook, card):
        assert f"<!subteam^{_GROUP}>" in card.text
        linus, grace = map(scene.playground.person, ("linus", "grace"))
        await approve(linus, card)
        assert _told(linus) == ["Only those whom the policy names for this tool can decide about it."]
        await deny(grace, card, "Not like this")
        await until_closed(scene, ts, "Denied by Grace Hopper: Not like this")
        await until_said(scene, ts, "Then not.")
        assert notebook.keys == []
    assert "Not like this" in results(model)[0]


async def test_a_form_that_slack_does_not_open_is_told_and_opens_at_the_next_press(tmp_path: Path) -> None:
    model = OpenAIServer([writes("milk"), text("Then not.")])
    async with _asked(tmp_path, model=model) as (scene, ts, _, card):
        scene.playground.faults.next("views.open", error="expired_trigger_id")
        assert await scene.ada.press(card.channel, card.ts, DENY_ACTION)
        assert _told(scene.ada) == ["Slack did not open the form. Please press again."]
        await deny(scene.ada, card)
        await until_said(scene, ts, "Then not.")


async def test_a_button_made_for_other_arguments_is_refused(tmp_path: Path) -> None:
    async with _asked(tmp_path) as (scene, ts, notebook, card):
        run_id, call_id, _ = card.buttons["Approve"]["value"].split()
        await scene.ada.press(card.channel, card.ts, APPROVE_ACTION, value=f"{run_id} {call_id} {'0' * 64}")
        await scene.ada.press(card.channel, card.ts, APPROVE_ACTION, value="nonsense")
        assert _told(scene.ada) == [
            "What this would do has changed since. Please ask me again.",
            "This is no longer waiting for a decision.",
        ]
        assert notebook.keys == []
        await approve(scene.ada, card)
        await until_said(scene, ts, "Done.")


async def test_arguments_that_were_changed_in_the_database_are_refused(tmp_path: Path) -> None:
    async with _asked(tmp_path) as (scene, _, notebook, card):
        await _execute(scene, """UPDATE approvals SET arguments = '{"text": "poison"}'""")
        await approve(scene.ada, card)
        assert _told(scene.ada) == ["What this would do has changed since. Please ask me again."]
        assert notebook.keys == []


async def test_a_decision_about_other_arguments_approves_nothing(tmp_path: Path) -> None:
    model = OpenAIServer([writes("milk"), text("Then not.")])
    async with _asked(tmp_path, model=model) as (scene, ts, notebook, _):
        other = ToolCall("call_1", "write_down", '{"text": "poison"}')
        await _execute(
            scene,
            "UPDATE approvals SET state = 'approved', decided_by = 'U1', "
            f"arguments = '{other.arguments}', digest = '{digest(other)}'",
        )
        await scene.stop()
        await scene.start()
        await until_said(scene, ts, "Then not.")
        assert notebook.keys == []
    assert "not what was asked about" in results(model)[0]


@asynccontextmanager
async def _asked(
    folder: Path, *, approvers: dict[str, list[str]] | None = None, model: OpenAIServer | None = None
) -> AsyncIterator[tuple[Scene, str, Notebook, Card]]:
    """Ada's question waits for a decision: the scene, her question, the tools and the card."""
    policy = _with_approvers(approvers) if approvers else Policy()
    model, notebook = model or OpenAIServer([writes("milk"), text("Done.")]), Notebook()
    registry = notebook.registry(policy=policy)
    async with bot_in_workspace(folder, model=model, tools=registry, seed=_with_editors()) as scene:
        ts = await scene.ada.say("#general", "@threadloop Write down milk")
        (card,) = await until_asked(scene, ts)
        yield scene, ts, notebook, card


async def _ask_and_approve(scene: Scene) -> None:
    """Ask something, approve it, and wait until the card is closed."""
    ts = await scene.ada.say("#general", "@threadloop Write down eggs")
    (card,) = await until_asked(scene, ts)
    await approve(scene.ada, card)
    await until_closed(scene, ts, "Approved by Ada Lovelace")


def _with_approvers(approvers: dict[str, list[str]]) -> Policy:
    return Policy.model_validate({"tools": {"write_down": {"approvers": approvers}}})


def _with_editors() -> Seed:
    group = GroupSeed(handle="editors", name="Editors", members=("grace",))
    return unrestricted().model_copy(update={"groups": (group,)})


def _id(handle: str) -> str:
    return slack_id("U", slack_id("T", "acme"), handle)


def _told(person: Person) -> list[Any]:
    return [shown["text"] for shown in person.ephemerals("#general")]


async def _execute(scene: Scene, statement: str) -> None:
    """Change the bot's database behind its back."""

    def execute() -> None:
        engine = create_engine(scene.settings.database_url)
        with engine.begin() as connection:
            connection.execute(sa.text(statement))
        engine.dispose()

    await asyncio.to_thread(execute)
