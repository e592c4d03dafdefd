"""Which addresses tools may reach: every way that is known to write, wrap or rename a private one."""

import asyncio
import socket
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from support.waiting import PATIENCE_SECONDS
from threadline.errors import InvalidRequest, SettingsRefused
from threadline.tools.network import AddressRefused, Guard, is_public

PRIVATE = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "240.0.0.1",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:a9fe:a9fe",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2001:0:7f00:1::1",
    "2001:db8::1",
    "no address",
    "",
]
PUBLIC = ["1.1.1.1", "93.184.215.14", "2606:4700:4700::1111", "64:ff9b::101:101", "::ffff:1.1.1.1"]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_private(address: str) -> None:
    """Loopback, private, link-local, metadata, multicast; as IPv4, mapped, compatible, NAT64, 6to4 and Teredo."""
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_public(address: str) -> None:
    """Or nothing could be reached."""
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/hook",
        "https://127.0.0.1/",
        "https://[::1]:8443/",
        "https://[::ffff:169.254.169.254]/",
        "https://user:secret@shop.example/",
        "https://shop.example/#part",
        "https:///path",
        "ftp://shop.example/",
        "shop.example",
        "https://shöp.example/",
        "https://shop.example/\nx",
        "https://shop.example:99999/",
        "https://[fe80::1%25eth0]/",
        "https://" + "a" * 3000,
    ],
)
def test_urls_that_are_refused(url: str) -> None:
    """When a tool is registered; without repeating what may be a secret."""
    with pytest.raises(InvalidRequest) as refused:
        Guard([]).check_url(url)
    assert "secret@" not in refused.value.detail
    assert refused.value.extra["pointer"] == "/url"


@pytest.mark.parametrize("url", ["https://shop.example/a?b=c", "https://shop.example:8443/", "https://1.1.1.1/"])
def test_urls_that_are_taken(url: str) -> None:
    """Https to a name or a public address."""
    assert str(Guard([]).check_url(url)) == url


@pytest.mark.parametrize(
    ("entry", "meets", "not_meets"),
    [
        ("tools.internal", ["http://tools.internal/", "http://TOOLS.internal:81/"], ["http://x.tools.internal/"]),
        ("*.internal", ["http://a.b.internal/"], ["http://internal/", "http://evilinternal/"]),
        ("tools.internal:9000", ["http://tools.internal:9000/"], ["http://tools.internal/"]),
        ("127.0.0.1:9000", ["http://127.0.0.1:9000/"], ["http://127.0.0.1:9001/", "http://localhost:9000/"]),
        ("10.1.0.0/16", ["https://10.1.2.3/", "http://10.1.2.3/"], ["https://10.2.0.1/"]),
        ("[::1]:9000", ["http://[::1]:9000/"], ["http://[::1]/"]),
        ("::1", ["http://[::1]/"], ["http://[::2]/"]),
    ],
)
def test_an_operator_opens_doors(entry: str, meets: list[str], not_meets: list[str]) -> None:
    """By name, by address, by network, each with a port or without; and not one door more."""
    guard = Guard([entry])
    for url in meets:
        guard.check_url(url)
    for url in not_meets:
        with pytest.raises(InvalidRequest):
            guard.check_url(url)


@pytest.mark.parametrize("entry", ["", "http://x", ":80"])
def test_entries_that_mean_nothing_are_refused(entry: str) -> None:
    """At the start, and not when somebody's tool does not work."""
    with pytest.raises(SettingsRefused):
        Guard([entry])


@pytest.fixture
async def port() -> Any:
    """A server on loopback that answers whoever reaches it."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(text="reached")

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


async def reach(guard: Guard, url: str, addresses: list[str] | None = None) -> str:
    """Make a request; `addresses` is what the name means at the moment of the connection."""
    connector = guard.connector(URL(url))
    if addresses is not None:

        async def resolve(host: str, port: int = 0, family: int = 0) -> list[dict[str, Any]]:
            return [
                {
                    "hostname": host,
                    "host": address,
                    "port": port,
                    "family": socket.AF_INET6 if ":" in address else socket.AF_INET,
                    "proto": 0,
                    "flags": 0,
                }
                for address in addresses
            ]

        connector._resolver.resolve = resolve  # type: ignore[method-assign]
    async with aiohttp.ClientSession(connector=connector) as session, session.get(url) as response:
        return await response.text()


@pytest.mark.parametrize("address", ["127.0.0.1", "::ffff:127.0.0.1"])
async def test_a_name_that_means_a_private_address_is_refused_when_connecting(port: int, address: str) -> None:
    """Whatever it meant when the tool was registered (DNS rebinding); by the socket, not by the name."""
    with pytest.raises(aiohttp.ClientConnectorError) as refused:
        await reach(Guard([]), f"http://rebound.example:{port}/", [address])
    assert isinstance(refused.value.os_error, AddressRefused)
    assert str(port) not in str(refused.value.os_error)


async def test_odd_ways_to_write_loopback_are_refused(port: int) -> None:
    """The system's resolver takes numbers, octals and short forms for addresses."""
    for host in ("2130706433", "0x7f.1", "127.1", "localhost", "127.0.0.1", "0"):
        with pytest.raises((aiohttp.ClientConnectorError, aiohttp.InvalidURL)) as refused:
            await reach(Guard([]), f"http://{host}:{port}/")
        if isinstance(refused.value, aiohttp.ClientConnectorError):
            assert isinstance(refused.value.os_error, AddressRefused), host


async def test_what_is_allowed_is_reached(port: int) -> None:
    """By name, wherever it leads; by network, under whatever name."""
    assert await reach(Guard(["tools.internal"]), f"http://tools.internal:{port}/", ["127.0.0.1"]) == "reached"
    assert await reach(Guard(["127.0.0.0/8"]), f"http://any.example:{port}/", ["127.0.0.1"]) == "reached"
    assert await reach(Guard([f"127.0.0.1:{port}"]), f"http://127.0.0.1:{port}/") == "reached"


async def test_one_private_address_among_public_ones_is_not_tried(port: int) -> None:
    """Each address is looked at by itself."""
    with pytest.raises(aiohttp.ClientConnectorError):
        async with asyncio.timeout(PATIENCE_SECONDS):
            await reach(Guard([]), f"http://both.example:{port}/", ["127.0.0.1", "127.0.0.2"])
