"""HTTP mode: signed posts to the app's request URL.

Sources: https://docs.slack.dev/authentication/verifying-requests-from-slack and
https://docs.slack.dev/apis/events-api.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from typing import Any
from urllib.parse import urlencode

import aiohttp

from bot.playground.courier import Kind, NotDelivered, Reason
from bot.playground.objects import JSON, App
from bot.playground.workspace import Clock


class RequestUrl:
    """Posts everything to one URL, signed with the app's secret."""

    def __init__(self, url: str, app: App, session: aiohttp.ClientSession, clock: Clock) -> None:
        self._url = url
        self._app = app
        self._session = session
        self._clock = clock

    async def exchange(
        self, kind: Kind, payload: JSON, *, attempt: int, reason: Reason | None, within_s: float
    ) -> Any:
        """Post `payload`; what a 2xx answer says is the app's acknowledgement."""
        body, content_type = _body(kind, payload)
        headers = self._signed(body) | {"Content-Type": content_type, "User-Agent": "Slackbot 1.0"}
        if attempt:
            headers |= {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": reason or "unknown_error"}
        timeout = aiohttp.ClientTimeout(total=within_s)
        try:
            async with self._session.post(self._url, data=body, headers=headers, timeout=timeout) as response:
                text = await response.text()
        except TimeoutError as error:
            raise NotDelivered("http_timeout") from error
        except aiohttp.ClientError as error:
            raise NotDelivered("connection_failed") from error
        if not 200 <= response.status < 300:
            raise NotDelivered("http_error", final=response.headers.get("X-Slack-No-Retry") == "1")
        return _parsed(text, response.content_type)

    async def verify(self, within_s: float) -> bool:
        """Whether the URL answers Slack's challenge, as it must before Slack uses it."""
        challenge = secrets.token_urlsafe(24)
        question = {"token": self._app.verification_token, "challenge": challenge, "type": "url_verification"}
        try:
            answer = await self.exchange("events_api", question, attempt=0, reason=None, within_s=within_s)
        except NotDelivered:
            return False
        return challenge in (answer, answer.get("challenge") if isinstance(answer, dict) else None)

    def _signed(self, body: bytes) -> dict[str, str]:
        stamp = str(int(self._clock()))
        base = b":".join((b"v0", stamp.encode(), body))
        digest = hmac.new(self._app.signing_secret.encode(), base, hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}


def _body(kind: Kind, payload: JSON) -> tuple[bytes, str]:
    if kind == "events_api":
        return json.dumps(payload).encode(), "application/json"
    form = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
    return urlencode(form).encode(), "application/x-www-form-urlencoded"


def _parsed(text: str, content_type: str) -> Any:
    if content_type == "application/json" and text:
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text or None
