"""The providers by name, each built when it is first needed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.gateway.errors import GatewayError
from bot.gateway.providers import failures
from bot.gateway.providers.base import Provider
from bot.gateway.providers.mock.provider import MockProvider


@dataclass(frozen=True, slots=True)
class Credentials:
    """Keys and addresses of the model providers. Without an address, the provider's own is taken.

    A provider behind another address may work without a key, as local model servers do.
    """

    openai_api_key: str | None = field(default=None, repr=False)
    openai_base_url: str | None = None
    anthropic_api_key: str | None = field(default=None, repr=False)
    anthropic_base_url: str | None = None


class ProviderPool:
    """`openai`, `anthropic` and `mock`."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._may_use_openai = bool(credentials.openai_api_key or credentials.openai_base_url)
        self._may_use_anthropic = bool(credentials.anthropic_api_key or credentials.anthropic_base_url)
        self._mock = MockProvider()
        self._providers: dict[str, Provider] = {}

    async def prepare(self) -> None:
        """Build the configured providers, so that the first question does not wait for an import."""
        if self._may_use_openai:
            await self._build("openai", self._openai)
        if self._may_use_anthropic:
            await self._build("anthropic", self._anthropic)

    async def get(self, name: str, api_key: str | None = None) -> Provider:
        """The provider called `name`; `api_key` is one that the request brings itself.

        Raises:
            ProviderError: there is no key for it.
            GatewayError: the gateway does not know it.
        """
        if name == "openai":
            if not (api_key or self._may_use_openai):
                raise failures.key_missing("openai", "OPENAI_API_KEY")
            return self._providers.get(name) or await self._build(name, self._openai)
        if name == "anthropic":
            if not (api_key or self._may_use_anthropic):
                raise failures.key_missing("anthropic", "ANTHROPIC_API_KEY")
            return self._providers.get(name) or await self._build(name, self._anthropic)
        if name == "mock":
            return self._mock
        raise GatewayError(
            f"The prompt's provider is {name!r}. Supported: `openai` (and every server that speaks its API, "
            "by OPENAI_BASE_URL), `anthropic`, `mock`.",
            status=400,
            code="provider_unknown",
        )

    async def aclose(self) -> None:
        """Close all providers' connections."""
        for provider in self._providers.values():
            await provider.aclose()

    async def _build(self, name: str, factory: Callable[[], Provider]) -> Provider:
        # In a thread: importing an SDK would hold up the event loop for a second or two.
        built = await asyncio.to_thread(factory)
        return self._providers.setdefault(name, built)

    def _openai(self) -> Provider:
        # The SDK takes 0.6 s and 15 MB to import, which a process that does not use it saves.
        from bot.gateway.providers.openai import OpenAIProvider

        return OpenAIProvider(self._credentials.openai_api_key, self._credentials.openai_base_url)

    def _anthropic(self) -> Provider:
        # The SDK takes 1.7 s and 36 MB to import, which a process that does not use it saves.
        from bot.gateway.providers.anthropic import AnthropicProvider

        return AnthropicProvider(self._credentials.anthropic_api_key, self._credentials.anthropic_base_url)
