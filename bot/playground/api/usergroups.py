"""`usergroups.*`: groups of people that can be mentioned together."""

from __future__ import annotations

from bot.playground.api.call import Call, Method
from bot.playground.objects import JSON, UserGroup


def list_(call: Call) -> JSON:
    """List the groups, and with `include_users` who is in each."""
    with_users = call.flag("include_users")
    groups = call.workspace.usergroups.values()
    return {"usergroups": [_shape(call, group, with_users=with_users) for group in groups]}


def _shape(call: Call, group: UserGroup, *, with_users: bool) -> JSON:
    """As in https://docs.slack.dev/reference/objects/usergroup-object."""
    return {
        "id": group.id,
        "team_id": call.workspace.team,
        "is_usergroup": True,
        "name": group.name,
        "description": "",
        "handle": group.handle,
        "is_external": False,
        "date_create": 0,
        "date_update": 0,
        "date_delete": 0,
        "auto_type": None,
        "created_by": group.members[0] if group.members else "",
        "updated_by": group.members[0] if group.members else "",
        "deleted_by": None,
        "prefs": {"channels": [], "groups": []},
        "user_count": len(group.members),
        **({"users": list(group.members)} if with_users else {}),
    }


METHODS = (Method("usergroups.list", list_, ("usergroups:read",), "tier2"),)
