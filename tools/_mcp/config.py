"""The file of MCP servers, in the form that Claude Desktop made common.

{"mcpServers": {
    "files": {"command": "npx", "args": ["-y", "…"], "env": {"TOKEN": "${TOKEN}"}},
    "wiki": {"type": "http", "url": "https://…/mcp", "headers": {"Authorization": "Bearer ${KEY:-}"}}
}}
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tools._framework.errors import BadTool
from tools._framework.redaction import LEAST_SECRET_CHARS, as_repeated, is_secret
from tools._mcp.names import MOST_PREFIX_CHARS, prefix_of

_log = logging.getLogger(__name__)

# The rest is optional, so that one which is written wrongly is found, too.
_VARIABLE = re.compile(r"\$\{(?:([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\})?")
_WITHOUT_BRACES = re.compile(r"(?<!\S)\$([A-Z_][A-Z0-9_]*)(?!\S)")
_IGNORED = ("alwaysAllow", "autoApprove")
"""What other programs' files say about approval."""
_LONGEST_CALL_S = 3600
_HTTP_TYPES = ("http", "streamable-http", "streamableHttp", "streamable_http")


class BadMcpConfig(BadTool):
    """The file of MCP servers cannot be used: the message names the file, the server and the key."""


class _Transport(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True, strict=True)

    timeout: float | None = Field(None, gt=0, le=_LONGEST_CALL_S)
    """Seconds that a call may take."""


class Stdio(_Transport):
    """A server that runs as a child process and is spoken to through its pipes."""

    command: str = Field(min_length=1)
    args: list[str] = []
    env: dict[str, str] = Field({}, repr=False)
    """The child's environment, beside the few harmless variables that every child gets."""
    cwd: str | None = None


class Http(_Transport):
    """A server at a URL, spoken to in the protocol's "streamable HTTP"."""

    url: str = Field(pattern="^https?://[^/]")
    headers: dict[str, str] = Field({}, repr=False)


Transport: TypeAlias = Stdio | Http


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """How to reach one server."""

    name: str
    prefix: str
    """What its tools' names begin with."""
    transport: Transport
    given: tuple[str, ...] = field(repr=False)
    """What the server is given in confidence: never to be logged."""
    secrets: tuple[str, ...] = field(repr=False)
    """Those of it that are secret by their names: never to be shown to anybody."""


@dataclass(frozen=True, slots=True)
class McpConfig:
    """The servers of a file, in its order."""

    servers: tuple[ServerConfig, ...]
    disabled: tuple[str, ...] = ()
    """The names of those with `"disabled": true`."""

    @classmethod
    def load(cls, path: Path, environment: Mapping[str, str]) -> McpConfig:
        """Read the file at `path`, with `${VARIABLE}` and `${VARIABLE:-default}` filled in from `environment`.

        Raises:
            BadMcpConfig: the file cannot be read, is wrong, or names a variable that is not set.
        """
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise BadMcpConfig(f"{path} cannot be read: {error}. It is MCP_CONFIG's file.") from error
        return _File(path, environment).parse(text)


