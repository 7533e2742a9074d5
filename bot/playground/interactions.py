"""Commands, buttons and modals: what the app is told, and what becomes of its answer.

Source: https://docs.slack.dev/interactivity and its pages on slash commands and payloads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.playground.api import views
from bot.playground.api.call import ApiError, Call
from bot.playground.blocks import actions
from bot.playground.courier import Courier, NotDelivered
from bot.playground.markup import escape
from bot.playground.objects import JSON, Channel, Message, User
from bot.playground.response_urls import Answerable, ResponseUrls
from bot.playground.shapes import Shapes
from bot.playground.workspace import Workspace

TRIGGER_LASTS_S = 3.0
_TOLD_OF_ELEMENT = ("action_id", "type", "text", "value", "style", "url")
_CHANNEL_NAMES = {"im": "directmessage", "group": "privategroup"}


class Triggers:
    """`trigger_id`s: good for `lasts_s` seconds, once."""

    def __init__(self, workspace: Workspace, lasts_s: float) -> None:
        self._workspace = workspace
        self._lasts_s = lasts_s
        self._made: dict[str, tuple[User, float]] = {}
        self._spent: set[str] = set()

    def new(self, user: User) -> str:
        """The trigger of what `user` just did."""
        trigger = f"{self._workspace.next_ts()}.{self._workspace.new_id('t').lower()}"
        self._made[trigger] = (user, self._workspace.clock())
        return trigger

    def spend(self, trigger_id: str) -> User:
        """Whose trigger it is. Raises ApiError for a used, stale or unknown one."""
        if trigger_id not in self._made:
            raise ApiError("invalid_trigger_id")
        user, made_at = self._made[trigger_id]
        if trigger_id in self._spent:
            raise ApiError("exchanged_trigger_id")
        if self._workspace.clock() - made_at > self._lasts_s:
            raise ApiError("expired_trigger_id")
        self._spent.add(trigger_id)
        return user


@dataclass(frozen=True, slots=True)
class Interactions:
    """Tells the app of what people do beside writing."""

    workspace: Workspace
    courier: Courier
    urls: ResponseUrls
    triggers: Triggers
    app_call: Callable[[JSON], Call]

    async def command(self, user: User, channel: Channel, command: str, text: str) -> bool:
        """Send a slash command; whether the app acknowledged it. If not, the user is told, as in Slack."""
        answerable = Answerable(user, channel, self.workspace.clock())
        try:
            answer = await self.courier.ask("slash_commands", self._command(answerable, command, text))
        except NotDelivered as failure:
            timeout = failure.reason in ("timeout", "http_timeout")
            self._complain(user, channel, command, "operation_timeout" if timeout else "dispatch_failed")
            return False
        body = {"text": answer} if isinstance(answer, str) else answer
        if isinstance(body, dict) and (body.get("text") or body.get("blocks")):
            self.urls.apply(answerable, body)
        return True

    async def press(self, user: User, message: Message, action_id: str, given: JSON) -> bool:
        """Use an interactive element of a message; whether the app acknowledged it."""
        found = {element["action_id"]: (block, element) for block, element in actions(message.blocks)}
        if action_id not in found:
            there = ", ".join(sorted(found)) or "none"
            raise LookupError(f"the message has no element {action_id!r}; its elements are: {there}")
        block, element = found[action_id]
        if element["type"] == "feedback_buttons":
            _check_feedback(element, given)
        payload = self._block_actions(user, message, _action(block, element, self.workspace.next_ts(), given))
        return await self._interact(payload) is not _REFUSED

    async def submit(self, user: User, view: JSON, values: JSON) -> JSON | None:
        """Submit a modal; the app's `errors`, if it has any."""
        shown = {key: value for key, value in view.items() if key != "user_id"} | {"state": {"values": values}}
        payload = {**self._common("view_submission", user), "view": shown, "response_urls": []}
        answer = await self._interact(payload)
        if answer is _REFUSED:
            return {"": "the app did not answer"}
        return self._after_submission(user, view, answer if isinstance(answer, dict) else {})

    def _after_submission(self, user: User, view: JSON, answer: JSON) -> JSON | None:
        call, open_views = self.app_call(answer), self.workspace.views
        match answer.get("response_action"):
            case "errors":
                return dict(answer["errors"])
            case "update":
                views.keep(call, views.view_of(call, "modal"), user.id, view_id=view["id"])
            case "push":
                views.put_on_top(call, user.id)
            case "clear":
                stack = [each for each in open_views.values() if each["root_view_id"] == view["root_view_id"]]
                for stacked in stack:
                    del open_views[stacked["id"]]
            case _:
                open_views.pop(view["id"], None)
        return None

    async def _interact(self, payload: JSON) -> Any:
        try:
            return await self.courier.ask("interactive", payload)
        except NotDelivered:
            return _REFUSED

    def _complain(self, user: User, channel: Channel, command: str, error: str) -> None:
        text = f'{command} failed with the error "{error}"'
        ts = self.workspace.next_ts()
        self.workspace.show(Message(channel.id, ts, "USLACKBOT", text, visible_to=user.id))

    def _command(self, answerable: Answerable, command: str, text: str) -> JSON:
        app, user, channel = self.workspace.app, answerable.user, answerable.channel
        return {
            "token": app.verification_token,
            "team_id": self.workspace.team,
            "team_domain": self.workspace.domain,
            "channel_id": channel.id,
            "channel_name": _CHANNEL_NAMES.get(channel.kind, channel.name),
            "user_id": user.id,
            "user_name": user.name,
            "command": command,
            "text": escape(text),
            "api_app_id": app.id,
            "is_enterprise_install": "false",
            "response_url": self.urls.new("commands", answerable),
            "trigger_id": self.triggers.new(user),
        }

    def _common(self, kind: str, user: User) -> JSON:
        app = self.workspace.app
        return {
            "type": kind,
            "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": user.team},
            "api_app_id": app.id,
            "token": app.verification_token,
            "trigger_id": self.triggers.new(user),
            "team": {"id": self.workspace.team, "domain": self.workspace.domain},
            "enterprise": None,
            "is_enterprise_install": False,
        }

    def _block_actions(self, user: User, message: Message, action: JSON) -> JSON:
        channel = self.workspace.channels[message.channel]
        answerable = Answerable(user, channel, self.workspace.clock(), original=message)
        container: JSON = {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": channel.id,
            "is_ephemeral": message.visible_to is not None,
        }
        if message.thread_ts:
            container["thread_ts"] = message.thread_ts
        payload = {
            **self._common("block_actions", user),
            "container": container,
            "channel": {"id": channel.id, "name": _CHANNEL_NAMES.get(channel.kind, channel.name)},
            "state": {"values": {}},
            "response_url": self.urls.new("actions", answerable),
            "actions": [action],
        }
        # Slack does not keep ephemeral messages, so it cannot send them along.
        return (
            payload
            if message.visible_to
            else {**payload, "message": Shapes(self.workspace).message(message, metadata=True)}
        )


_REFUSED = object()


def _check_feedback(element: JSON, given: JSON) -> None:
    values = [element[side]["value"] for side in ("positive_button", "negative_button")]
    if given.get("value") not in values:
        raise LookupError(f"say which of the two with value={' or value='.join(map(repr, values))}")


def _action(block: JSON, element: JSON, stamp: str, given: JSON) -> JSON:
    told: JSON = {key: element[key] for key in _TOLD_OF_ELEMENT if key in element}
    return {**told, "block_id": block.get("block_id", ""), "action_ts": stamp, **given}
