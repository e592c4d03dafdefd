"""Bad weather: a log behind a server that breaks at random, from one seed, and a reader who must not notice."""

import asyncio
import random
from collections.abc import Callable

import pytest

from threadline.client import Backoff

from . import wire_samples as wire
from .scripted_server import Exchange, ScriptedServer, hang_up, problem, reply
from .speakers import Speaker

Connect = Callable[..., Speaker]

PIECES = tuple(f"word{number} " for number in range(40))
FRAMES = wire.answered(*PIECES)


class BadWeather:
    """Serves one run as the contract has it, and breaks each connection in some way, more often than not.

    A send before the first one that got through is refused or lost; the same key is attached to the same run.
    """

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.keys: set[str] = set()

    async def __call__(self, exchange: Exchange) -> None:
        if exchange.seen.method == "POST":
            self.keys.add(exchange.seen.headers["idempotency-key"])
        kind = self.chance.choice(["flow", "flow", "flow", "hang up", "503", "429", "502", "restart"])
        match kind:
            case "hang up":
                await hang_up(exchange)
            case "503":
                await problem(503, "unavailable", {"retry-after": "0"}, retryable=True)(exchange)
            case "429":
                await problem(429, "rate_limited", {"retry-after": "0.01"}, retryable=True)(exchange)
            case "502":
                await reply(502)(exchange)
            case "restart":
                await self._flow(exchange)
                exchange.server.vanish()
                await asyncio.sleep(self.chance.uniform(0, 0.03))
                await exchange.server.start()
            case _:
                await self._flow(exchange)

    async def _flow(self, exchange: Exchange) -> None:
        """Send some of what is after the cursor, in pieces that respect no frame, and break off."""
        cursor = int(exchange.seen.headers.get("last-event-id", "0"))
        if self.chance.random() < 0.1:
            cursor = 0  # A replay of everything is allowed, and must not be noticed.
        body = b"retry: 1\n\n" + b"".join(each for each in FRAMES if wire.seq_of(each) > cursor)
        body = body[: self.chance.randrange(1, 2000)] if self.chance.random() < 0.9 else body
        await exchange.begin(headers=wire.RUN_HEADERS if self.chance.random() < 0.8 else {})
        while body:
            size = self.chance.randrange(1, 400)
            await exchange.piece(body[:size])
            body = body[size:]
        match self.chance.choice(["end", "cut", "reset"]):
            case "end":
                await exchange.end()
            case "cut":
                exchange.cut()
            case _:
                exchange.reset()


@pytest.mark.parametrize("seed", range(8))
async def test_no_weather_loses_or_repeats_a_word(server: ScriptedServer, connect: Connect, seed: int) -> None:
    """Every event once and in order, one key for all tries, whatever the seed does to the connections."""
    weather = BadWeather(seed)
    server.otherwise = weather
    speaker = connect(backoff=Backoff(seconds_first=0.001, seconds_max=0.005))
    happened = await speaker.collect(lambda client: client.threads.send("thr_1", "hello"))
    assert [event.seq for event in happened] == [wire.seq_of(each) for each in FRAMES]
    assert "".join(event.text for event in happened if event.type == "message.delta") == "".join(PIECES)
    assert len(weather.keys) == 1
