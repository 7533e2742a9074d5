"""A server's tools and resources, as tools of the registry."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from mcp.types import Tool

from tools._framework.context import Context
from tools._framework.dynamic import DynamicTool
from tools._framework.limits import cut
from tools._framework.options import Options
from tools._mcp.arguments import checked_by
from tools._mcp.listing import Listing
from tools._mcp.names import offered_names
from tools._mcp.parameters import BadParameters, parameters_of

_log = logging.getLogger(__name__)

_MOST_DESCRIPTION_CHARS = 1_000
_MOST_TITLE_CHARS = 100
_BRACES = str.maketrans("{}", "()")
_URI: dict[str, Any] = {
    "type": "object",
    "properties": {"uri": {"type": "string", "description": "The URI of the resource."}},
    "required": ["uri"],
}
_NOTHING: dict[str, Any] = {"type": "object", "properties": {}}


@dataclass(frozen=True, slots=True)
class Offer:
    """How one server's tools are offered."""

    server: str
    prefix: str
    is_trusted: bool
    """Whether the server's own word is taken for what is read-only."""
    timeout_s: float
    """Seconds that a call may take."""
    call: Callable[[str, dict[str, Any], Context], Awaitable[object]]
    read: Callable[[str, Context], Awaitable[object]]

    def tools(self, listing: Listing) -> tuple[DynamicTool, ...]:
        """A tool for each of the server's, and one or two for its resources, if it has any."""
        named = {tool.name: tool for tool in listing.tools}
        names = offered_names(self.prefix, named)
        offered = [self._tool(names[name], tool) for name, tool in named.items()]
        return (*(tool for tool in offered if tool), *self._readers(listing, names.values()))

    def _tool(self, name: str, tool: Tool) -> DynamicTool | None:
        try:
            parameters, note = parameters_of(tool.input_schema)
        except BadParameters as error:
            _log.warning("MCP server %s: %s is left out: %s", self.server, tool.name, cut(str(error), 300))
            return None
        purpose = cut((tool.description or tool.title or tool.name).strip(), _MOST_DESCRIPTION_CHARS)
        return self._offered(
            name,
            f"{purpose}\n{note}" if note else purpose,
            parameters,
            tool.input_schema,
            lambda arguments, context: self.call(tool.name, arguments, context),
            title=_title(tool),
            read_only=self.is_trusted and bool(tool.annotations and tool.annotations.read_only_hint),
        )

    def _readers(self, listing: Listing, taken: Collection[str]) -> Iterator[DynamicTool]:
        if not (listing.resources or listing.templates):
            return
        read, list_ = (_free(f"{self.prefix}__{name}", taken) for name in ("read_resource", "list_resources"))
        resources = "\n".join(_lines(listing))
        purpose = f"Read a resource of {self.server} by its URI."
        brief = f"{purpose}\n{resources}"
        fits = len(brief) <= _MOST_DESCRIPTION_CHARS
        description = brief if fits else f"{purpose} {list_} lists them."
        yield self._offered(
            read, description, _URI, _URI, self._read, title="reading {uri}", read_only=self.is_trusted
        )
        if not fits:

            async def known(_arguments: dict[str, Any], _context: Context) -> object:
                return resources

            purpose = f"List the resources of {self.server}."
            yield self._offered(
                list_, purpose, _NOTHING, _NOTHING, known, title="listing its resources", read_only=True
            )

    async def _read(self, arguments: dict[str, Any], context: Context) -> object:
        return await self.read(arguments["uri"], context)

    def _offered(
        self,
        name: str,
        description: str,
        parameters: dict[str, Any],
        schema: dict[str, Any],
        run: Callable[[dict[str, Any], Context], Awaitable[object]],
        *,
        title: str,
        read_only: bool,
    ) -> DynamicTool:
        return DynamicTool(
            name=name,
            description=description,
            parameters=parameters,
            run=run,
            options=Options(title=f"{self.server}: {title}", timeout_s=self.timeout_s, read_only=read_only),
            origin=f"the MCP server {self.server}",
            check=checked_by(schema),
        )


def _free(name: str, taken: Collection[str]) -> str:
    """The name, unless the server has a tool of that name itself."""
    return f"{name}_2" if name in taken else name


def _title(tool: Tool) -> str:
    # The protocol's order of precedence. Braces would be filled in with the call's arguments.
    title = tool.title or (tool.annotations and tool.annotations.title) or tool.name
    return cut(title, _MOST_TITLE_CHARS).translate(_BRACES)


def _lines(listing: Listing) -> Iterator[str]:
    for resource in listing.resources:
        yield _line(resource.uri, resource.title or resource.name, resource.description)
    for template in listing.templates:
        yield _line(template.uri_template, template.title or template.name, template.description)


def _line(uri: str, name: str, description: str | None) -> str:
    return f"- {uri} ({name})" + (f": {' '.join(description.split())}" if description else "")
