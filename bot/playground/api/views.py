"""`views.*`: modals and App Home tabs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bot.playground.api.call import ApiError, Call, Method, invalid_arguments
from bot.playground.api.content import checked_blocks
from bot.playground.objects import JSON, Change

_MOST_BLOCKS, _MOST_VIEWS, _MOST_TITLE = 100, 3, 24
_MOST_METADATA, _MOST_ID = 3_000, 255
_IN_MESSAGES_ONLY = ("context_actions", "data_table", "file", "markdown", "plan", "table", "task_card")


def open_(call: Call) -> JSON:
    """Open a modal for whoever pulled the trigger."""
    view = view_of(call, "modal")
    user = call.office.spend_trigger(call.required("trigger_id"))
    return keep(call, view, user.id)


def push(call: Call) -> JSON:
    """Put a modal on top of the one that is open."""
    return put_on_top(call, call.office.spend_trigger(call.required("trigger_id")).id)


def put_on_top(call: Call, user: str) -> JSON:
    """Put the call's modal on top of those that `user` has open."""
    view = view_of(call, "modal")
    stack = [
        shown for shown in call.workspace.views.values() if (shown["type"], shown["user_id"]) == ("modal", user)
    ]
    if len(stack) >= _MOST_VIEWS:
        raise ApiError("push_limit_reached")
    below = stack[-1] if stack else None
    above = {"previous_view_id": below["id"], "root_view_id": below["root_view_id"]} if below else {}
    return keep(call, {**view, **above}, user)


def publish(call: Call) -> JSON:
    """Set a user's App Home."""
    user = call.user("user_id")
    home = _current(call, call.workspace.homes.get(user.id))
    view = view_of(call, "home")
    answer = keep(call, view, user.id, view_id=home["id"] if home else None)
    call.workspace.homes[user.id] = answer["view"]["id"]
    return answer


def update(call: Call) -> JSON:
    """Replace a view."""
    shown = _shown(call)
    view = view_of(call, shown["type"])
    _unchanged(call, shown)
    kept = {key: shown[key] for key in ("root_view_id", "previous_view_id")}
    return keep(call, {**view, **kept}, shown["user_id"], view_id=shown["id"])


def _shown(call: Call) -> JSON:
    view_id, external = call.text("view_id"), call.text("external_id")
    for view in call.workspace.views.values():
        if (view_id and view["id"] == view_id) or (external and view["external_id"] == external):
            return view
    raise ApiError("not_found")


def _current(call: Call, view_id: str | None) -> JSON | None:
    view = call.workspace.views.get(view_id or "")
    if view is not None:
        _unchanged(call, view)
    return view


def _unchanged(call: Call, view: JSON) -> None:
    """Slack's guard against two writers: a given `hash` must be that of the view shown."""
    if call.text("hash") and call.text("hash") != view["hash"]:
        raise ApiError("hash_conflict")


def view_of(call: Call, kind: str) -> JSON:
    """The `view` argument, if it is a view of this kind. Raises ApiError."""
    view: Any = call.structure("view", "invalid_arguments")
    if not isinstance(view, dict):
        raise invalid_arguments("missing required field: view")
    if view.get("type") != kind:
        raise invalid_arguments(f"must be of type {kind} [json-pointer:/view/type]")
    for fault in (*_view_faults(view), *(_modal_faults(view) if kind == "modal" else ())):
        raise invalid_arguments(fault)
    return {**view, "blocks": list(checked_blocks(call, view["blocks"], most=_MOST_BLOCKS))}


def _view_faults(view: JSON) -> Iterator[str]:
    blocks = view.get("blocks")
    if not isinstance(blocks, list) or len(blocks) > _MOST_BLOCKS:
        yield f"must be a list of at most {_MOST_BLOCKS} items [json-pointer:/view/blocks]"
        return
    for at, block in enumerate(blocks):
        if isinstance(block, dict) and block.get("type") in _IN_MESSAGES_ONLY:
            yield f"unsupported type: {block['type']} [json-pointer:/view/blocks/{at}]"
    for name, most in (("private_metadata", _MOST_METADATA), ("callback_id", _MOST_ID)):
        if len(view.get(name) or "") > most:
            yield f"must be less than {most + 1} characters [json-pointer:/view/{name}]"


def _modal_faults(view: JSON) -> Iterator[str]:
    for name in ("title", "submit", "close"):
        text = (view.get(name) or {}).get("text", "")
        if len(text) > _MOST_TITLE or (name == "title" and not text):
            yield f"must be 1 to {_MOST_TITLE} characters [json-pointer:/view/{name}]"
    if not view.get("submit") and any(block.get("type") == "input" for block in view["blocks"]):
        yield "missing required field: submit, as there is an input [json-pointer:/view]"


def keep(call: Call, view: JSON, user: str, *, view_id: str | None = None) -> JSON:
    """Show `view` to `user`, in the place of the view `view_id` if that is given."""
    workspace = call.workspace
    external = view.get("external_id", "")
    if external and any(v["external_id"] == external and v["id"] != view_id for v in workspace.views.values()):
        raise ApiError("duplicate_external_id")
    view_id = view_id or workspace.new_id("V")
    kept = {
        "team_id": workspace.team,
        "private_metadata": "",
        "callback_id": "",
        "state": {"values": {}},
        "clear_on_close": False,
        "notify_on_close": False,
        "close": None,
        "submit": None,
        "previous_view_id": None,
        "root_view_id": view_id,
        **view,
        "id": view_id,
        "hash": f"{workspace.next_ts()}",
        "external_id": external,
        "app_id": workspace.app.id,
        "bot_id": workspace.app.user.bot_id,
    }
    workspace.views[view_id] = {**kept, "user_id": user}
    workspace.announce(Change("view", user=user, text=view_id))
    return {"view": kept}


METHODS = (
    Method("views.open", open_, (), "tier4"),
    Method("views.push", push, (), "tier4"),
    Method("views.publish", publish, (), "tier4"),
    Method("views.update", update, (), "tier4"),
)
