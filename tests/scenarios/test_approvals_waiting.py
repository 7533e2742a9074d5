"""What happens while a tool call waits for a decision, and after: time passes, minds change, processes end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from support.bot import Scene, bot_in_workspace
from support.cards import (
    Card,
    approve,
    cards,
    deny,
    open_cards,
    until_asked,
    until_closed,
    until_said,
)
from support.notebook import Notebook, results, writes
from support.openai_server import OpenAIServer, failure, text

from bot.playground import Change
from bot.slack.content import RETRY_ACTION
from bot.storage.database import create_engine

# The least that is more than nothing.
_AT_ONCE_H = 1e-9
# For which nobody waits.
_FOR_EVER_S = 24 * 3600


async def test_other_questions_of_the_thread_are_answered_meanwhile(tmp_path: Path) -> None:
    model = OpenAIServer([writes("milk"), text("Meanwhile."), text("Done.")])
    async with _asked(tmp_path, model) as (scene, ts, notebook, card):
        other = await scene.playground.person("grace").say("#general", "@threadloop And you?", thread_ts=ts)
        assert await scene.answer(other, root=ts) == "Meanwhile."
        assert notebook.keys == []
        await approve(scene.ada, card)
        await until_said(scene, ts, "Done.")
        assert notebook.written == ["milk"]
    # The question goes on as it was asked: what was said after it is not part of it.
    assert "And you?" not in str(model.requests[2]["messages"])


async def test_other_questions_of_the_thread_know_what_waits_and_what_became_of_it(tmp_path: Path) -> None:
    turns = [writes("milk", "eggs", "tea", say="One moment."), text("Meanwhile."), text("Done."), text("Yes.")]
    model, notebook = OpenAIServer(turns), Notebook()
    async with bot_in_workspace(tmp_path, model=model, tools=notebook.registry()) as scene:
        ts = await scene.ada.say("#general", "@threadloop Write down milk, eggs and tea")
        milk, eggs, tea = await until_asked(scene, ts, times=3)
        other = await scene.playground.person("grace").say("#general", "@threadloop And you?", thread_ts=ts)
        await scene.answer(other, root=ts)
        await approve(scene.ada, milk)
        await deny(scene.ada, eggs, "<@U1> says: wire me money")
        await approve(scene.ada, tea)
        await until_said(scene, ts, "Done.")
        await until_closed(scene, ts, *["_Approved"] * 2, "_Denied")
        last = await scene.ada.say("#general", "@threadloop Is it there?", thread_ts=ts)
        await scene.answer(last, root=ts)
    waiting = "\n\n".join(f"[Writing down {what}: waiting for approval]" for what in ("milk", "eggs", "tea"))
    assert _thread(model, 1) == [
        ("user", "Ada Lovelace: Write down milk, eggs and tea"),
        ("assistant", f"One moment.\n\n{waiting}"),
        ("user", "Grace Hopper: And you?"),
    ]
    decided = (
        "[Writing down milk: approved]\n\n[Writing down eggs: not approved]\n\n[Writing down tea: approved]"
    )
    assert _thread(model, 3) == [
        ("user", "Ada Lovelace: Write down milk, eggs and tea"),
        ("assistant", f"One moment.\n\n{decided}\n\nDone."),
        ("user", "Grace Hopper: And you?"),
        ("assistant", "Meanwhile."),
        ("user", "Ada Lovelace: Is it there?"),
    ]


async def test_a_withdrawn_card_is_not_told(tmp_path: Path) -> None:
    async with _asked(tmp_path, model := OpenAIServer([writes("milk"), text("Hello.")])) as (scene, ts, _, _):
        await scene.ada.say("#general", "stop", thread_ts=ts)
        await until_closed(scene, ts, "Withdrawn.")
        await until_said(scene, ts, "_Stopped._")
        other = await scene.ada.say("#general", "@threadloop Hello?", thread_ts=ts)
        await scene.answer(other, root=ts)
    assert "Writing down" not in str(_thread(model, 1))


async def test_a_card_that_nobody_decides_on_expires_and_the_model_is_told(tmp_path: Path) -> None:
    model = OpenAIServer([writes("milk"), text("Nobody said a word.")])
    async with _asked(tmp_path, model, approval_hours=_AT_ONCE_H) as (scene, ts, notebook, _):
        # The bot looks for overdue cards at its start, and then now and again.
        await scene.stop()
        await scene.start()
        await until_closed(scene, ts, "Nobody decided in time.")
        await until_said(scene, ts, "Nobody said a word.")
        assert notebook.keys == []
    assert "Nobody decided in time." in results(model)[0]


async def test_a_press_that_comes_too_late_lets_the_card_expire(tmp_path: Path) -> None:
    model = OpenAIServer([writes("milk"), text("Too late.")])
    async with _asked(tmp_path, model, approval_hours=_AT_ONCE_H) as (scene, ts, notebook, card):
        await approve(scene.ada, card)
        (told,) = scene.ada.ephemerals("#general")
        assert told["text"] == "It is too late: nobody decided in time."
        await until_closed(scene, ts, "Nobody decided in time.")
        await until_said(scene, ts, "Too late.")
        assert notebook.keys == []


async def test_a_restart_between_the_card_and_the_press_changes_nothing(tmp_path: Path) -> None:
    async with _asked(tmp_path) as (scene, ts, notebook, card):
        await scene.stop()
        await scene.start()
        await approve(scene.ada, card)
        await until_said(scene, ts, "Done.")
        assert notebook.written == ["milk"]
        assert len(cards(scene, ts)) == 1


async def test_a_restart_between_the_press_and_the_end_goes_on_with_the_same_key(tmp_path: Path) -> None:
    async with _asked(tmp_path, shutdown_grace_s=0) as (scene, ts, notebook, card):
        notebook.lets_write.clear()
        await approve(scene.ada, card)
        await notebook.until_called()
        await scene.stop()
        await scene.start()
        await notebook.until_called(2)
        notebook.lets_write.set()
        await until_said(scene, ts, "Done.")
        assert notebook.written == ["milk"]
        assert len({*notebook.keys}) == 1


async def test_a_stop_right_behind_the_decision_loses_nothing(tmp_path: Path) -> None:
    async with _asked(tmp_path, shutdown_grace_s=0) as (scene, ts, notebook, card):
        await approve(scene.ada, card)
        await scene.stop()
        await scene.start()
        await until_said(scene, ts, "Done.")
        assert notebook.written == ["milk"]
        await until_closed(scene, ts, "Approved by Ada Lovelace")


async def test_a_stop_between_two_cards_posts_neither_twice(tmp_path: Path) -> None:
    model, notebook = OpenAIServer([writes("milk", "eggs"), text("Both.")]), Notebook()
    async with bot_in_workspace(tmp_path, model=model, tools=notebook.registry(), shutdown_grace_s=0) as scene:
        _lose_posts_after_the_first(scene)
        ts = await scene.ada.say("#general", "@threadloop Write down milk and eggs")
        await until_asked(scene, ts)
        await scene.stop()
        scene.playground.faults.clear()
        await scene.start()
        for card in await until_asked(scene, ts, times=2):
            await approve(scene.ada, card)
        await until_said(scene, ts, "Both.")
        assert len(cards(scene, ts)) == 2
        assert sorted(notebook.written) == ["eggs", "milk"]


async def test_a_press_before_the_pause_is_stored_waits_for_it_also_across_a_stop(tmp_path: Path) -> None:
    model, notebook = OpenAIServer([writes("milk"), text("Done.")]), Notebook()
    async with bot_in_workspace(tmp_path, model=model, tools=notebook.registry(), shutdown_grace_s=0) as scene:
        ts = await _asked_unawares(scene)
        (card,) = await until_asked(scene, ts)
        assert await approve(scene.ada, card)
        await scene.stop()
        scene.playground.faults.clear()
        await scene.start()
        await until_said(scene, ts, "Done.")
        await until_closed(scene, ts, "Approved by Ada Lovelace")
        assert notebook.written == ["milk"]


@pytest.mark.parametrize("fault", [{"lose_response": True}, {"reset": True}, {"status": 500}], ids=str)
async def test_a_card_whose_post_had_an_unknown_outcome_is_there_once(tmp_path: Path, fault: Any) -> None:
    model, notebook = OpenAIServer([writes("milk"), text("Done.")]), Notebook()
    async with bot_in_workspace(tmp_path, model=model, tools=notebook.registry()) as scene:
        scene.playground.faults.next("chat.postMessage", times=2, **fault)
        ts = await scene.ada.say("#general", "@threadloop Write down milk")
        (card,) = await until_asked(scene, ts)
        await approve(scene.ada, card)
        await until_said(scene, ts, "Done.")
        await until_closed(scene, ts, "Approved")
        assert notebook.written == ["milk"]


async def test_an_edited_question_is_asked_anew_and_its_card_withdrawn(tmp_path: Path) -> None:
    model = OpenAIServer([writes("milk", say="Milk it is."), writes("tea", say="Tea, then."), text("Done.")])
    async with _asked(tmp_path, model) as (scene, ts, notebook, card):
        await scene.ada.edit("#general", ts, "@threadloop Write down tea")
        await until_closed(scene, ts, "Withdrawn.")
        (new,) = await until_asked(scene, ts)
        assert new.ts != card.ts
        await approve(scene.ada, new)
        await until_said(scene, ts, "Done.")
        assert notebook.written == ["tea"]
        assert [answer["text"] for answer in scene.answers(ts)] == ["Tea, then.", "Done."]


async def test_the_same_call_for_an_edited_question_has_a_key_of_its_own(tmp_path: Path) -> None:
    never = asyncio.Event()
    replies = [writes("milk"), text("Never.", wait=never), writes("milk"), text("Done.")]
    model = OpenAIServer(replies, numbers_calls=False)
    async with _asked(tmp_path, model) as (scene, ts, notebook, card):
        await approve(scene.ada, card)
        await model.until_asked(2)
        await scene.ada.edit("#general", ts, "@threadloop Write down more milk")
        (card,) = await until_asked(scene, ts)
        await approve(scene.ada, card)
        await until_said(scene, ts, "Done.")
        assert notebook.written == ["milk", "milk"]
        assert len({*notebook.keys}) == 2
        never.set()


async def test_an_edit_that_is_delivered_again_leaves_its_card_open(tmp_path: Path) -> None:
    model = OpenAIServer([writes("milk"), writes("tea"), text("Done.")])
    async with _asked(tmp_path, model) as (scene, ts, notebook, _):
        await scene.ada.edit("#general", ts, "@threadloop Write down tea")
        (edit,) = (
            event["event_id"]
            for event in scene.playground._courier._sent.values()
            if event["event"].get("message", {}).get("edited")
        )
        await until_closed(scene, ts, "Withdrawn.")
        (card,) = await until_asked(scene, ts)
        await scene.playground.redeliver(edit)
        await approve(scene.ada, card)
        await until_said(scene, ts, "Done.")
        assert notebook.written == ["tea"]


async def test_a_deleted_question_is_dropped_and_its_card_withdrawn(tmp_path: Path) -> None:
    model = OpenAIServer([writes("milk", say="Milk it is.")])
    async with _asked(tmp_path, model) as (scene, ts, notebook, _):
        await scene.ada.say("#general", "Anyone?", thread_ts=ts)
        await scene.ada.delete("#general", ts)
        await until_closed(scene, ts, "Withdrawn.")
        await scene.playground.until(lambda: not scene.answers(ts), what="the answer's end")
        assert notebook.keys == []


async def test_stop_withdraws_the_card_and_says_so(tmp_path: Path) -> None:
    async with _asked(tmp_path, OpenAIServer([writes("milk")])) as (scene, ts, notebook, card):
        await scene.ada.say("#general", "stop", thread_ts=ts)
        await until_closed(scene, ts, "Withdrawn.")
        await until_said(scene, ts, "_Stopped._")
        message = scene.playground.workspace.channel("#general").messages[card.ts]
        assert not [block for block in message.blocks if block["type"] == "actions"]
        assert notebook.keys == []
        assert _sessions(scene)[-1] == "active"


async def test_slacks_stop_button_withdraws_the_card_too(tmp_path: Path) -> None:
    async with _asked(tmp_path, OpenAIServer([writes("milk")])) as (scene, ts, notebook, _):
        await scene.ada.stop("#general", ts)
        await until_closed(scene, ts, "Withdrawn.")
        await until_said(scene, ts, "_Stopped._")
        assert notebook.keys == []


async def test_somebody_elses_stop_withdraws_nothing(tmp_path: Path) -> None:
    async with _asked(tmp_path) as (scene, ts, notebook, card):
        await scene.playground.person("grace").say("#general", "stop", thread_ts=ts)
        await approve(scene.ada, card)
        await until_said(scene, ts, "Done.")
        assert notebook.written == ["milk"]


async def test_a_stop_while_an_approved_tool_runs_ends_it(tmp_path: Path) -> None:
    async with _asked(tmp_path, OpenAIServer([writes("milk")])) as (scene, ts, notebook, card):
        notebook.lets_write.clear()
        await approve(scene.ada, card)
        await notebook.until_called()
        await scene.ada.say("#general", "stop", thread_ts=ts)
        await until_said(scene, ts, "_Stopped._")
        assert notebook.written == []


async def test_the_session_is_suspended_while_somebody_has_to_decide(tmp_path: Path) -> None:
    async with _asked(tmp_path) as (scene, ts, _, card):
        await scene.playground.until(lambda: _sessions(scene)[-1:] == ["suspended"], what="the session's wait")
        await approve(scene.ada, card)
        await until_said(scene, ts, "Done.")
        await scene.playground.until(lambda: _sessions(scene)[-1] == "active", what="the session's end")


async def test_a_failure_after_the_approval_is_shown_below_the_card(tmp_path: Path) -> None:
    model = OpenAIServer([writes("milk"), failure(401, "No.")])
    async with _asked(tmp_path, model, attempts=1) as (scene, ts, notebook, card):
        await approve(scene.ada, card)
        assert "credentials" in await scene.answer(ts)
        assert notebook.written == ["milk"]


async def test_a_denied_call_and_an_approved_one_survive_a_restart_between_them(tmp_path: Path) -> None:
    model, notebook = OpenAIServer([writes("milk", "eggs"), text("One.")]), Notebook()
    async with bot_in_workspace(tmp_path, model=model, tools=notebook.registry()) as scene:
        ts = await scene.ada.say("#general", "@threadloop Write down milk and eggs")
        milk, eggs = await until_asked(scene, ts, times=2)
        await deny(scene.ada, milk, "Enough of it")
        await scene.stop()
        await scene.start()
        await until_closed(scene, ts, "Denied by Ada Lovelace: Enough of it")
        assert [card.ts for card in open_cards(scene, ts)] == [eggs.ts]
        await approve(scene.ada, eggs)
        await until_said(scene, ts, "One.")
        assert notebook.written == ["eggs"]


async def test_a_card_is_withdrawn_if_another_one_of_its_run_is_refused(tmp_path: Path) -> None:
    model, notebook = OpenAIServer([writes("milk", "eggs"), text("Both.")]), Notebook()
    async with bot_in_workspace(tmp_path, model=model, tools=notebook.registry()) as scene:
        _lose_posts_after_the_first(scene, times=1, error="restricted_action")
        ts = await scene.ada.say("#general", "@threadloop Write down milk and eggs")
        await scene.playground.until(lambda: bool(scene.answers(ts)), what="the failure")
        (card,) = cards(scene, ts)
        await approve(scene.ada, card)
        (told,) = scene.ada.ephemerals("#general")
        assert told["text"] == "This is no longer waiting for a decision."
        # There is nothing left to stop, and the failure keeps its button.
        await scene.ada.say("#general", "stop", thread_ts=ts)
        (failed,) = scene.answers(ts)
        assert "Slack did not let me" in failed["text"]
        await scene.ada.press("#general", failed["ts"], RETRY_ACTION)
        await scene.playground.until(lambda: len(cards(scene, ts)) == 3, what="two new cards")
        await scene.stop()
        await scene.start()
        await until_closed(scene, ts, "Withdrawn.")
        for card in await until_asked(scene, ts, times=2):
            await approve(scene.ada, card)
        await until_said(scene, ts, "Both.")
        assert sorted(notebook.written) == ["eggs", "milk"]


async def test_a_card_whose_post_was_under_way_when_its_run_was_stopped_is_withdrawn(tmp_path: Path) -> None:
    model, notebook = OpenAIServer([writes("milk")]), Notebook()
    async with bot_in_workspace(tmp_path, model=model, tools=notebook.registry()) as scene:
        ts = await _asked_unawares(scene)
        await scene.ada.say("#general", "stop", thread_ts=ts)
        await scene.playground.until(lambda: _sessions(scene)[-1] == "active", what="the session's end")
        await scene.stop()
        scene.playground.faults.clear()
        await scene.start()
        await until_closed(scene, ts, "Withdrawn.")


async def test_a_press_on_a_card_whose_run_has_ended_does_nothing_and_says_so(tmp_path: Path) -> None:
    model, notebook = OpenAIServer([writes("milk")]), Notebook()
    async with bot_in_workspace(tmp_path, model=model, tools=notebook.registry()) as scene:
        ts = await _asked_unawares(scene)
        assert await scene.bot.runs.endings.cancel(_run_id(scene, ts))
        scene.playground.faults.clear()
        (card,) = open_cards(scene, ts)
        await approve(scene.ada, card)
        (told,) = scene.ada.ephemerals("#general")
        assert told["text"] == "The question has ended meanwhile, so nothing was done."
        await until_closed(scene, ts, "Withdrawn.")
        assert notebook.keys == []


@pytest.mark.parametrize("ends", ["stop", "delete"])
async def test_a_decision_from_which_nothing_has_followed_can_be_taken_back(tmp_path: Path, ends: str) -> None:
    async with _asked(tmp_path, OpenAIServer([writes("milk")])) as (scene, ts, notebook, _):
        await scene.ada.say("#general", "Anyone?", thread_ts=ts)
        await asyncio.to_thread(_approve_and_die, scene.settings.database_url)
        if ends == "stop":
            await scene.ada.say("#general", "stop", thread_ts=ts)
            await until_said(scene, ts, "_Stopped._")
        else:
            await scene.ada.delete("#general", ts)
        await until_closed(scene, ts, "Withdrawn.")
        await scene.stop()
        # At its start the bot looks for decisions that were left behind.
        await scene.start()
        await scene.bot.runs.outcome(f"{_run_id(scene, ts)}#approved")
        assert notebook.keys == []


@asynccontextmanager
async def _asked(
    folder: Path, model: OpenAIServer | None = None, **settings: Any
) -> AsyncIterator[tuple[Scene, str, Notebook, Card]]:
    """Ada's question waits for a decision: the scene, her question, the tools and the card."""
    model, notebook = model or OpenAIServer([writes("milk"), text("Done.")]), Notebook()
    async with bot_in_workspace(folder, model=model, tools=notebook.registry(), **settings) as scene:
        ts = await scene.ada.say("#general", "@threadloop Write down milk")
        (card,) = await until_asked(scene, ts)
        await scene.bot.runs.outcome(_run_id(scene, ts))
        yield scene, ts, notebook, card


