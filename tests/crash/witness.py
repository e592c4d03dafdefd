"""What clients saw, and clients who write everything down: they send, read, come back, and never give up."""

import asyncio
import random
from dataclasses import dataclass, field
from typing import Any

from support.client import ENDINGS, LOST, Client
from support.sse import Frame

AWAY_SECONDS = 0.03
"""Before a client tries again whose server is gone. Whoever has several servers can wait a little longer."""


@dataclass
class Send:
    """One send of one person. `run_ids` and `message_ids` are what the server has acknowledged it with, each time."""

    thread_id: str
    key: str
    body: dict[str, Any]
    tries: int = 0
    run_ids: list[str | None] = field(default_factory=list)
    message_ids: list[str] = field(default_factory=list)
    may_come_late: bool = False
    """Whether one of its requests may still lie before a server that stands still."""

    @property
    def is_acknowledged(self) -> bool:
        """Whether the server has said that it has it."""
        return bool(self.run_ids)


@dataclass
class Reading:
    """What one reader of a thread saw over all of its connections. `seqs` are in the order of their arrival."""

    thread_id: str
    seqs: list[int] = field(default_factory=list)


@dataclass
class RunReading:
    """What one connection to the stream of a run saw, and how it ended."""

    run_id: str
    events: list[str]
    ending: str


@dataclass
class Seen:
    """All that anybody saw."""

    sends: list[Send] = field(default_factory=list)
    frames: list[tuple[str, Frame]] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    run_readings: list[RunReading] = field(default_factory=list)
    states: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Stored:
    """What a thread holds in the end, as its addresses tell it."""

    log: list[Frame]
    history: list[dict[str, Any]]
    state: dict[str, Any]
    runs: dict[str, dict[str, Any]]


class Crowd:
    """People at their threads, until `is_over`. With `servers_stall`, a request that was given up may still be done."""

    def __init__(
        self,
        client: Client,
        seen: Seen,
        source: random.Random,
        away_seconds: float = AWAY_SECONDS,
        servers_stall: bool = False,
    ) -> None:
        self.is_over = False
        self._away_seconds = away_seconds
        self._servers_stall = servers_stall
        self._client = client
        self._seen = seen
        self._source = source

    async def person(self, thread_id: str) -> None:
        """Send one message after the other, each until it is acknowledged (most of them), some in a hurry."""
        number = 0
        while not self.is_over:
            send = Send(thread_id, f"{thread_id}-{number}", self._body(number))
            self._seen.sends.append(send)
            await self._deliver(send)
            number += 1
            await asyncio.sleep(self._source.uniform(0, 0.6))

    async def reader(self, thread_id: str) -> None:
        """Follow a thread; after every break go on with the id of the last frame."""
        reading = Reading(thread_id)
        self._seen.readings.append(reading)
        while not self.is_over:
            try:
                last = reading.seqs[-1] if reading.seqs else None
                async with self._client.events(thread_id, last_event_id=last) as stream:
                    await self._read_for_a_while(stream, reading)
                if stream.ending == "clean":
                    self._seen.mistakes.append(f"the stream of {thread_id} ended cleanly")
            except LOST:
                await asyncio.sleep(self._away_seconds)

    async def onlooker(self, thread_id: str) -> None:
        """Load the state of a thread now and then."""
        while not self.is_over:
            try:
                state = await self._client.state(thread_id)
            except LOST:
                await asyncio.sleep(self._away_seconds)
                continue
            self._seen.states.append((thread_id, state))
            await asyncio.sleep(self._source.uniform(0.05, 0.3))

    def _body(self, number: int) -> dict[str, Any]:
        if self._source.random() < 0.1:
            return {"content": f"note {number}", "respond": False}
        words, pace = self._source.randint(5, 90), self._source.choice([60, 120, 400])
        return {"content": f"question {number}", "model": f"demo/count-{words}@{pace}"}

    async def _deliver(self, send: Send) -> None:
        """Send until acknowledged. One in ten loses patience at the first break: nobody will ever know."""
        is_patient = self._source.random() > 0.1
        while not (self.is_over and send.tries):
            send.tries += 1
            try:
                await self._try(send)
            except LOST:
                send.may_come_late = self._servers_stall
                if send.is_acknowledged or not is_patient:
                    return
                await asyncio.sleep(self._away_seconds)
            else:
                # Sometimes a client asks again although it was told: an answer that got lost on its way.
                if self._source.random() > 0.15:
                    return

    async def _try(self, send: Send) -> None:
        path = f"/v1/threads/{send.thread_id}/messages"
        headers = {"idempotency-key": send.key}
        form = self._source.choice(["stream", "stream", "background", "wait"])
        if form != "stream" or "respond" in send.body:
            body = {**send.body, "background": form == "background"}
            answer = await self._client.post(path, body, headers=headers)
            assert answer.status in (200, 201, 202), answer.body
            self._acknowledge(send, answer.json["run"] and answer.json["run"]["id"], answer.json["message"]["id"])
            return
        async with self._client.open("POST", path, {**send.body, "stream": True}, headers) as stream:
            run_id = stream.headers["x-threadline-run-id"]
            send.run_ids.append(run_id)
            await self._read_run(send, run_id, stream)

    async def _read_run(self, send: Send, run_id: str, stream: Any) -> None:
        stays = self._source.random() > 0.3
        async for frame in stream:
            self._seen.frames.append((send.thread_id, frame))
            if frame.event == "run.queued":
                send.message_ids.append(frame.data["run"]["input_message_id"])
            if not stays and frame.event == "message.delta":
                return
        self._seen.run_readings.append(RunReading(run_id, stream.events(), stream.ending))

    async def _read_for_a_while(self, stream: Any, reading: Reading) -> None:
        frames = self._source.choice([20, 200, 10**9])
        async for frame in stream:
            if frame.id is not None:
                reading.seqs.append(frame.id)
                self._seen.frames.append((reading.thread_id, frame))
                frames -= 1
            if self.is_over or not frames:
                return

    @staticmethod
    def _acknowledge(send: Send, run_id: str | None, message_id: str) -> None:
        send.run_ids.append(run_id)
        send.message_ids.append(message_id)


async def all_settled(client: Client, thread_ids: list[str]) -> bool:
    """Whether no thread has a run that goes or waits."""
    try:
        states = [await client.state(thread_id) for thread_id in thread_ids]
    except LOST:
        return False
    return not any(state["runs"] for state in states)


async def stored_of(client: Client, thread_id: str) -> Stored:
    """Read everything that a thread holds."""
    log = await client.log(thread_id)
    run_ids = [frame.data["run"]["id"] for frame in log if frame.event == "run.queued"]
    runs = {run_id: await client.run(run_id) for run_id in run_ids}
    history: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = (await client.get(f"/v1/threads/{thread_id}/messages?order=asc&limit=200{cursor}")).ok(200)
        history += page["data"]
        if not page["has_more"]:
            return Stored(log, history, await client.state(thread_id), runs)
        cursor = f"&cursor={page['next_cursor']}"


__all__ = ["ENDINGS", "Crowd", "Reading", "RunReading", "Seen", "Send", "Stored", "all_settled", "stored_of"]
