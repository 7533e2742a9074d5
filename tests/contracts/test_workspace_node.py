"""Slack's own clients for Node against the workspace. `npm ci` in `tests/contracts/node` installs them."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.patience import PATIENCE_S, patient_workspace

from bot.playground import Playground, Seed

FOLDER = Path(__file__).parent / "node"


@pytest.fixture(scope="module")
def node() -> str:
    """Node's path. Where it or the clients are missing the tests are skipped, but never in CI."""
    path = shutil.which("node")
    if path and (FOLDER / "node_modules" / "@slack").is_dir():
        return path
    reason = "node is not installed" if not path else "run `npm ci` in tests/contracts/node first"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
async def playground() -> AsyncIterator[Playground]:
    seed = Seed.default()
    playground = patient_workspace(
        seed.model_copy(update={"app": seed.app.model_copy(update={"scopes": None})})
    )
    async with playground.serve():
        yield playground


async def started(node: str, script: str, playground: Playground) -> Process:
    environment = {
        "PATH": os.environ["PATH"],
        "SLACK_API_URL": playground.api_url,
        "SLACK_APP_TOKEN": playground.app_token,
        "SLACK_BOT_TOKEN": playground.bot_token,
    }
    return await asyncio.create_subprocess_exec(
        node, str(FOLDER / script), env=environment, stdout=PIPE, stderr=PIPE
    )


async def finished(process: Process) -> bytes:
    """What the script printed, once it has ended well."""
    async with asyncio.timeout(PATIENCE_S):
        printed, complaints = await process.communicate()
    assert process.returncode == 0, complaints.decode()
    return printed


async def test_the_web_api_client_posts_pages_streams_uploads_and_reads_errors(
    node: str, playground: Playground
) -> None:
    told = json.loads(await finished(await started(node, "web_api.mjs", playground)))
    assert told == {
        "user": playground.bot_user_id,
        "posted": {"event_type": "answer", "event_payload": {"run": "1"}},
        "texts": [["hello & goodbye", "one"], ["two", "three"]],
        "changed": "*changed*",
        "reactions": [{"name": "eyes", "users": [playground.bot_user_id], "count": 1}],
        "streamed": "*streamed*",
        "uploaded": "a.txt",
        "errors": ["channel_not_found", "unknown_method", "invalid_auth"],
    }


async def test_the_socket_mode_client_answers_a_mention_and_a_command(
    node: str, playground: Playground
) -> None:
    process = await started(node, "socket_mode.mjs", playground)
    await playground.connected()
    ada = playground.person("ada")
    ts = await ada.say("#general", "hi @threadloop")
    answer = await playground.until(lambda: playground.thread("#general", ts)[1:])
    assert answer[0]["text"] == f"heard: hi <@{playground.bot_user_id}>"
    assert await ada.command("/ask", "me", channel="#general")
    assert ada.ephemerals("#general")[0]["text"] == "got: me"
    await finished(process)
