"""Tools that do not return before a test lets them."""

from __future__ import annotations

import asyncio
from typing import Any

from support.patience import PATIENCE_S

from tools import Context, Registry, tool


class HeldTools:
    """A registry of tools, and when they return.

    tools = HeldTools()
    async with bot_in_workspace(tmp_path, model=model, tools=tools.registry()) as scene:
        …
        tools.goes_on.set()
    """

    def __init__(self) -> None:
        self.goes_on = asyncio.Event()
        self.begun: list[str] = []
        self._news = asyncio.Condition()
        self.cancelled: list[str] = []

    async def until_begun(self, times: int = 1) -> None:
        """Wait until so many calls of `look_up` have begun. Raises TimeoutError."""
        async with asyncio.timeout(PATIENCE_S), self._news:
            await self._news.wait_for(lambda: len(self.begun) >= times)

    def registry(self, **limits: Any) -> Registry:
        """`look_up` waits and succeeds; `break_down` fails at once."""

        @tool(title="Looking up {word}")
        async def look_up(word: str, context: Context) -> dict[str, Any]:
            """Look a word up.

            Args:
                word: the word.
            """
            self.begun.append(word)
            async with self._news:
                self._news.notify_all()
            context.progress("reading")
            try:
                await self.goes_on.wait()
            except asyncio.CancelledError:
                self.cancelled.append(word)
                raise
            source = {"title": f"All about {word}", "url": f"https://found.example/{word}"}
            return {"summary": f"{word} is a word", "sources": [source]}

        @tool(title="Breaking down")
        async def break_down() -> str:
            """Fail."""
            raise RuntimeError("out of order")

        return Registry([look_up, break_down], **limits)
