"""`auth.*`, `team.*`, `bots.*`, `users.*` and `apps.*`: who is who, and how to connect."""

from __future__ import annotations

from bot.playground.api.call import ApiError, Call, Method
from bot.playground.api.page import page
from bot.playground.objects import JSON


def api_test(call: Call) -> JSON:
    """Echo the arguments."""
    if error := call.text("error"):
        raise ApiError(error, args=dict(call.arguments))
    return {"args": dict(call.arguments)}


def auth_test(call: Call) -> JSON:
    """Say whom the token stands for."""
    workspace, caller = call.workspace, call.caller
    identity = {
        "url": f"{workspace.url}/",
        "team": workspace.name,
        "user": caller.name,
        "team_id": workspace.team,
        "user_id": caller.id,
        "is_enterprise_install": False,
    }
    return {**identity, "bot_id": caller.bot_id} if caller.bot_id else identity


def team_info(call: Call) -> JSON:
    """Describe the workspace."""
    workspace = call.workspace
    icon = {"image_default": True, "image_68": f"{workspace.url}/avatars/{workspace.team}.png"}
    return {
        "team": {
            "id": workspace.team,
            "name": workspace.name,
            "domain": workspace.domain,
            "url": f"{workspace.url}/",
            "email_domain": "",
            "icon": icon,
        }
    }


def bots_info(call: Call) -> JSON:
    """Describe a bot, by its `B…` id."""
    wanted = call.text("bot")
    for user in call.workspace.users.values():
        if wanted and user.bot_id == wanted:
            return {"bot": call.shapes.bot(user)}
    raise ApiError("bot_not_found")


def connections_open(call: Call) -> JSON:
    """The URL of a new Socket Mode connection."""
    return {"url": call.office.open_socket()}


def users_info(call: Call) -> JSON:
    """Describe a user."""
    return {"user": call.shapes.user(call.user())}


def users_list(call: Call) -> JSON:
    """List everybody."""
    people = [(user.id, user) for user in call.workspace.users.values()]
    chosen, paging = page(call, people, limit=1000, most=1000)
    members = [call.shapes.user(user) for user in chosen]
    return {"members": members, "cache_ts": int(call.workspace.clock()), **paging}


def get_presence(call: Call) -> JSON:
    """Everybody here is always active."""
    call.user()
    return {"presence": "active"}


def lookup_by_email(call: Call) -> JSON:
    """Find a person by email address."""
    wanted = call.required("email", "users_not_found").lower()
    for user in call.workspace.users.values():
        if user.email.lower() == wanted and not user.is_bot:
            return {"user": call.shapes.user(user)}
    raise ApiError("users_not_found")


def get_profile(call: Call) -> JSON:
    """A user's profile; without `user`, the caller's."""
    user = call.user() if call.text("user") else call.caller
    return {"profile": call.shapes.profile(user)}


METHODS = (
    Method("api.test", api_test, (), "tier4", ("bot", "user", "app")),
    Method("auth.test", auth_test, (), "none", ("bot", "user", "app")),
    Method("apps.connections.open", connections_open, (), "tier1", ("app",)),
    Method("bots.info", bots_info, ("users:read",), "tier3"),
    Method("team.info", team_info, ("team:read",), "tier3"),
    Method("users.info", users_info, ("users:read",), "tier4"),
    Method("users.list", users_list, ("users:read",), "tier2"),
    Method("users.getPresence", get_presence, ("users:read",), "tier3"),
    Method("users.lookupByEmail", lookup_by_email, ("users:read.email",), "tier3"),
    Method("users.profile.get", get_profile, ("users.profile:read",), "tier4"),
)
