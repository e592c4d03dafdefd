"""How often somebody may try to sign in, by address and in all, on one node.

Keys and links have 256 random bits, so there is nothing to guess; what is bounded is the work that trying makes.
Nothing is remembered of who succeeds. Memory is constant: addresses share a fixed number of places, by a hash that
nobody outside knows, so that two who fail a lot may hinder each other and nobody can choose whom he hinders.
"""

import hashlib
import math
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv6Address, ip_address, ip_network

from threadline.api.pace import Pace
from threadline.clock import Clock
from threadline.errors import RateLimited
from threadline.limits import (
    SIGN_IN_FAILURES_ALL_BURST,
    SIGN_IN_FAILURES_ALL_PER_SECOND,
    SIGN_IN_FAILURES_BURST,
    SIGN_IN_FAILURES_PER_SECOND,
    SIGN_IN_PLACES,
)

IPV6_PREFIX = 64
"""What one customer of a provider has to himself: whoever has one address of it has all of them."""


class Attempts:
    """The attempts of one node."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._all = Pace(clock, SIGN_IN_FAILURES_ALL_PER_SECOND, SIGN_IN_FAILURES_ALL_BURST)
        self._places: dict[int, Pace] = {}
        self._secret = secrets.token_bytes(16)

    @contextmanager
    def trying(self, address: str | None) -> Iterator[None]:
        """Let somebody try. Only what raises has cost him something.

        Raises RateLimited, with the seconds until he may try again.
        """
        mine = self._place_of(address or "")
        for pace in (mine, self._all):
            if not pace.allows():
                if pace is self._all:
                    mine.give_back()
                raise RateLimited("Too many attempts to sign in.", retry_after=math.ceil(pace.seconds_left))
        # Taken before the attempt and not after it: a hundred at once are a hundred.
        yield
        mine.give_back()
        self._all.give_back()

    def _place_of(self, address: str) -> Pace:
        digest = hashlib.blake2b(_network_of(address).encode(), key=self._secret, digest_size=8).digest()
        place = int.from_bytes(digest) % SIGN_IN_PLACES
        if place not in self._places:
            self._places[place] = Pace(self._clock, SIGN_IN_FAILURES_PER_SECOND, SIGN_IN_FAILURES_BURST)
        return self._places[place]


def _network_of(address: str) -> str:
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ip_network((found, IPV6_PREFIX), strict=False))
