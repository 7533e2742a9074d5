"""Read `policy.yaml`, and say on which line it is wrong."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

import pydantic
import yaml
from pydantic_core import ErrorDetails

from tools._framework.errors import BadPolicy
from tools._framework.policy import CallsPerDay, McpRules, People, Policy, Rule
from tools._framework.wording import in_plain_words

Place: TypeAlias = tuple[str | int, ...]

_KEYS = {key for part in (Policy, Rule, People, CallsPerDay, McpRules) for key in part.model_fields}
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
    lines = dict(_lines(node, (), path))
    try:
        return Policy.model_validate({} if content is None else content)
    except pydantic.ValidationError as error:
        faults = [f"{path}:{_line(lines, fault['loc'])}: {_sentence(fault)}" for fault in error.errors()]
        raise BadPolicy("\n".join(faults)) from error


def rules_for_nothing(path: Path, policy: Policy, names: Iterable[str]) -> Iterator[str]:
    """A sentence, with file and line, about each rule that fits none of the tools called `names`."""
    lines = dict(_lines(yaml.compose(path.read_text(encoding="utf-8"), yaml.SafeLoader), (), path))
    for pattern, sentence in policy.unknown(names):
        yield f"{path}:{_line(lines, ('tools', pattern))}: {sentence}"


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


def _sentence(fault: ErrorDetails) -> str:
    name = ".".join(map(str, fault["loc"])) or "the file"
    if fault["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(fault["loc"][-1]), _KEYS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(_KEYS))}."
        return f"{name} means nothing here; {hint}"
    return f"{name}: {in_plain_words(fault)}."