@dataclass(frozen=True, slots=True)
class _File:
    """One reading of a file."""

    path: Path
    environment: Mapping[str, str]

    def parse(self, text: str) -> McpConfig:
        entries = self._entries(text)
        disabled = tuple(name for name, entry in entries.items() if self._is_disabled(name, entry))
        servers = tuple(self._server(name, entry) for name, entry in entries.items() if name not in disabled)
        self._check_prefixes(servers)
        return McpConfig(servers, disabled)

    def _entries(self, text: str) -> dict[str, dict[str, Any]]:
        try:
            document = json.loads(text, object_pairs_hook=self._object)
        except json.JSONDecodeError as error:
            raise BadMcpConfig(
                f"{self.path}, line {error.lineno}, column {error.colno}: this is not JSON ({error.msg})."
            ) from error
        entries = document.get("mcpServers") if isinstance(document, dict) else None
        if not isinstance(entries, dict):
            raise BadMcpConfig(
                f'{self.path}: there is no "mcpServers" object in it, with an entry for each server.'
            )
        for name, entry in entries.items():
            if not isinstance(entry, dict):
                raise self._wrong(name, 'must be an object, with a "command" or a "url"')
        return entries

    def _object(self, pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        # JSON itself takes the last one and forgets the others.
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                raise BadMcpConfig(f"{self.path}: {json.dumps(key, ensure_ascii=False)} is there twice.")
            found[key] = value
        return found

    def _is_disabled(self, name: str, entry: dict[str, Any]) -> bool:
        disabled = entry.get("disabled", False)
        if not isinstance(disabled, bool):
            raise self._wrong(name, "disabled must be true or false")
        return disabled

    def _server(self, name: str, entry: dict[str, Any]) -> ServerConfig:
        settings = {key: value for key, value in entry.items() if key not in ("type", "disabled", *_IGNORED)}
        for key in _IGNORED:
            if entry.get(key):
                _log.warning("%s", self._wrong(name, f"{key} is ignored: policy.yaml says what is approved"))
        transport: type[Transport] = Stdio if self._kind(name, entry) == "stdio" else Http
        used: dict[str, str] = {}
        try:
            chosen = transport.model_validate(self._filled_in(name, settings, "", used))
        except ValidationError as error:
            raise self._wrong(name, _in_words(error, transport)) from error
        if isinstance(chosen, Http):
            self._check_headers(name, chosen.headers)
        return ServerConfig(name, self._prefix(name), chosen, *_given(used, chosen))

    def _kind(self, name: str, entry: dict[str, Any]) -> Literal["stdio", "http"]:
        kind = entry.get("type", "http" if "url" in entry else "stdio")
        if kind == "stdio":
            return "stdio"
        if kind in _HTTP_TYPES:
            return "http"
        if kind == "sse":
            raise self._wrong(
                name, 'type "sse" is the HTTP transport of 2024, which "http" replaced: ask for its new URL'
            )
        raise self._wrong(name, f'type must be "stdio" or "http", and it is {json.dumps(kind)}')

    def _filled_in(self, name: str, value: Any, key: str, used: dict[str, str]) -> Any:
        """`value` with its variables' values, wherever it holds text. `key` is its place, for errors."""
        if isinstance(value, dict):
            return {part: self._filled_in(name, item, _joined(key, part), used) for part, item in value.items()}
        if isinstance(value, list):
            return [self._filled_in(name, item, f"{key}[{index}]", used) for index, item in enumerate(value)]
        if not isinstance(value, str):
            return value
        # A command may be a shell's, which knows this form.
        if (bare := _WITHOUT_BRACES.search(value)) and not key.startswith(("command", "args")):
            raise self._wrong(
                name,
                f"{key} holds {bare[0]}, which is not filled in: write ${{{bare[1]}}}, "
                "or put a value that begins with $ into a variable",
            )

        def fill_in(match: re.Match[str]) -> str:
            variable, default = match.groups()
            if variable is None:
                raise self._wrong(name, f"{key} holds ${{, and not in the form ${{NAME}} or ${{NAME:-default}}")
            found = self.environment.get(variable, default)
            if found is None:
                raise self._wrong(
                    name,
                    f"{key} needs the variable {variable}, which is not set: set it, "
                    f"or write ${{{variable}:-default}}",
                )
            # As in a shell, an empty variable is as good as none where there is a default.
            used[variable] = found or default or ""
            return used[variable]

        return _VARIABLE.sub(fill_in, value)

    def _check_headers(self, name: str, headers: Mapping[str, str]) -> None:
        for header, value in headers.items():
            # Only when it is sent would it be refused, in words that repeat it.
            if value != value.strip() or not (value.isascii() and value.isprintable()):
                raise self._wrong(
                    name,
                    f"headers.{header} begins or ends with a blank or a line's end, or holds what no header "
                    "may hold: look at the variables in it",
                )

    def _prefix(self, name: str) -> str:
        prefix = prefix_of(name)
        if not 0 < len(prefix) <= MOST_PREFIX_CHARS:
            raise self._wrong(
                name,
                f"its name must have 1 to {MOST_PREFIX_CHARS} letters, digits, _ and -, "
                "since its tools' names begin with it",
            )
        return prefix

    def _check_prefixes(self, servers: tuple[ServerConfig, ...]) -> None:
        first: dict[str, str] = {}
        for server in servers:
            twin = first.setdefault(server.prefix, server.name)
            if twin != server.name:
                raise self._wrong(
                    server.name,
                    f"its tools' names would begin with {server.prefix}__, as those of {json.dumps(twin)} do: "
                    "rename one",
                )

    def _wrong(self, name: str, problem: str) -> BadMcpConfig:
        return BadMcpConfig(f"{self.path}: the server {json.dumps(name, ensure_ascii=False)}: {problem}.")


def _joined(key: str, part: str) -> str:
    return f"{key}.{part}" if key else part


def _given(variables: Mapping[str, str], transport: Transport) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """All that a server is given in confidence, and what of it is secret: by its name, or as a header."""
    headers, env = (transport.headers, {}) if isinstance(transport, Http) else ({}, transport.env)
    named = [*variables.items(), *env.items()]
    secrets = [*(value for name, value in named if is_secret(name)), *_long(headers.values())]
    return as_repeated([*secrets, *_long(value for _, value in named)]), as_repeated(secrets)


def _long(values: Iterable[str]) -> Iterator[str]:
    return (value for value in values if len(value) >= LEAST_SECRET_CHARS)


def _in_words(error: ValidationError, transport: type[Transport]) -> str:
    """Each wrong key and what is wrong with it, without the values: they may be secret."""
    known = ", ".join(["type", *transport.model_fields, "disabled"])
    problems = {
        "greater_than": "is in seconds, and more than 0",
        "less_than_equal": f"is in seconds, and at most {_LONGEST_CALL_S}",
        "missing": "is missing",
        "extra_forbidden": f"is not a key of this kind of server, which are: {known}",
        "string_pattern_mismatch": "must begin with http:// or https://",
    }
    return "; ".join(
        f"{'.'.join(map(str, detail['loc']))} {problems.get(detail['type'], _lowered(detail['msg']))}"
        for detail in error.errors(include_url=False, include_input=False)
    )


def _lowered(message: str) -> str:
    return "is wrong: " + message[:1].lower() + message[1:]
