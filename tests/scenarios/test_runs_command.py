"""`threadloop runs`, beside a bot that works."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from support.bot import Scene, bot_in_workspace
from support.cards import approve, until_asked, until_closed, until_said
from support.notebook import Notebook, writes
from support.openai_server import OpenAIServer, failure, text, tool_calls

from bot.commands import runs as runs_command
from bot.errors import NoSuchRun, WrongRunState

SUM = tool_calls(("calculate", {"expression": "2 + 2"}))


async def test_runs_are_listed_with_their_state_and_steps(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    never = asyncio.Event()
    model = OpenAIServer([SUM, text("4"), failure(400, "No."), text("Never.", wait=never)])
    async with bot_in_workspace(tmp_path, model=model) as scene:
        answered = await scene.ada.say("#general", "@threadloop 2 + 2?")
        await scene.answer(answered)
        failed = await scene.ada.say("#general", "@threadloop and this?")
        await scene.answer(failed)
        running = await scene.ada.say("#general", "@threadloop and that?")
        await model.until_asked(4)
        listed = await _runs(scene, capsys, "list")
        assert [line.split()[0] for line in listed[1:]] == ["running", "failed", "answered"]
        assert [line.rsplit(":", 1)[1] for line in listed[1:]] == [running, failed, answered]
        shown = await _runs(scene, capsys, "show", _run_id(scene, answered))
        names = [line.split(maxsplit=5)[-1] for line in shown]
        assert sorted(names) == ["model", "model", "tool calculate"]
        never.set()


async def test_a_run_is_cancelled_and_retried_from_outside(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    never = asyncio.Event()
    model = OpenAIServer([text("Never.", wait=never), text("At last.")])
    async with bot_in_workspace(tmp_path, model=model) as scene:
        ts = await scene.ada.say("#general", "@threadloop 2 + 2?")
        await model.until_asked(1)
        await _runs(scene, capsys, "cancel", _run_id(scene, ts))
        assert await scene.bot.runs.outcome(_run_id(scene, ts)) is None
        await _runs(scene, capsys, "retry", _run_id(scene, ts))
        await scene.until_shown("At last.", ts)
        assert len(scene.shown(ts)) == 1
        never.set()


async def test_the_asker_is_told_of_an_answer_that_is_cancelled_from_outside(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    never = asyncio.Event()
    model = OpenAIServer([text("Half ", "words.", hold=never)])
    async with bot_in_workspace(tmp_path, model=model) as scene:
        ts = await scene.ada.say("#general", "@threadloop At length?")
        await scene.until_shown("Half", ts)
        await _runs(scene, capsys, "cancel", _run_id(scene, ts))
        assert await scene.answer(ts) == "Half\n\n_Stopped._"
        listed = await _runs(scene, capsys, "list")
        assert [line.split()[0] for line in listed[1:]] == ["cancelled"]
        never.set()


async def test_a_run_that_waits_for_a_decision_is_listed_with_its_tool_and_can_be_cancelled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, notebook = OpenAIServer([writes("milk")]), Notebook()
    async with bot_in_workspace(tmp_path, model=model, tools=notebook.registry()) as scene:
        ts = await scene.ada.say("#general", "@threadloop Write down milk")
        (card,) = await until_asked(scene, ts)
        await scene.bot.runs.outcome(_run_id(scene, ts))
        (waiting,) = (await _runs(scene, capsys, "list"))[1:]
        assert waiting.startswith("paused")
        assert waiting.endswith("waits for a decision about write_down")
        await _runs(scene, capsys, "cancel", _run_id(scene, ts))
        assert (await _runs(scene, capsys, "list"))[1].startswith("cancelled")
        await approve(scene.ada, card)
        (told,) = scene.ada.ephemerals("#general")
        assert told["text"] == "This is no longer waiting for a decision."
        await scene.stop()
        # The bot looks after cards at its start, and then now and again.
        await scene.start()
        await until_closed(scene, ts, "Withdrawn.")
        assert notebook.keys == []


async def test_a_retry_from_outside_goes_on_from_where_the_run_failed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, notebook = OpenAIServer([writes("milk"), failure(401, "No."), text("Done.")]), Notebook()
    async with bot_in_workspace(tmp_path, model=model, tools=notebook.registry(), attempts=1) as scene:
        ts = await scene.ada.say("#general", "@threadloop Write down milk")
        (card,) = await until_asked(scene, ts)
        await approve(scene.ada, card)
        approved = f"{_run_id(scene, ts)}#approved"
        await scene.answer(ts)
        await scene.bot.runs.outcome(approved)
        assert [line.split()[0] for line in (await _runs(scene, capsys, "list"))[1:]] == ["failed", "resumed"]
        await _runs(scene, capsys, "retry", approved)
        await until_said(scene, ts, "Done.")
        assert notebook.written == ["milk"]
        await scene.bot.runs.outcome(f"{approved}#retry")
        # What is answered is not done again, and what is decided is not asked again.
        for run_id in (f"{approved}#retry", _run_id(scene, ts)):
            with pytest.raises(WrongRunState, match=r"What is failed or cancelled can be retried\."):
                await _runs(scene, capsys, "retry", run_id)
        with pytest.raises(WrongRunState, match=r"#retry is answered\."):
            await _runs(scene, capsys, "cancel", f"{approved}#retry")


async def test_an_unknown_run_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with bot_in_workspace(tmp_path) as scene:
        with pytest.raises(NoSuchRun, match="There is no run T:C:1"):
            await _runs(scene, capsys, "show", "T:C:1")


def _run_id(scene: Scene, ts: str) -> str:
    return f"{scene.playground.team_id}:{scene.playground.workspace.channel('#general').id}:{ts}"


async def _runs(scene: Scene, capsys: pytest.CaptureFixture[str], action: str, run_id: str = "") -> list[str]:
    await asyncio.to_thread(runs_command.run, scene.settings, action, run_id)
    return capsys.readouterr().out.splitlines()
