"""What may be fetched at all: public web addresses, and nothing of this machine or its networks.

Whoever asks for a page may be a model that read planted words, so nothing about a URL is trusted. A host is
looked up once, every answer must be public, and the connection goes to exactly the address that was checked: a
second look-up could give another one.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TypeAlias

import httpx2

from tools._web.addresses import Address, what_is_wrong_with

Resolver: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""From a name and a port to IP addresses. Raises `OSError` if there are none."""

_PORTS = {"http": 80, "https": 443}
_OTHER_PORTS = frozenset({8080, 8443})
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE)
# A last part like this makes some resolvers read the whole host as an IPv4 address: 0x7f.1, 2130706433.
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*", re.IGNORECASE)
_INNER_NAMES = frozenset(
    {"localhost", "localdomain", "local", "internal", "intranet", "private", "corp", "home", "lan"}
)
_MOST_NAME_CHARS = 253


class Blocked(Exception):
    """A URL that is never fetched. The text says why, without telling what the look-up found."""


class UnknownHost(Exception):
    """The look-up of a host found no address."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a checked URL leads to."""

    host: str
    addresses: tuple[Address, ...]
    """All of them public. In the order of the look-up."""


async def system_resolver(host: str, port: int) -> list[str]:
    """The addresses that this machine's resolver gives."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


@dataclass(frozen=True, slots=True)
class Guard:
    """Checks URLs before each request, also those that a redirect names."""

    resolver: Resolver = system_resolver

    async def check(self, url: httpx2.URL) -> Target:
        """Where a request for `url` may connect to.

        Raises:
            Blocked: nowhere; it is not a public web address.
            UnknownHost: there is no such host.
        """
        port = _port(url)
        host = url.raw_host.decode("ascii").removesuffix(".").lower()
        addresses = _literal(host) or await self._look_up(host, port)
        for address in addresses:
            if wrong := what_is_wrong_with(address):
                raise Blocked(f"{host} leads to {wrong}, and only addresses of the public internet are read")
        return Target(host, addresses)

    async def _look_up(self, host: str, port: int) -> tuple[Address, ...]:
        _check_name(host)
        try:
            found = await self.resolver(host, port)
        except (OSError, UnicodeError) as error:
            raise UnknownHost(f"there is no host called {host}") from error
        if not found:
            raise UnknownHost(f"there is no host called {host}")
        return tuple(ip_address(address) for address in found)


def _port(url: httpx2.URL) -> int:
    if url.scheme not in _PORTS:
        raise Blocked("only http and https are read")
    if url.userinfo:
        raise Blocked("an address with a name or password before an @ is not read")
    port = _PORTS[url.scheme] if url.port is None else url.port
    if port not in _OTHER_PORTS | set(_PORTS.values()):
        raise Blocked(f"port {port} is not one of the web's usual ones")
    return port


def _literal(host: str) -> tuple[Address, ...]:
    try:
        # `%25` is how a URL spells the percent sign before a zone.
        return (ip_address(host.replace("%25", "%")),)
    except ValueError:
        return ()


def _check_name(host: str) -> None:
    labels = host.split(".")
    if len(host) > _MOST_NAME_CHARS or not all(map(_LABEL.fullmatch, labels)):
        raise Blocked("its host is not a valid name")
    if _NUMBER.fullmatch(labels[-1]):
        raise Blocked("an address in numbers is read in its usual form only, as in 93.184.216.34")
    if len(labels) == 1 or labels[-1] in _INNER_NAMES or labels[-2:] == ["home", "arpa"]:
        raise Blocked(f"{host} is a name of an inner network, and only the public internet is read")
