"""The MCP project's own servers, as npm has them, over stdio and over HTTP."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.mcp_npm import EverythingOverHttp, everything, filesystem, missing
from support.mcp_servers import call, detail, names, running, state, tool, until
from support.patience import PATIENCE_S
from support.tool_context import ANN

from tools import Asker, Elicitation, ElicitationAnswer
from tools._mcp import McpServers

BOB = Asker("U2", "Bob", "Europe/Berlin")


@pytest.fixture(scope="module", autouse=True)
def npm_servers() -> None:
    """Where the servers are missing the tests are skipped, but never in CI."""
    if reason := missing():
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


@dataclass
class Scene:
    """One server called `every` over either transport, and one called `files`."""

    servers: McpServers
    folder: Path
    pid_file: Path
    http: EverythingOverHttp | None

    async def kill(self) -> None:
        if self.http is not None:
            await self.http.kill()
        else:
            os.kill(int(self.pid_file.read_text()), signal.SIGKILL)

    async def restart(self) -> None:
        """Over HTTP somebody has to; over stdio it is the bot's own task."""
        if self.http is not None:
            await self.http.start()


@pytest.fixture(params=["stdio", "http"])
async def scene(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Scene]:
    folder, pid_file = tmp_path / "files", tmp_path / "pid"
    folder.mkdir()
    (folder / "note.txt").write_text("Buy pens.")
    if request.param == "stdio":
        entries = {"every": everything(pid_file), "files": filesystem(folder)}
        async with running(tmp_path, entries) as servers:
            yield Scene(servers, folder, pid_file, None)
        return
    async with (
        EverythingOverHttp() as http,
        running(tmp_path, {"every": http.entry, "files": filesystem(folder)}) as servers,
    ):
        # It may not have listened yet at the first try.
        await until(servers, lambda: state(servers, "every") == "up")
        yield Scene(servers, folder, pid_file, http)


async def test_tools_are_listed_and_called(scene: Scene) -> None:
    assert {"every__echo", "every__get-sum", "every__read_resource", "files__read_text_file"} <= {
        *names(scene.servers)
    }
    echo = await call(scene.servers, "every__echo", {"message": "hello"})
    assert (echo.ok, echo.content) == (True, "Echo: hello")
    structured = await call(scene.servers, "every__get-structured-content", {"location": "Chicago"})
    assert json.loads(structured.content)["temperature"] == 36
    image = await call(scene.servers, "every__get-tiny-image")
    assert "[image: image/png, 4033 bytes]" in image.content
    wrong = await call(scene.servers, "every__echo")
    assert "'message' is a required property" in wrong.content
    assert json.loads(wrong.content)["advice"] == "Correct this and call the tool again."


async def test_files_are_read_and_written_only_where_the_server_allows(scene: Scene) -> None:
    path = str(scene.folder / "note.txt")
    assert "Buy pens." in (await call(scene.servers, "files__read_text_file", {"path": path})).content
    written = await call(scene.servers, "files__write_file", {"path": path, "content": "Buy ink."})
    assert written.ok
    assert (scene.folder / "note.txt").read_text() == "Buy ink."
    outside = await call(scene.servers, "files__read_text_file", {"path": "/etc/passwd"})
    assert not outside.ok
    assert "Access denied" in outside.content


async def test_resources_are_listed_and_read(scene: Scene) -> None:
    assert "every__list_resources" in tool(scene.servers, "every__read_resource").description
    listed = await call(scene.servers, "every__list_resources")
    uri = "demo://resource/static/document/features.md"
    assert uri in listed.content
    assert "demo://resource/dynamic/text/{resourceId}" in listed.content
    read = await call(scene.servers, "every__read_resource", {"uri": uri})
    assert "Everything Server" in read.content
    unknown = await call(scene.servers, "every__read_resource", {"uri": "demo://nothing"})
    assert "demo://nothing not found" in unknown.content