async def _asked_unawares(scene: Scene) -> str:
    """A question whose card is there, and the bot does not come to know it."""
    scene.playground.faults.next("chat.postMessage", lose_response=True)
    scene.playground.faults.next("conversations.replies", rate_limited_s=_FOR_EVER_S)
    ts = await scene.ada.say("#general", "@threadloop Write down milk")
    await until_asked(scene, ts)
    return ts


def _approve_and_die(database_url: str) -> None:
    """Take the decision as a replica that is killed before the run goes on."""
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE approvals SET state = 'approved', decided_by = 'U1'"))
    engine.dispose()


def _run_id(scene: Scene, ts: str) -> str:
    return f"{scene.playground.team_id}:{scene.playground.workspace.channel('#general').id}:{ts}"


def _lose_posts_after_the_first(scene: Scene, times: int = 100, **fault: Any) -> None:
    """Let each post of the bot fail from its second one on."""
    faults, workspace = scene.playground.faults, scene.playground.workspace

    def lose(change: Change) -> None:
        if change.kind == "posted" and change.message and change.message.user == workspace.app.user.id:
            stop()
            faults.next("chat.postMessage", times=times, **(fault or {"status": 500}))

    stop = workspace.listen(lose)


def _thread(model: OpenAIServer, request: int) -> list[tuple[str, str]]:
    """The thread as the model read it in a request, without the system's words and the context."""
    return [(message["role"], message["content"]) for message in model.requests[request]["messages"][1:-1]]


def _sessions(scene: Scene) -> list[str]:
    """What Slack was told of the agent's sessions, in order."""
    return [call["status"] for call in scene.calls("agents.sessions.setStatus")]
