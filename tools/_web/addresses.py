"""Which addresses belong to the public internet.

The ranges are those of IANA's special-purpose registries (iana.org/assignments/iana-ipv4-special-registry and
iana-ipv6-special-registry), written out because `ipaddress` calls some of them global: 6to4 and NAT64, for
instance, which carry an IPv4 address of anybody's choice.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address

_IPV4 = (
    (IPv4Network("127.0.0.0/8"), "this machine itself"),
    (IPv4Network("0.0.0.0/8"), "this machine itself"),
    (IPv4Network("10.0.0.0/8"), "a private network"),
    (IPv4Network("172.16.0.0/12"), "a private network"),
    (IPv4Network("192.168.0.0/16"), "a private network"),
    (IPv4Network("100.64.0.0/10"), "a provider's inner network"),
    (IPv4Network("169.254.0.0/16"), "a link-local address"),
    # Azure's machines reach their platform under it, although it looks public.
    (IPv4Network("168.63.129.16/32"), "a cloud's inner service"),
    (IPv4Network("192.0.0.0/24"), "a reserved address"),
    (IPv4Network("192.0.2.0/24"), "a documentation address"),
    (IPv4Network("198.51.100.0/24"), "a documentation address"),
    (IPv4Network("203.0.113.0/24"), "a documentation address"),
    (IPv4Network("192.88.99.0/24"), "a reserved address"),
    (IPv4Network("198.18.0.0/15"), "a reserved address"),
    (IPv4Network("224.0.0.0/4"), "a multicast address"),
    (IPv4Network("240.0.0.0/4"), "a reserved address"),
)
_IPV6 = (
    (IPv6Network("::1/128"), "this machine itself"),
    (IPv6Network("::/128"), "this machine itself"),
    (IPv6Network("::ffff:0:0/96"), "an IPv4 address in disguise"),
    (IPv6Network("64:ff9b::/96"), "an IPv4 address in disguise"),
    (IPv6Network("64:ff9b:1::/48"), "an IPv4 address in disguise"),
    (IPv6Network("2002::/16"), "an IPv4 address in disguise"),
    (IPv6Network("2001::/32"), "an IPv4 address in disguise"),
    (IPv6Network("fc00::/7"), "a private network"),
    (IPv6Network("fec0::/10"), "a private network"),
    (IPv6Network("fe80::/10"), "a link-local address"),
    (IPv6Network("ff00::/8"), "a multicast address"),
    (IPv6Network("2001:db8::/32"), "a documentation address"),
    (IPv6Network("3fff::/20"), "a documentation address"),
    (IPv6Network("2001::/23"), "a reserved address"),
)
_IPV6_GLOBAL = IPv6Network("2000::/3")
# The last 64 bits of an ISATAP address begin with one of these and end with an IPv4 address (RFC 5214, 6.1).
_ISATAP = frozenset({0x0000_5EFE, 0x0200_5EFE})


def what_is_wrong_with(address: Address) -> str | None:
    """What a bot has no business at, such as "a private network"; `None` for a public address."""
    if isinstance(address, IPv4Address):
        return next((words for network, words in _IPV4 if address in network), None)
    if words := next((words for network, words in _IPV6 if address in network), None):
        return words
    if int(address) >> 32 & 0xFFFF_FFFF in _ISATAP:
        return "an IPv4 address in disguise"
    # A zone (`%eth0`) picks a network of this machine, which public addresses have no need of.
    return None if address in _IPV6_GLOBAL and address.scope_id is None else "a reserved address"
