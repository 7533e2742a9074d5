"""The guard: no URL, however it is written or redirected, leads to an address that is not public."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from support.internet import PUBLIC, Connection, Internet
from support.tool_context import tool_context

from tools import ToolFailed, ToolRetry
from tools._web.addresses import what_is_wrong_with
from tools._web.browser import Browser

HERE = "this machine itself"
PRIVATE = "a private network"
LINK_LOCAL = "a link-local address"
DISGUISED = "an IPv4 address in disguise"
RESERVED = "a reserved address"
EXAMPLE = "a documentation address"
INNER_NAME = "a name of an inner network"
NUMBERS = "usual form"
BAD_NAME = "not a valid name"
BAD_URL = "not a web address"

HOSTILE = {
    "http://127.0.0.1/": HERE,
    "http://127.8.9.10/": HERE,
    "http://0.0.0.0/": HERE,
    "http://[::1]/": HERE,
    "http://[::]/": HERE,
    "http://[0:0:0:0:0:0:0:1]/": HERE,
    "http://10.0.0.5/": PRIVATE,
    "http://172.31.255.254/": PRIVATE,
    "http://192.168.1.1/": PRIVATE,
    "http://[fc00::1]/": PRIVATE,
    "http://[fd00:ec2::254]/latest/meta-data/": PRIVATE,
    "http://[fec0::1]/": PRIVATE,
    "http://169.254.169.254/latest/meta-data/": LINK_LOCAL,
    "http://169.254.170.2/v2/credentials": LINK_LOCAL,
    "http://[fe80::1]/": LINK_LOCAL,
    "http://[fe80::1%25eth0]/": LINK_LOCAL,
    "http://[2606:4700::1111%25lo]/": RESERVED,
    "http://100.64.0.1/": "a provider's inner network",
    "http://100.100.100.200/latest/meta-data/": "a provider's inner network",
    "http://168.63.129.16/machine": "a cloud's inner service",
    "http://192.0.0.192/opc/v2/": RESERVED,
    "http://198.18.0.1/": RESERVED,
    "http://240.0.0.1/": RESERVED,
    "http://255.255.255.255/": RESERVED,
    "http://224.0.0.251/": "a multicast address",
    "http://[ff02::1]/": "a multicast address",
    "http://192.0.2.1/": EXAMPLE,
    "http://198.51.100.7/": EXAMPLE,
    "http://203.0.113.9/": EXAMPLE,
    "http://[2001:db8::1]/": EXAMPLE,
    "http://[3fff::1]/": EXAMPLE,
    "http://[::ffff:127.0.0.1]/": DISGUISED,
    "http://[::ffff:a9fe:a9fe]/": DISGUISED,
    "http://[64:ff9b::7f00:1]/": DISGUISED,
    "http://[64:ff9b:1::a00:1]/": DISGUISED,
    "http://[2002:7f00:1::]/": DISGUISED,
    "http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/": DISGUISED,
    "http://[2606:4700::5efe:10.0.0.1]/": DISGUISED,
    "http://[2606:4700::200:5efe:7f00:1]/": DISGUISED,
    "http://[::127.0.0.1]/": RESERVED,
    "http://[2001:20::1]/": RESERVED,
    "http://[5f00::1]/": RESERVED,
    "http://[100::1]/": RESERVED,
    "http://2130706433/": NUMBERS,
    "http://017700000001/": NUMBERS,
    "http://0x7f000001/": NUMBERS,
    "http://0x7f.1/": NUMBERS,
    "http://127.1/": NUMBERS,
    "http://127.0.1/": NUMBERS,
    "http://0/": NUMBERS,
    "http://1.1.1.0x7f/": NUMBERS,
    "http://0177.0.0.1/": BAD_URL,
    "http://127.0.0.1./": HERE,
    "http://127\u30020\u30020\u30021/": HERE,
    "http://\uff11\uff12\uff17.\uff10.\uff10.\uff11/": BAD_URL,
    "http://\u2460\u2461\u2466.0.0.1/": BAD_URL,
    "http://127%2e0%2e0%2e1/": BAD_NAME,
    "http://localhost/": INNER_NAME,
    "http://LOCALHOST./": INNER_NAME,
    "http://admin.localhost/": INNER_NAME,
    "http://\uff4c\uff4f\uff43\uff41\uff4c\uff48\uff4f\uff53\uff54/": BAD_URL,
    "http://metadata.google.internal/": INNER_NAME,
    "http://printer.local/": INNER_NAME,
    "http://router.home.arpa/": INNER_NAME,
    "http://intranet/": INNER_NAME,
    "http://a..b/": BAD_NAME,
    "http://a%00b.test/": BAD_NAME,
    "http://exam ple.test/": BAD_NAME,
    "http://-a.test/": BAD_NAME,
    f"http://{'a' * 64}.test/": BAD_NAME,
    "http://site.test@127.0.0.1/": "before an @",
    "http://127.0.0.1%2f@site.test/": "before an @",
    "http://user:password@site.test/": "before an @",
    "http://site.test\\@127.0.0.1/": "before an @",
    "http://site.test:22/": "port 22",
    "http://site.test:6379/": "port 6379",
    "http://site.test:25/": "port 25",
    "http://site.test:0/": "port 0",
    "ftp://site.test/": "only http and https",
    "file:///etc/passwd": "only http and https",
    "gopher://127.0.0.1:6379/": "only http and https",
    "http:127.0.0.1": "only http and https",
    "http://loopback.test/": HERE,
    "https://loopback.test/": HERE,
    "http://private.test/": PRIVATE,
    "http://metadata.test/": LINK_LOCAL,
    "http://mapped.test/": DISGUISED,
    "http://half-private.test/": PRIVATE,
    "http://xn--e1afmkfd.test/": HERE,
}  # fmt: skip


async def names(internet: Internet) -> None:
    internet.host("site.test", PUBLIC)
    internet.host("loopback.test", "127.0.0.1")
    internet.host("private.test", "10.1.2.3")
    internet.host("metadata.test", "169.254.169.254")
    internet.host("mapped.test", "::ffff:10.0.0.1")
    internet.host("half-private.test", [PUBLIC, "192.168.0.1"])
    internet.host("xn--e1afmkfd.test", "::1")


async def opened(internet: Internet, url: str) -> str:
    """The text at `url`, or why it was not read."""
    try:
        return (await internet.browser().open(url, "threadloop")).text
    except (ToolFailed, ToolRetry) as error:
        return str(error)


@pytest.mark.parametrize(("url", "reason"), HOSTILE.items(), ids=ascii)
async def test_a_hostile_url_is_never_connected_to(url: str, reason: str) -> None:
    async with Internet() as internet:
        await names(internet)
        told = await opened(internet, url)
        assert internet.connections == []
        assert internet.requests == []
    assert reason in told


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("http://127.0.0.1/", HERE),
        ("http://169.254.169.254/latest/meta-data/", LINK_LOCAL),
        ("http://[::ffff:10.0.0.1]/", DISGUISED),
        ("//localhost/admin", INNER_NAME),
        ("http://2130706433/", NUMBERS),
        ("http://loopback.test/", HERE),
        ("http://user:password@site.test/", "before an @"),
        ("http://site.test:22/", "port 22"),
        ("file:///etc/passwd", ""),
        ("ftp://site.test/", ""),
    ],
)
async def test_a_redirect_to_a_private_place_ends_there(target: str, reason: str, status: int) -> None:
    async with Internet() as internet:
        await names(internet)
        internet.redirect("site.test/", target, status=status)
        told = await opened(internet, "http://site.test/")
        assert internet.connections == [Connection(PUBLIC, 80, "site.test", "site.test")]
    assert "not read" in told
    assert reason in told


async def test_a_name_that_changes_between_look_ups_is_connected_to_as_it_was_checked() -> None:
    async with Internet() as internet:
        internet.page("changing.test/", "<p>Hello</p>")
        internet.host("changing.test", PUBLIC, "127.0.0.1")
        assert await opened(internet, "https://changing.test/") == "Hello"
        assert internet.look_ups == ["changing.test"]
        assert internet.connections == [Connection(PUBLIC, 443, "changing.test", "changing.test")]


async def test_a_name_that_has_become_private_is_refused_at_the_redirect_to_itself() -> None:
    async with Internet() as internet:
        internet.redirect("changing.test/", "http://changing.test/again")
        internet.page("changing.test/again", "<p>Secret</p>")
        internet.host("changing.test", PUBLIC, "127.0.0.1")
        assert HERE in await opened(internet, "http://changing.test/")
        assert len(internet.connections) == 1


async def test_the_reason_does_not_tell_what_the_look_up_found() -> None:
    async with Internet() as internet:
        await names(internet)
        assert "10.1.2.3" not in await opened(internet, "http://private.test/")


async def test_the_usual_browser_refuses_private_addresses() -> None:
    async with tool_context() as context:
        browser = await Browser.of(context)
        assert await Browser.of(context) is browser
        with pytest.raises(ToolFailed, match=HERE):
            await browser.open("http://127.0.0.1/", "threadloop")


async def test_names_and_tls_stay_with_the_checked_address() -> None:
    async with Internet() as internet:
        internet.page("xn--bcher-kva.test:8443/", "<p>Books</p>")
        assert await opened(internet, "https://b\u00fccher.test:8443/") == "Books"
        assert internet.connections == [
            Connection(PUBLIC, 8443, "xn--bcher-kva.test", "xn--bcher-kva.test:8443"),
        ]


async def test_a_public_address_in_numbers_is_read() -> None:
    async with Internet() as internet:
        internet.page(f"{PUBLIC}/", "<p>Hello</p>")
        assert await opened(internet, f"http://{PUBLIC}/") == "Hello"


async def test_the_next_address_is_tried_when_one_is_dead() -> None:
    async with Internet() as internet:
        internet.page("site.test/", "<p>Hello</p>")
        internet.host("site.test", ["2606:4700::1111", PUBLIC])
        internet.dead.add("2606:4700::1111")
        assert await opened(internet, "http://site.test/") == "Hello"
        assert [connection.address for connection in internet.connections] == ["2606:4700::1111", PUBLIC]


async def test_only_some_dead_addresses_are_tried() -> None:
    dead = [f"93.184.216.{last}" for last in range(10, 20)]
    async with Internet() as internet:
        internet.host("site.test", dead)
        internet.dead.update(dead)
        assert "cannot be reached" in await opened(internet, "http://site.test/")
        assert len(internet.connections) == 3


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00::1"]
)
def test_public_addresses_have_nothing_wrong(address: str) -> None:
    assert what_is_wrong_with(ip_address(address)) is None
