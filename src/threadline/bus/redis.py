"""The bus on Redis or Valkey: one pub/sub channel for each installation. Nothing is stored there."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from threadline.bus.remote import ANSWER_SECONDS, RemoteBus, Say


class RedisBus(RemoteBus):
    """One node on the channel `{prefix}:nudges`. Raises ValueError for an address that is none."""

    def __init__(self, url: str, prefix: str) -> None:
        super().__init__()
        parse_url(url)
        self._url = url
        self._channel = f"{prefix}:nudges"

    @asynccontextmanager
    async def _connected(self, hear: Callable[[str], None], lost: Callable[[], None]) -> AsyncIterator[Say]:
        # Whoever connects again after a break is `RemoteBus`; the library would do it without a word.
        client = Redis.from_url(
            self._url,
            decode_responses=True,
            socket_timeout=ANSWER_SECONDS,
            socket_connect_timeout=ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 0),
            client_name="threadline",
        )
        try:
            channels = client.pubsub(ignore_subscribe_messages=False)
            await channels.subscribe(self._channel)
            # The answer to it: from here on nothing is missed.
            await channels.get_message(timeout=ANSWER_SECONDS)
            listening = asyncio.create_task(_listen(channels, hear))
            listening.add_done_callback(lambda _: lost())

            async def say(message: str) -> None:
                if listening.done():
                    await listening
                if message:
                    await client.publish(self._channel, message)
                else:
                    await client.ping()

            try:
                yield say
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)
                await channels.aclose()  # type: ignore[no-untyped-call]
        finally:
            await client.aclose()


async def _listen(channels: PubSub, hear: Callable[[str], None]) -> None:
    async for message in channels.listen():
        if message["type"] == "message":
            hear(message["data"])
