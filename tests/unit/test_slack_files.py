"""Files as parts of a chat message."""

from __future__ import annotations

import asyncio

import httpx2
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from bot.conversation import TextPart
from bot.http_server import serve
from bot.slack.files import FileLimits, Files


async def test_the_files_of_a_message_are_read_at_once_and_given_in_order() -> None:
    asked = asyncio.Barrier(3)

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        # None is given before all are asked for.
        await asked.wait()
        await PlainTextResponse(Request(scope).url.path)(scope, receive, send)

    async with serve(answer) as url, httpx2.AsyncClient() as http:
        files = Files(http, "xoxb-1", url, FileLimits(text_bytes=100, image_bytes=0, images=False))
        posted = [
            {"id": name, "name": name, "mimetype": "text/plain", "size": 2, "url_private": f"{url}/{name}"}
            for name in "abc"
        ]
        parts = await files.parts(posted)
    assert parts == [TextPart(f"[file: {name}]\n```\n/{name}\n```") for name in "abc"]
