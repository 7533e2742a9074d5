"""Read `policy.yaml`, and say on which line it is wrong."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

import pydantic
import yaml
from pydantic_core import ErrorDetails

from tools._framework.errors import BadPolicy
from tools._framework.policy import CallsPerDay, McpRules, People, Policy, Rule
from tools._framework.wording import in_plain_words

Place: TypeAlias = tuple[str | int, ...]

_BELONGS: dict[type[pydantic.BaseModel], str] = {
    Rule: "under tools and a tool's name",
    CallsPerDay: "under calls_per_day",
    McpRules: "under mcp",
}
_NOTHING = "tag:yaml.org,2002:null"


def read_policy(path: Path) -> Policy:
    """The policy in a YAML file; an empty file is one without rules.

    Raises:
        BadPolicy: it cannot be read, or something in it is wrong; the message names the line.
    """
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, yaml.SafeLoader)
        content = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as error:
        raise BadPolicy(f"{path}: it cannot be read: {error}.") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise BadPolicy(f"{path}:{line}: {error.problem or error}.") from error
    except yaml.YAMLError as error:
        raise BadPolicy(f"{path}: {error}") from error
    try:
        lines = dict(_lines(node, (), path))
    except RecursionError as error:
        raise BadPolicy(f"{path}: something in it holds itself, or is nested too deeply.") from error
    try:
        return Policy.model_validate({} if content is None else content)
    except pydantic.ValidationError as error:
        faults = [f"{path}:{_line(lines, fault['loc'])}: {_sentence(fault)}" for fault in _own(error)]
        raise BadPolicy("\n".join(faults)) from error


def rules_for_nothing(
    path: Path, policy: Policy, names: Iterable[str], *, servers: Collection[str]
) -> Iterator[str]:
    """What in a policy fits nothing: a sentence, with file and line, about each.

    Args:
        path: the policy's file.
        policy: what is in it.
        names: the tools that there are.
        servers: the MCP servers that are configured.
    """
    lines = dict(_lines(yaml.compose(path.read_text(encoding="utf-8"), yaml.SafeLoader), (), path))
    for pattern, sentence in policy.unknown(names):
        yield f"{path}:{_line(lines, ('tools', pattern))}: {sentence}"
    for index, server in enumerate(policy.mcp.trusted):
        if server not in servers:
            known = f"there are {', '.join(servers)}" if servers else "there is none"
            line = _line(lines, ("mcp", "trusted", index))
            yield f"{path}:{line}: no MCP server is called {server}; {known}."


def _lines(node: yaml.Node | None, place: Place, path: Path) -> Iterator[tuple[Place, int]]:
    """The line of every key and entry below a node, by the way to it."""
    if node is not None:
        yield place, node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        for index, entry in enumerate(node.value):
            yield from _lines(entry, (*place, index), path)
    elif isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            line = key.start_mark.line + 1
            # YAML itself takes the last one and forgets the others.
            if key.value in seen:
                raise BadPolicy(f"{path}:{line}: {key.value} is there twice.")
            seen.add(key.value)
            if value.tag == _NOTHING:
                # It says nothing, and whoever wrote it may rely on it.
                raise BadPolicy(f"{path}:{line}: {key.value} is empty: write a value, or leave the line out.")
            yield from _lines(value, (*place, key.value), path)
            yield (*place, key.value), line


def _line(lines: Mapping[Place, int], place: Place) -> int:
    """The line of a place, or of the nearest one around it."""
    while place and place not in lines:
        place = place[:-1]
    return lines.get(place, 1)


def _own(error: pydantic.ValidationError) -> list[ErrorDetails]:
    """The faults, without lists that only seem too short since an entry of theirs is wrong."""
    faults = error.errors()
    within = {fault["loc"][:-1] for fault in faults}
    return [fault for fault in faults if not (fault["type"] == "too_short" and fault["loc"] in within)]


def _sentence(fault: ErrorDetails) -> str:
    name = ".".join(map(str, fault["loc"])) or "the file"
    if fault["type"] == "extra_forbidden":
        return f"{name} means nothing here; {_hint(fault['loc'], fault['input'])}"
    return f"{name}: {in_plain_words(fault)}."


def _hint(place: Place, content: object) -> str:
    """What to do about a key that is not known in its place."""
    key, known = str(place[-1]), _part(place[:-1]).model_fields
    if below := next((where for part, where in _BELONGS.items() if key in part.model_fields), None):
        return f"it belongs {below}."
    if near := difflib.get_close_matches(key, known, n=1):
        return f"did you mean {near[0]}?"
    if len(place) == 1 and content and isinstance(content, dict) and content.keys() <= Rule.model_fields.keys():
        return "what holds for one tool belongs under tools."
    return f"known are {', '.join(known)}."


def _part(place: Place) -> type[pydantic.BaseModel]:
    """What stands in a place of the file."""
    match place:
        case ():
            return Policy
        case ("mcp",):
            return McpRules
        case ("calls_per_day",) | ("tools", _, "calls_per_day"):
            return CallsPerDay
        case ("tools", _, "approvers"):
            return People
    return Rule
