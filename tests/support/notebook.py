"""Tools that write, and tell what they did: for tests in which people have to approve.

notebook = Notebook()
… tools=notebook.registry() …
assert notebook.written == ["milk"]
"""

from __future__ import annotations

import asyncio
from typing import Any

from support.openai_server import OpenAIServer, tool_calls
from support.patience import PATIENCE_S

from tools import Context, Registry, ToolFailed, tool


def writes(*texts: str, say: str = "") -> Any:
    """A turn in which the model wants to write these down, each by a call of its own."""
    return tool_calls(*(("write_down", {"text": text}) for text in texts), say=say)


def results(model: OpenAIServer) -> list[str]:
    """The tool results that the model read in its last call, in order."""
    return [message["content"] for message in model.requests[-1]["messages"] if message["role"] == "tool"]


class Notebook:
    """What was written down, and under which idempotency keys."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.keys: list[str] = []
        self.looked_up: list[str] = []
        self._called = asyncio.Condition()
        self.lets_write = asyncio.Event()
        self.lets_write.set()

    async def until_called(self, times: int = 1) -> None:
        """Wait until so many calls have begun to write."""
        async with asyncio.timeout(PATIENCE_S), self._called:
            await self._called.wait_for(lambda: len(self.keys) >= times)

    def registry(self, **arrangement: Any) -> Registry:
        """The tools `write_down`, `burn`, which fails, and `look_up`, which needs nobody's approval."""

        @tool(read_only=False, title="Writing down {text}")
        async def write_down(text: str, context: Context) -> str:
            """Write something down.

            Args:
                text: what.
            """
            self.keys.append(context.idempotency_key)
            async with self._called:
                self._called.notify_all()
            await self.lets_write.wait()
            self.written.append(text)
            return f"{text} is written down"

        @tool(read_only=False)
        async def burn(page: int) -> str:
            """Burn a page.

            Args:
                page: its number.
            """
            raise ToolFailed(f"Page {page} does not burn.")

        @tool
        async def look_up(word: str) -> str:
            """Look a word up.

            Args:
                word: the word.
            """
            self.looked_up.append(word)
            return f"{word} means {word}"

        return Registry([write_down, burn, look_up], **arrangement)
