"""Which addresses a tenant's tools may reach: public ones, and what the operator has allowed.

Checked where a connection is made, on the address that it is made to: a name that means something else by then (DNS
rebinding) gains nothing. Redirects are not followed.
"""

import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

import aiohttp
from msgspec import Struct
from yarl import URL

from threadline.errors import InvalidRequest, SettingsRefused
from threadline.limits import TOOL_URL_CHARS_MAX

Address = IPv4Address | IPv6Address

_CLOSED = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8",
            "100.64.0.0/10",  # Carriers' own, and a cloud's metadata.
            "168.63.129.16/32",  # A cloud's host agent behind a public address.
            "192.0.0.0/24",
            "192.88.99.0/24",
            "198.18.0.0/15",
            "240.0.0.0/4",
            "64:ff9b:1::/48",  # NAT64 of a network's own: nobody knows what it translates to.
            "fec0::/10",
        ),
    )
)
"""Not public, whatever the version of Python says of them."""

_INSIDE = (".localhost", ".local", ".internal", ".lan", ".home.arpa", ".svc")
"""Endings of names that mean something within a network only."""

_NAT64 = ip_network("64:ff9b::/96")
_COMPATIBLE = ip_network("::/96")


class AddressRefused(OSError):
    """A tool was about to connect to an address that it may not reach."""

    def __init__(self) -> None:
        # The same words for every address: they reach the model, which need not know our network.
        super().__init__("This address may not be reached.")


class Allowed(Struct, frozen=True):
    """One entry of `allowed_hosts`: a name, `*.name`, an address or a network, each with a port or without."""

    host: str | IPv4Network | IPv6Network
    port: int | None = None

    def meets(self, host: str, address: str | None, port: int | None) -> bool:
        """Whether this entry opens the way to an address, or to a name whose address is not known yet."""
        if self.port is not None and self.port != port:
            return False
        if isinstance(self.host, str):
            name = host.rstrip(".").lower()
            return name.endswith(self.host[1:]) if self.host.startswith("*.") else name == self.host
        found = _parsed(address or host)
        return found is not None and found in self.host


class Guard:
    """The door to the network."""

    def __init__(self, allowed_hosts: Sequence[str]) -> None:
        """Read the setting. Raises SettingsRefused."""
        self._allowed = [_allowed(entry) for entry in allowed_hosts]

    def check_url(self, text: str) -> URL:
        """Look at a URL before it is stored or used. Returns it taken apart.

        Raises:
            InvalidRequest: not https, with a password in it, or an address that may not be reached.
        """
        try:
            url = URL(text)
            host, port = url.host, url.port
        except ValueError as error:
            raise InvalidRequest(f"This is no URL: {error}.", pointer="/url") from error
        if len(text) > TOOL_URL_CHARS_MAX or not text.isascii() or not text.isprintable() or not host:
            raise InvalidRequest("A URL is https://host/path in ASCII.", pointer="/url")
        if url.user is not None or url.password is not None or url.fragment:
            raise InvalidRequest("A URL has no password and no fragment; secrets go into `headers`.", pointer="/url")
        if url.scheme != "https" and not (url.scheme == "http" and self.is_allowed(host, None, port)):
            raise InvalidRequest("A URL begins with https://.", pointer="/url")
        if _parsed(host) is not None and not self.may_reach(host, host, port):
            raise InvalidRequest(str(AddressRefused()), pointer="/url")
        return url

    def may_reach(self, host: str, address: str, port: int | None) -> bool:
        """Whether a connection to this address, found under this name, may be made."""
        return is_public(address) or self.is_allowed(host, address, port)

    def may_hand_on(self, text: str) -> bool:
        """Whether somebody else may be told to fetch this: no address that is plainly private, unless it is allowed.

        Whoever fetches it resolves its name, and has to see to that himself; a server of the operator's own may not.
        """
        try:
            url = URL(text)
            host, port = url.host, url.port
        except ValueError:
            return False
        if not host or url.user is not None or url.password is not None:
            return False
        name = host.rstrip(".").lower()
        if _parsed(name) is not None:
            return self.may_reach(name, name, port)
        # An address may be written as a number too, which no name of the public internet ends with.
        last = name.rpartition(".")[2]
        is_inside = "." not in name or name.endswith(_INSIDE) or last.isdigit() or last.startswith("0x")
        return not is_inside or self.is_allowed(name, None, port)

    def is_allowed(self, host: str, address: str | None, port: int | None) -> bool:
        """Whether the operator has allowed this name or address by `allowed_hosts`."""
        return any(entry.meets(host, address, port) for entry in self._allowed)

    def connector(self, url: URL) -> aiohttp.TCPConnector:
        """Return a connector for one host, which refuses addresses that it may not reach."""
        host, port = url.host or "", url.port

        def checked(info: Any) -> socket.socket:
            family, kind, protocol, _, (address, *_) = info
            if not self.may_reach(host, address, port):
                raise AddressRefused
            return socket.socket(family, kind, protocol)

        return aiohttp.TCPConnector(socket_factory=checked, limit_per_host=0, ttl_dns_cache=10)


def is_public(text: str) -> bool:
    """Say whether an address is one of the public internet, whatever other address is wrapped in it."""
    address = _parsed(text)
    return address is not None and all(map(_is_public, (address, *_wrapped(address))))


def _is_public(address: Address) -> bool:
    return address.is_global and not address.is_multicast and not any(address in network for network in _CLOSED)


def _parsed(text: str) -> Address | None:
    try:
        address = ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return None
    # The other way to write an IPv4 address.
    return getattr(address, "ipv4_mapped", None) or address


def _wrapped(address: Address) -> list[Address]:
    """Return the IPv4 addresses that a tunnel or a translator would make of an IPv6 one."""
    if isinstance(address, IPv4Address):
        return []
    found: list[Address | None] = [address.sixtofour, *(address.teredo or ())]
    if address in _NAT64 or address in _COMPATIBLE:
        found.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return [each for each in found if each is not None]


def _allowed(entry: str) -> Allowed:
    host, colon, port = entry.strip().lower().rpartition(":")
    if not colon or not port.isdigit() or (":" in host and not host.endswith("]")):
        host, port = entry.strip().lower(), ""
    if not host or "//" in host:
        raise SettingsRefused(f"allowed_hosts takes names, addresses and networks, and {entry!r} is none of them.")
    number = int(port) if port else None
    try:
        return Allowed(ip_network(host.strip("[]"), strict=False), number)
    except ValueError:
        return Allowed(host.rstrip("."), number)
