"""`response_url`s: where an app may answer a command or a button, five times within 30 minutes."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bot.playground.api.call import ApiError, Call
from bot.playground.api.content import content, metadata, thread_root, unfurls
from bot.playground.api.endpoint import ApiCall
from bot.playground.connection import CutConnection
from bot.playground.faults import Faults
from bot.playground.objects import JSON, Channel, Message, User
from bot.playground.workspace import Workspace

_MOST_USES = 5
_LASTS_S = 1800.0


@dataclass(slots=True)
class Answerable:
    """Something a person did that the app may answer. `original` is the message with the button, if any."""

    user: User
    channel: Channel
    made_at: float
    original: Message | None = None
    uses: int = 0


class ResponseUrls:
    """Makes such URLs, and takes what is posted to them."""

    def __init__(
        self,
        workspace: Workspace,
        call: Callable[[JSON], Call],
        faults: Faults,
        record: Callable[[ApiCall], None],
    ) -> None:
        self._workspace = workspace
        self._call = call
        self._faults = faults
        self._record = record
        self._open: dict[str, Answerable] = {}

    def routes(self) -> list[Route]:
        """The URLs' route."""
        return [Route("/{kind:str}/{team}/{secret}", self.take, methods=["POST"])]

    def new(self, kind: str, answerable: Answerable) -> str:
        """A URL for `answerable`; `kind` is `commands` or `actions`."""
        secret = secrets.token_hex(12)
        self._open[secret] = answerable
        return f"{self._workspace.url}/{kind}/{self._workspace.team}/{secret}"

    async def take(self, request: Request) -> Response:
        """Take one answer."""
        body, at = await _body(request), self._workspace.clock()
        fault = self._faults.take("response_url")
        if fault and not fault.lose_response:
            outcome = fault.error or (f"http {fault.status or 429}" if not fault.reset else "reset")
            self._record(ApiCall("response_url", body, at, outcome))
            return (
                CutConnection()
                if fault.reset
                else _refused(outcome, fault.status or 429 if not fault.error else 404)
            )
        try:
            self._use(request.path_params["secret"])
            self.apply(self._open[request.path_params["secret"]], body)
        except ApiError as error:
            self._record(ApiCall("response_url", body, at, error.error))
            return JSONResponse(error.body(), 404 if error.error.endswith("_url") else 400)
        self._record(ApiCall("response_url", body, at, "lost" if fault else "ok"))
        return CutConnection() if fault else PlainTextResponse("ok")

    def apply(self, answerable: Answerable, body: JSON) -> None:
        """Show what the app answered. Raises ApiError."""
        original = self._standing(answerable.original)
        if original and body.get("delete_original"):
            self._remove(original)
        elif original and body.get("replace_original"):
            self._replace(original, body)
        elif not body.get("delete_original"):
            self._add(answerable, body)

    def _use(self, secret: str) -> None:
        answerable = self._open.get(secret)
        if answerable is None:
            raise ApiError("invalid_url")
        if self._workspace.clock() - answerable.made_at > _LASTS_S:
            raise ApiError("expired_url")
        if answerable.uses >= _MOST_USES:
            raise ApiError("used_url")
        answerable.uses += 1

    def _standing(self, original: Message | None) -> Message | None:
        """The message as it is now; it may have been changed or taken away since."""
        if original is None:
            return None
        channel = self._workspace.channels[original.channel]
        return (channel.ephemerals if original.visible_to else channel.messages).get(original.ts)

    def _remove(self, original: Message) -> None:
        if original.visible_to:
            self._workspace.hide(original)
        else:
            self._workspace.delete(original)

    def _replace(self, original: Message, body: JSON) -> None:
        said = content(self._call(body))
        if original.visible_to:
            self._workspace.show(replace(original, **said.fields))
        else:
            self._workspace.change(original, **said.fields)

    def _add(self, answerable: Answerable, body: JSON) -> None:
        call, app = self._call(body), self._workspace.app
        said, channel = content(call), answerable.channel
        in_channel = body.get("response_type") == "in_channel"
        message = Message(
            channel=channel.id,
            ts=self._workspace.next_ts(),
            user=app.user.id,
            thread_ts=thread_root(call, channel.messages),
            bot_id=app.user.bot_id,
            app_id=app.id,
            metadata=metadata(call),
            visible_to=None if in_channel else answerable.user.id,
            unfurls=unfurls(call),
            **said.fields,
        )
        if in_channel:
            self._workspace.post(message)
        else:
            self._workspace.show(message)


async def _body(request: Request) -> JSON:
    try:
        body = json.loads(await request.body())
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _refused(error: str, status: int) -> Response:
    return JSONResponse({"ok": False, "error": error}, status)
