"""What a server offers, page by page: its tools, and its resources through tools of ours."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from mcp import Client, MCPError
from mcp.types import METHOD_NOT_FOUND, PaginatedResult, Resource, ResourceTemplate, Tool

_MOST_PAGES = 100

Page = TypeVar("Page", bound=PaginatedResult, covariant=True)
Item = TypeVar("Item")


class _Lister(Protocol[Page]):
    def __call__(self, *, cursor: str | None) -> Awaitable[Page]: ...


@dataclass(frozen=True, slots=True)
class Listing:
    """Everything that a server offers."""

    tools: tuple[Tool, ...] = ()
    resources: tuple[Resource, ...] = ()
    templates: tuple[ResourceTemplate, ...] = ()


async def listing_of(client: Client) -> Listing:
    """Ask a server for all that it offers.

    Raises:
        MCPError: it refuses, or the connection broke.
    """
    can = client.server_capabilities
    tools = await _all(client.list_tools, lambda page: page.tools) if can.tools else []
    if not can.resources:
        return Listing(tuple(tools))
    return Listing(
        tuple(tools),
        tuple(await _all(client.list_resources, lambda page: page.resources)),
        tuple(await _templates(client)),
    )


async def _templates(client: Client) -> list[ResourceTemplate]:
    try:
        return await _all(client.list_resource_templates, lambda page: page.resource_templates)
    except MCPError as error:
        if error.code == METHOD_NOT_FOUND:
            return []  # templates have no capability of their own to look at
        raise


async def _all(ask: _Lister[Page], items: Callable[[Page], list[Item]]) -> list[Item]:
    found: list[Item] = []
    cursor: str | None = None
    for _ in range(_MOST_PAGES):
        page = await ask(cursor=cursor)
        found += items(page)
        cursor = page.next_cursor
        if cursor is None:
            break
    return found