async def test_progress_is_reported(scene: Scene) -> None:
    steps: list[str] = []
    arguments = {"duration": 0.3, "steps": 3}
    done = await call(scene.servers, "every__trigger-long-running-operation", arguments, progress=steps.append)
    assert done.ok
    assert steps[:2] == ["1 of 3", "2 of 3"]


async def test_two_peoples_forms_at_once_reach_their_own_person_or_nobody(scene: Scene) -> None:
    both_asked = asyncio.Event()
    asked: list[str] = []

    async def ask(asker: Asker) -> str:
        async def elicit(question: Elicitation) -> ElicitationAnswer:
            assert question.message.startswith("every asks: Please provide inputs")
            asked.append(asker.name)
            if len(asked) == 2:
                both_asked.set()
            await both_asked.wait()
            return ElicitationAnswer("accept", {"name": asker.name})

        outcome = await call(scene.servers, "every__trigger-elicitation-request", asker=asker, elicit=elicit)
        return outcome.content

    if scene.http is None:
        # Over stdio nothing says whose a question is, so one at a time.
        both_asked.set()
        assert "Name: Ann" in await ask(ANN)
        assert "Name: Bob" in await ask(BOB)
        return
    async with asyncio.timeout(PATIENCE_S):
        ann, bob = await asyncio.gather(ask(ANN), ask(BOB))
    assert "Name: Ann" in ann
    assert "Name: Bob" in bob


@pytest.mark.parametrize("comes_first", [False, True])
async def test_a_page_to_visit_is_shown_to_the_person(scene: Scene, comes_first: bool) -> None:
    pages: list[str | None] = []

    async def elicit(question: Elicitation) -> ElicitationAnswer:
        pages.append(question.url)
        return ElicitationAnswer("accept")

    arguments = {"url": "https://shop.example/pay", "errorPath": comes_first}
    outcome = await call(scene.servers, "every__trigger-url-elicitation", arguments, elicit=elicit)
    assert "User completed the URL elicitation flow" in outcome.content
    first = ["https://modelcontextprotocol.io"] if comes_first else []
    assert pages == [*first, "https://shop.example/pay"]


async def test_a_server_killed_in_mid_call_fails_that_call_and_comes_back(scene: Scene) -> None:
    at_work = asyncio.Event()
    arguments = {"duration": 600, "steps": 6_000}
    dying = asyncio.create_task(
        call(
            scene.servers,
            "every__trigger-long-running-operation",
            arguments,
            progress=lambda _: at_work.set(),
        )
    )
    async with asyncio.timeout(PATIENCE_S):
        await at_work.wait()
        await scene.kill()
        outcome = await dying
    assert not outcome.ok
    assert "The connection to the MCP server every broke" in outcome.content
    path = str(scene.folder / "note.txt")
    assert (await call(scene.servers, "files__read_text_file", {"path": path})).ok
    await until(scene.servers, lambda: state(scene.servers, "every") == "down")
    assert all(name.startswith("files__") for name in names(scene.servers))
    await scene.restart()
    await until(scene.servers, lambda: state(scene.servers, "every") == "up")
    assert (await call(scene.servers, "every__echo", {"message": "back"})).content == "Echo: back"


async def test_a_session_that_the_server_forgot_is_begun_anew(tmp_path: Path) -> None:
    async with EverythingOverHttp() as http, running(tmp_path, {"every": http.entry}) as servers:
        await until(servers, lambda: state(servers, "every") == "up")
        await http.kill()
        await http.start()
        # The first call may meet the new server, which knows no such session, or none at all.
        lost = await call(servers, "every__echo", {"message": "hello"})
        assert not lost.ok
        await until(servers, lambda: state(servers, "every") == "down")
        assert detail(servers, "every")
        await until(servers, lambda: state(servers, "every") == "up")
        assert (await call(servers, "every__echo", {"message": "hello"})).ok
