"""The audience of a room: many WebSockets on one thread, and whether each of them saw the whole log.

A process of its own, so that its work is not counted as the server's: `python -m bench.sockets`, with an `Audience` as
one line of JSON on its standard input. It prints `{"ready": N}` when all have caught up, and one `Heard` when every
socket has seen so many answers end.
"""

import asyncio
import sys
from typing import Any, Final

import msgspec
import uvloop
from websockets.asyncio.client import connect

TIMEOUT_S: Final = 120.0


class Audience(msgspec.Struct, kw_only=True):
    """Whom to be: one socket for each token, on one thread."""

    port: int
    thread_id: str
    tokens: list[str]
    answers: int
    """How many answers to hear to their end."""


class Heard(msgspec.Struct, kw_only=True):
    """What all sockets heard together, presence not counted."""

    events: int
    disordered: int
    """Events that were missing, double or out of order."""


class _Line(msgspec.Struct):
    type: str
    seq: int = 0


_decode = msgspec.json.Decoder(_Line).decode


async def main(audience: Audience) -> None:
    """Open the sockets, say that they are, and listen."""
    ready = asyncio.Semaphore(0)
    gate = asyncio.Semaphore(20)
    tasks = [asyncio.ensure_future(listen(audience, token, gate, ready)) for token in audience.tokens]
    for _ in tasks:
        await ready.acquire()
    print(msgspec.json.encode({"ready": len(tasks)}).decode(), flush=True)
    heard = await asyncio.wait_for(asyncio.gather(*tasks), TIMEOUT_S)
    total = Heard(events=sum(one.events for one in heard), disordered=sum(one.disordered for one in heard))
    print(msgspec.json.encode(total).decode(), flush=True)


async def listen(audience: Audience, token: str, gate: asyncio.Semaphore, ready: asyncio.Semaphore) -> Heard:
    """Be one of them until the last answer is over."""
    address = f"ws://127.0.0.1:{audience.port}/v1/threads/{audience.thread_id}/socket?token={token}&after=now"
    async with gate:
        socket = await connect(address, compression=None, max_size=None, open_timeout=TIMEOUT_S)
    async with socket:
        return await hear(socket, audience.answers, ready)


async def hear(socket: Any, answers: int, ready: asyncio.Semaphore) -> Heard:
    """Count what comes over one socket."""
    heard, seq, ended = Heard(events=0, disordered=0), 0, 0
    while ended < answers:
        line = _decode(await socket.recv(decode=False))
        if line.type == "caught_up":
            seq = line.seq
            ready.release()
        elif line.seq:
            heard.events += 1
            heard.disordered += line.seq != seq + 1
            seq = line.seq
            ended += line.type == "run.completed"
    return heard


if __name__ == "__main__":
    uvloop.run(main(msgspec.json.decode(sys.stdin.readline(), type=Audience)))
