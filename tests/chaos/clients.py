"""Clients of several nodes: each request goes to any of them, and whoever is silent for too long is left."""

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import aiohttp

from crash.witness import Crowd, Seen, Send
from support.client import LOST, Answer, Client
from support.sse import Frame

ANSWER_SECONDS = 8.0
"""How long a client waits for a whole answer before it asks another node."""

SILENCE_SECONDS = 3.0
"""How long a reader hears nothing before it goes to another node. Heartbeats come every 15 s, so it is impatient."""


LONG = "demo/count-150@50"
"""Three seconds of words: long enough for somebody to pull a plug."""

REFUSED_SECONDS = 60.0
"""Within this a node that cannot reach its database says so: it waits for an answer, and then for a new connection."""


class Refused(ConnectionError):
    """A node said that it cannot at the moment, in the form that the contract has for it."""


class Anywhere(Client):
    """A client that asks any node, another one each time. `refusals` counts the answers that were 503."""

    def __init__(self, urls: Sequence[str], key: str, source: random.Random) -> None:
        super().__init__(urls, key)
        self.refusals = 0
        self._source = source

    async def __aenter__(self) -> "Anywhere":
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=SILENCE_SECONDS, sock_read=SILENCE_SECONDS),
            read_bufsize=2**20,
        )
        return self

    def place(self) -> str:
        """Return the address of any node."""
        return self._source.choice(self.urls)

    def refused(self, answer: Answer) -> Exception:
        """Return what a client that comes back later takes for a broken connection; all else is a mistake."""
        if answer.status != 503:
            return super().refused(answer)
        self.refusals += 1
        said = answer.json
        assert said["code"] in ("unavailable", "shutting_down"), said
        assert said["retryable"], said
        assert int(answer.headers["retry-after"]) >= 1, "a refusal says when to come again"
        return Refused(said["code"])

    async def request(self, *what: Any, **options: Any) -> Answer:
        """Send a request and read its whole answer. Raises Refused."""
        answer = await super().request(*what, **{"seconds": ANSWER_SECONDS, **options})
        if answer.status == 503:
            raise self.refused(answer)
        return answer


class Crossed:
    """People who change their minds: they cancel runs of others through any node. `tried` are the runs they were after."""

    def __init__(self, client: Client, crowd: Crowd, seen: Seen, source: random.Random) -> None:
        self.tried: set[str] = set()
        self._client = client
        self._crowd = crowd
        self._seen = seen
        self._source = source

    async def canceller(self, thread_id: str) -> None:
        """Cancel the newest run that was acknowledged, now and then."""
        while not self._crowd.is_over:
            await asyncio.sleep(self._source.uniform(1, 4))
            sent = [send for send in self._seen.sends if send.thread_id == thread_id and send.is_acknowledged]
            run_id = sent[-1].run_ids[0] if sent else None
            if run_id is None:
                continue
            self.tried.add(run_id)
            with suppress(*LOST):
                answer = await self._client.post(f"/v1/runs/{run_id}/cancel")
                assert answer.status == 200, answer.body


class Person:
    """Somebody who sends to a thread and writes down what comes back."""

    def __init__(self, thread_id: str, seen: Seen | None = None) -> None:
        self.seen = Seen() if seen is None else seen
        self.thread_id = thread_id

    async def sends(self, client: Client, key: str, model: str) -> Answer:
        """Send in the background through this node, with this key."""
        send = next((send for send in self.seen.sends if send.key == key), None)
        if send is None:
            send = Send(self.thread_id, key, {"content": key, "model": model})
            self.seen.sends.append(send)
        send.tries += 1
        answer = await client.post(
            f"/v1/threads/{self.thread_id}/messages",
            {**send.body, "background": True},
            headers={"idempotency-key": key},
            seconds=REFUSED_SECONDS,
        )
        if answer.status == 202:
            send.run_ids.append(answer.json["run"]["id"])
            send.message_ids.append(answer.json["message"]["id"])
        return answer

    def sees(self, frames: list[Frame]) -> None:
        """Write down what came over a stream."""
        self.seen.frames += [(self.thread_id, frame) for frame in frames if frame.id is not None]
