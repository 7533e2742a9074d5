"""The whole bot in HTTP mode: the embedded workspace posts to it, as Slack does.

async with bot_over_http(tmp_path, model=OpenAIServer([text("Sunny.")])) as scene:
    ts = await scene.ada.say("#general", "@threadloop How is the weather?")
    assert await scene.answer(ts) == "Sunny."
    print((await scene.get("/readyz")).json())
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from support.bot import Scene, server_or_none
from support.openai_server import OpenAIServer
from support.patience import patient_workspace

from bot.app import build
from bot.gateway import RetryPolicy
from bot.settings import Settings
from bot.slack.connection import EVENTS_PATH
from bot.slack.reply import Timing
from tools import Registry

MODEL_KEY = "sk-test-key-000000"


class HttpScene(Scene):
    """A workspace with the bot in it, and the bot's port."""

    async def start(self) -> None:
        """Start the bot, and let the workspace use its request URL."""
        self._bot = await self._running.enter_async_context(self.build())
        self.playground.use_request_url(self.url + EVENTS_PATH)

    @property
    def url(self) -> str:
        """Where the bot serves."""
        return f"http://127.0.0.1:{self.bot.port}"

    async def get(self, path: str) -> httpx2.Response:
        """What the bot's server answers."""
        async with httpx2.AsyncClient(base_url=self.url) as http:
            return await http.get(path)

    async def samples(self) -> Samples:
        """The bot's metrics now."""
        return Samples((await self.get("/metrics")).text)


class Samples:
    """Prometheus samples, looked up by name and labels."""

    def __init__(self, exposition: str) -> None:
        families = text_string_to_metric_families(exposition)
        self.all = [sample for family in families for sample in family.samples]

    def value(self, name: str, **labels: str) -> float:
        """The sum of the samples of that name that have these labels; 0 if there is none."""
        return sum(s.value for s in self.all if s.name == name and s.labels.items() >= labels.items())


@asynccontextmanager
async def bot_over_http(
    folder: Path,
    *,
    model: OpenAIServer | None = None,
    model_name: str | None = None,
    tools: Registry | None = None,
    timing: Timing | None = None,
    **settings: Any,
) -> AsyncIterator[HttpScene]:
    """Start a workspace and a bot whose request URL it uses; without a model server it answers offline."""
    if model is not None:
        settings |= {"openai_api_key": SecretStr(MODEL_KEY)}
    async with server_or_none(model):
        playground = patient_workspace()
        async with playground.serve():
            chosen = Settings(
                slack_bot_token=SecretStr(playground.bot_token),
                slack_signing_secret=SecretStr(playground.signing_secret),
                slack_api_url=playground.api_url,
                database_url=f"sqlite:///{folder}/bot.db",
                openai_base_url=model.base_url if model is not None else None,
                model=model_name,
                port=0,
                **settings,
            )
            scene = HttpScene(
                playground,
                chosen,
                lambda: build(
                    chosen, tools=tools, retry=RetryPolicy(attempts=1), sample_data=True, timing=timing
                ),
            )
            await scene.start()
            try:
                yield scene
            finally:
                await scene.stop()
