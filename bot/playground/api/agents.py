"""`assistant.threads.*` and `agents.sessions.*`: what an agent shows beside its messages."""

from __future__ import annotations

from bot.playground.api.call import ApiError, Call, Method, invalid_arguments
from bot.playground.objects import JSON, AgentThread, Change, Channel

_SESSION_STATES = ("processing", "active", "suspended", "closed")
_MOST_LOADING_MESSAGES = 10
_MOST_PROMPTS = 4


def set_status(call: Call) -> JSON:
    """Show a status, and loading messages in turn, under a thread until the app answers there."""
    channel, root = _thread(call)
    messages = call.structure("loading_messages", "invalid_arguments") or []
    if len(messages) > _MOST_LOADING_MESSAGES:
        raise invalid_arguments(
            f"no more than {_MOST_LOADING_MESSAGES} items allowed [json-pointer:/loading_messages]"
        )
    if "status" not in call.arguments:
        raise invalid_arguments("missing required field: status")
    thread = call.workspace.agent_thread(channel.id, root)
    thread.status, thread.loading_messages = call.text("status"), tuple(messages)
    thread.status_at = call.workspace.clock()
    call.workspace.announce(Change("status", channel.id, text=thread.status, thread_ts=root or None))
    return {}


def set_title(call: Call) -> JSON:
    """Name a thread in the app's history."""
    channel, root = _thread(call)
    thread = call.workspace.agent_thread(channel.id, root)
    thread.title = call.required("title")
    call.workspace.announce(Change("titled", channel.id, text=thread.title, thread_ts=root or None))
    return {}


def set_suggested_prompts(call: Call) -> JSON:
    """Without `thread_ts`: the prompts of the app's Messages tab."""
    channel = call.channel("channel_id")
    prompts = call.structure("prompts", "invalid_arguments")
    if not isinstance(prompts, list) or not prompts:
        raise invalid_arguments("missing required field: prompts")
    if len(prompts) > _MOST_PROMPTS:
        raise invalid_arguments(f"no more than {_MOST_PROMPTS} items allowed [json-pointer:/prompts]")
    if not all(isinstance(each, dict) and each.get("title") and each.get("message") for each in prompts):
        raise invalid_arguments("each prompt needs a title and a message [json-pointer:/prompts]")
    thread = call.workspace.agent_thread(channel.id, call.text("thread_ts"))
    thread.prompts, thread.prompts_title = tuple(prompts), call.text("title")
    call.workspace.announce(Change("prompts", channel.id, thread_ts=call.text("thread_ts") or None))
    return {}


def set_session_status(call: Call) -> JSON:
    """Say where an agent stands in a thread."""
    status = call.required("status")
    if status not in _SESSION_STATES:
        raise invalid_arguments(f"status must be one of {', '.join(_SESSION_STATES)}")
    channel, root, thread = _session(call)
    thread.session = status
    thread.title = call.text("title") or thread.title
    call.workspace.announce(Change("session", channel.id, text=status, thread_ts=root or None))
    return {}


def rename_session(call: Call) -> JSON:
    """Name a session."""
    channel, root, thread = _session(call)
    thread.title = call.required("title")
    call.workspace.announce(Change("titled", channel.id, text=thread.title, thread_ts=root or None))
    return {}


def _thread(call: Call) -> tuple[Channel, str]:
    channel = call.channel("channel_id")
    if call.caller.id not in channel.members:
        raise ApiError("not_in_channel")
    root = call.required("thread_ts")
    if root not in channel.messages:
        raise ApiError("thread_not_found")
    return channel, root


def _session(call: Call) -> tuple[Channel, str, AgentThread]:
    """The session of a thread, or without `thread_ts` that of the whole conversation."""
    channel = call.channel("channel_id")
    if call.caller.id not in channel.members:
        raise ApiError("not_in_channel")
    root = call.text("thread_ts")
    if root and root not in channel.messages:
        raise ApiError("thread_not_found")
    return channel, root, call.workspace.agent_thread(channel.id, root)


METHODS = (
    Method("assistant.threads.setStatus", set_status, ("assistant:write", "chat:write"), "status"),
    Method("assistant.threads.setTitle", set_title, ("assistant:write",), "tier3"),
    Method("assistant.threads.setSuggestedPrompts", set_suggested_prompts, ("assistant:write",), "tier3"),
    Method("agents.sessions.setStatus", set_session_status, ("assistant:write", "chat:write"), "tier3"),
    Method("agents.sessions.rename", rename_session, ("assistant:write",), "tier3"),
)
