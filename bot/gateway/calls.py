"""One call of a prompt: from the request to the provider, and from its chunks to Humanloop's JSON."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bot.gateway.chat import Message, to_wire
from bot.gateway.coalescing import coalesced
from bot.gateway.errors import GatewayError
from bot.gateway.logs import File, Log, file_of, new_log_id, storable, without_images
from bot.gateway.providers.base import Chunk, Finished, ModelRequest, TextDelta
from bot.gateway.providers.pool import ProviderPool
from bot.gateway.providers.retry import RetryPolicy, retrying
from bot.gateway.store import LogStore
from bot.gateway.template import populate
from bot.gateway.wire import Prompt, PromptCall

_CHUNK_INTERVAL_S = 0.1


@dataclass(slots=True)
class _Answer:
    """What the model has said so far."""

    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    started: float = field(default_factory=time.perf_counter)
    text: str = ""
    finished: Finished | None = None
    error: str | None = None

    def take(self, chunk: Chunk) -> None:
        if isinstance(chunk, TextDelta):
            self.text += chunk.text
        else:
            self.finished = chunk

    def to_wire(self) -> dict[str, Any]:
        """The answer in the words of a Humanloop log."""
        if self.finished is None:
            return {"output": self.text or None, **({"error": self.error} if self.error else {})}
        message = Message("assistant", self.text or None, tool_calls=self.finished.tool_calls)
        return {"output": self.text or None, "output_message": to_wire(message), **self.ending()}

    def ending(self) -> dict[str, Any]:
        """Why and when the model stopped, and what it cost in tokens. Prices are not known here."""
        if self.finished is None:
            return {}
        usage = self.finished.usage
        return {
            "finish_reason": self.finished.reason,
            "prompt_tokens": usage.prompt,
            "output_tokens": usage.output,
            "reasoning_tokens": usage.reasoning,
            "cached_tokens": usage.cached,
            "prompt_cost": None,
            "output_cost": None,
            "provider_latency": round(time.perf_counter() - self.started, 4),
        }


class PromptCallRun:
    """A prompt's call under way. Use `chunks` or `result`, once."""

    def __init__(
        self,
        body: PromptCall,
        raw: dict[str, Any],
        *,
        providers: ProviderPool,
        store: LogStore,
        retry: RetryPolicy,
    ) -> None:
        if body.prompt is None:
            raise GatewayError(
                "The request has no `prompt`. Send the prompt's object, or the text of a .prompt file; "
                "stored versions can't be called here.",
                status=400,
                code="prompt_invalid",
            )
        self._prompt: Prompt = body.prompt
        self._body = body
        # Its version is kept as the prompt's file; a copy for each call under way would add up.
        self._raw = {key: value for key, value in raw.items() if key != "prompt"}
        self._store = store
        self._retry = retry
        self._providers = providers
        self._request = self._model_request()
        content = without_images(self._prompt.model_dump(mode="json", exclude_defaults=True))
        self._file = file_of("prompt", body.path, body.id, content)
        self._log_id = body.log_id or new_log_id()
        self._answer = _Answer()

    async def chunks(self) -> AsyncGenerator[dict[str, Any], None]:
        """The answer as Humanloop's stream chunks. `output` is a delta; tool calls come whole, at the end.

        Raises:
            GatewayError: the call failed before its first chunk; a later failure is a chunk with `error`.
        """
        said_something = False
        try:
            async with contextlib.aclosing(coalesced(self._model_chunks(), _CHUNK_INTERVAL_S)) as chunks:
                async for chunk in chunks:
                    self._answer.take(chunk)
                    said_something = True
                    yield self._to_wire(chunk)
        except GatewayError as error:
            self._answer.error = str(error)
            if not said_something:
                raise
            yield {**self._ids(), "error": str(error), **error.to_wire()}
        except (asyncio.CancelledError, GeneratorExit):
            self._answer.error = "The client closed the stream before its end."
            raise
        finally:
            self._log()

    async def result(self) -> dict[str, Any]:
        """The whole answer as Humanloop's response.

        Raises:
            GatewayError: the call failed.
        """
        try:
            async with contextlib.aclosing(self._model_chunks()) as chunks:
                async for chunk in chunks:
                    self._answer.take(chunk)
        except GatewayError as error:
            self._answer.error = str(error)
            raise
        except asyncio.CancelledError:
            self._answer.error = "The client closed the request before its end."
            raise
        finally:
            log = self._log()
        created_at = log.created_at.isoformat()
        return {
            "id": log.id,
            "log_id": log.id,
            "trace_id": log.trace_id,
            "trace_parent_id": log.trace_parent_id,
            "prompt": {**file_to_wire(self._file, created_at), "model": self._prompt.model},
            "logs": [{"index": 0, "created_at": created_at, **self._answer.to_wire()}],
        }

    def _model_request(self) -> ModelRequest:
        template = populate(self._prompt.template_messages, self._body.inputs)
        return ModelRequest(
            model=self._prompt.model,
            messages=(*template, *self._body.messages),
            tools=self._prompt.tools,
            tool_choice=self._body.tool_choice,
            parameters=self._prompt.parameters,
            api_key=self._body.provider_api_keys.get(self._prompt.provider),
        )

    async def _model_chunks(self) -> AsyncGenerator[Chunk, None]:
        provider = await self._providers.get(self._prompt.provider, self._request.api_key)
        attempts = retrying(lambda: provider.stream(self._request), self._retry)
        async with contextlib.aclosing(attempts) as chunks:
            async for chunk in chunks:
                yield chunk

    def _to_wire(self, chunk: Chunk) -> dict[str, Any]:
        if isinstance(chunk, TextDelta):
            message = Message("assistant", chunk.text)
            return {**self._ids(), "output": chunk.text, "output_message": to_wire(message)}
        message = Message("assistant", tool_calls=chunk.tool_calls)
        return {**self._ids(), "output_message": to_wire(message), **self._answer.ending()}

    def _ids(self) -> dict[str, Any]:
        return {
            "index": 0,
            "id": self._log_id,
            "prompt_id": self._file.id,
            "version_id": self._file.version_id,
        }

    def _log(self) -> Log:
        times = {"start_time": self._answer.started_at.isoformat(), "end_time": datetime.now(UTC).isoformat()}
        body = storable({**self._raw, **times, **self._answer.to_wire()}, save=self._body.save)
        return self._store.add(
            Log(
                self._log_id,
                self._file,
                body,
                trace_parent_id=self._body.trace_parent_id,
                status=self._body.log_status,
                created_at=self._answer.started_at,
            )
        )


def file_to_wire(file: File, used_at: str) -> dict[str, Any]:
    """A file as Humanloop's responses describe it. Its times and counts are those of one use."""
    return {
        "path": file.path,
        "id": file.id,
        "name": file.name,
        "version_id": file.version_id,
        "type": file.type,
        "created_at": used_at,
        "updated_at": used_at,
        "last_used_at": used_at,
        "version_logs_count": 0,
        "total_logs_count": 0,
        "inputs": [],
    }
