"""Who may use a tool, as far as Slack says who somebody is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from support.bot import Scene, bot_in_workspace
from support.notebook import Notebook
from support.openai_server import OpenAIServer, text, tool_calls
from support.slack_app import unrestricted

from bot.playground import Seed
from bot.playground.seed import GroupSeed
from bot.playground.workspace import slack_id
from tools import Policy


async def test_who_cannot_be_looked_up_gets_no_more_than_somebody_from_outside(tmp_path: Path) -> None:
    async with _scene(tmp_path) as (scene, notebook):
        scene.playground.faults.next("users.info", error="internal_error")
        await _asks(scene, "ada")
        assert notebook.looked_up == []
        await _asks(scene, "ada")
        assert notebook.looked_up == ["second"]


async def test_a_guest_stays_one_when_slack_fails_to_say_so(tmp_path: Path) -> None:
    async with _scene(tmp_path) as (scene, notebook):
        scene.playground.faults.next("users.info", error="internal_error")
        for _ in range(2):
            await _asks(scene, "linus")
        assert notebook.looked_up == []


async def test_user_groups_that_slack_did_not_tell_are_asked_for_again(tmp_path: Path) -> None:
    editors = slack_id("S", slack_id("T", "acme"), "editors")
    policy = Policy.model_validate({"tools": {"look_up": {"groups": [editors]}}})
    async with _scene(tmp_path, policy) as (scene, notebook):
        scene.playground.faults.next("usergroups.list", error="internal_error")
        await _asks(scene, "grace")
        assert notebook.looked_up == []
        await _asks(scene, "grace")
        assert notebook.looked_up == ["second"]


async def test_a_refusal_of_user_groups_is_remembered(tmp_path: Path) -> None:
    policy = Policy.model_validate({"tools": {"look_up": {"groups": ["S0"]}}})
    async with _scene(tmp_path, policy) as (scene, notebook):
        scene.playground.faults.next("usergroups.list", times=2, error="missing_scope")
        for _ in range(2):
            await _asks(scene, "grace")
        assert notebook.looked_up == []
        assert len(scene.calls("usergroups.list")) == 1


@asynccontextmanager
async def _scene(folder: Path, policy: Policy | None = None) -> AsyncIterator[tuple[Scene, Notebook]]:
    """A model that looks a word up for each of two questions: `first`, then `second`."""
    looks = (tool_calls(("look_up", {"word": word})) for word in ("first", "second"))
    model, notebook = OpenAIServer([step for look in looks for step in (look, text("Done."))]), Notebook()
    registry = notebook.registry(policy=policy)
    async with bot_in_workspace(folder, model=model, tools=registry, seed=_seed()) as scene:
        yield scene, notebook


async def _asks(scene: Scene, handle: str) -> None:
    ts = await scene.playground.person(handle).say("#general", "@threadloop Look it up")
    assert await scene.answer(ts) == "Done."


def _seed() -> Seed:
    """Grace is an editor, and Linus a guest."""
    seed = unrestricted()
    users = tuple(user.model_copy(update={"guest": user.handle == "linus"}) for user in seed.users)
    group = GroupSeed(handle="editors", name="Editors", members=("grace",))
    return seed.model_copy(update={"users": users, "groups": (group,)})
