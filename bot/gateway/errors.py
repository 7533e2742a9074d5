"""What can go wrong in the gateway, and how a client is told.

    GatewayError                an answer of 4xx or 5xx in Humanloop's form
    ├── ProviderError           the model's provider failed; may be worth another attempt
    └── PromptFileError         a `.prompt` file could not be read

A client reads `{"detail": {"type", "message", "code", "origin"}}`; `code` is what programs branch on.
"""

from __future__ import annotations

import re
from typing import Any, Literal

from bot.errors import ThreadloopError

ErrorCode = Literal[
    "api_key_missing",  # the chosen provider has no key configured: the message names the variable
    "api_key_refused",  # the provider refuses the key, or the key may not use this model (401, 403)
    "rate_limited",  # too many requests (429), after the retries
    "quota_exceeded",  # the provider account's credit is used up
    "context_too_long",  # the messages do not fit the model
    "model_not_found",  # the provider does not know the model
    "request_refused",  # the provider takes the request for wrong (400, 422 …)
    "provider_failed",  # the provider answers with a server error (500 and above), after the retries
    "connection_failed",  # the provider can't be reached, after the retries
    "timed_out",  # the provider was reached but fell silent
    "stream_cut",  # the provider's stream ended before the answer did
    "provider_unknown",  # the prompt names a provider that the gateway does not speak to
    "prompt_invalid",  # the prompt can't be used: unreadable file, missing input, unsupported option
    "gateway_key_refused",  # the X-API-KEY header does not match the gateway's key
    "not_found",  # no such endpoint, or no such log
    "internal_error",  # a fault in the gateway
]

Origin = Literal["openai", "anthropic", "mock", "gateway"]

# Providers repeat a refused key in their message, partly masked or not.
_SECRET = re.compile(r"\b(?:(?:sk|pk|xox[a-z]|xapp)[-_]|Bearer )[\w*.-]{6,}")


def without_secrets(text: str) -> str:
    """The text with everything that looks like an API key replaced."""
    return _SECRET.sub("[key removed]", text)


class GatewayError(ThreadloopError):
    """The gateway can't answer this request."""

    def __init__(self, message: str, *, status: int, code: ErrorCode, origin: Origin = "gateway") -> None:
        super().__init__(without_secrets(message))
        self.status = status
        self.code = code
        self.origin = origin

    def to_wire(self) -> dict[str, Any]:
        """Humanloop's error body."""
        kind = "provider_error" if isinstance(self, ProviderError) else "gateway_error"
        return {"detail": {"type": kind, "message": str(self), "code": self.code, "origin": self.origin}}


class ProviderError(GatewayError):
    """The model's provider failed.

    `retry_after_s` is how many seconds the provider asks to wait, where it says so.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: ErrorCode,
        origin: Origin,
        retryable: bool = False,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message, status=status, code=code, origin=origin)
        self.retryable = retryable
        self.retry_after_s = retry_after_s


class PromptFileError(GatewayError):
    """A `.prompt` file could not be read: the message names the line and the remedy."""

    def __init__(self, message: str, *, line: int) -> None:
        super().__init__(f"Prompt file, line {line}: {message}", status=400, code="prompt_invalid")
        self.line = line
