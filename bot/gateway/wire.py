"""The requests of Humanloop's v5 API that the gateway takes, as pydantic models.

Unknown keys are let through unread, as Humanloop does: a client may send more than the gateway uses.
Protocol facts are those of the humanloop SDK 0.8.38.
"""

from __future__ import annotations

import functools
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field

from bot.gateway import prompt_file
from bot.gateway.chat import Message, Tool, ToolChoice
from bot.gateway.providers.base import Effort, Parameters

LogStatus = Literal["complete", "incomplete"]


class Prompt(BaseModel):
    """A prompt object: the model, its parameters, its template and its tools."""

    model: str
    provider: str = "openai"
    endpoint: Literal["chat"] | None = None
    template: tuple[Message, ...] | str = ()
    tools: tuple[Tool, ...] = ()
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: str | tuple[str, ...] | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    seed: int | None = None
    response_format: dict[str, Any] | None = None
    reasoning_effort: Effort | None = None
    other: dict[str, Any] | None = None

    @property
    def template_messages(self) -> tuple[Message, ...]:
        """The template as messages; a template of plain text is one system message."""
        if isinstance(self.template, str):
            return (Message("system", self.template),)
        return self.template

    @property
    def parameters(self) -> Parameters:
        """What the provider is told about how to answer. A `max_tokens` of -1 means as many as fit."""
        return Parameters(
            max_tokens=self.max_tokens if self.max_tokens != -1 else None,
            temperature=self.temperature,
            top_p=self.top_p,
            stop=self.stop,
            presence_penalty=self.presence_penalty,
            frequency_penalty=self.frequency_penalty,
            seed=self.seed,
            response_format=self.response_format,
            reasoning_effort=self.reasoning_effort,
            other=self.other or {},
        )


@functools.lru_cache(maxsize=32)
def _parsed(text: str) -> dict[str, Any]:
    return prompt_file.parse(text)


def _prompt_object(value: Any) -> Any:
    # A bot sends the same file with every call, and reading YAML takes milliseconds.
    return _parsed(value) if isinstance(value, str) else value


class LogRequest(BaseModel):
    """What every request that leaves a log may carry."""

    path: str | None = None
    id: str | None = None
    log_id: str | None = None
    trace_parent_id: str | None = None
    log_status: LogStatus | None = None
    save: bool = True


class PromptCall(LogRequest):
    """POST prompts/call."""

    prompt: Annotated[Prompt | None, BeforeValidator(_prompt_object)] = None
    """An object, or the text of a `.prompt` file."""
    messages: tuple[Message, ...] = ()
    inputs: dict[str, Any] = Field(default_factory=dict)
    tool_choice: ToolChoice | None = None
    provider_api_keys: dict[str, str | None] = Field(default_factory=dict)
    stream: bool = False
    num_samples: Literal[1] = 1


class ToolLog(LogRequest):
    """POST tools/log."""

    tool: dict[str, Any] | None = None


class FlowLog(LogRequest):
    """POST flows/log."""

    flow: dict[str, Any] | None = None


class FlowLogUpdate(BaseModel):
    """PATCH flows/logs/{log_id}."""

    messages: list[dict[str, Any]] | None = None
    output_message: dict[str, Any] | None = None
    inputs: dict[str, Any] | None = None
    output: str | None = None
    error: str | None = None
    log_status: LogStatus | None = None


class EvaluatorLog(LogRequest):
    """POST evaluators/log: a judgment about the log `parent_id`."""

    parent_id: str
    judgment: Any = None
    spec: dict[str, Any] | None = None
