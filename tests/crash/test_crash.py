"""The plug is pulled again and again, and promises 1 to 6 hold for everybody who was there."""

import asyncio
import os
import random
from pathlib import Path
from typing import Any

from support.client import Answer, Client
from support.fixtures import Installation, StartServer
from support.server import Server
from support.waiting import PATIENCE_SECONDS, patience, until

from .checker import broken_promises
from .witness import Crowd, Seen, all_settled, stored_of

ROUNDS = int(os.environ.get("THREADLINE_CRASH_ROUNDS", "10"))
SEED = int(os.environ.get("THREADLINE_CRASH_SEED", random.SystemRandom().randrange(10**6)))
THREADS = 6
PLUG = Path(__file__).with_name("plug")


class Patient(Client):
    """A client that takes a store without time, as one has it behind a kill -9, for a broken connection: it comes again."""

    def refused(self, answer: Answer) -> Exception:
        """Return the error for an answer that should have been a stream."""
        return ConnectionError(str(answer.body)) if answer.status == 503 else super().refused(answer)

    async def request(self, *what: Any, **options: Any) -> Answer:
        """Send a request and read its whole answer. Raises ConnectionError."""
        answer = await super().request(*what, **options)
        if answer.status == 503:
            raise self.refused(answer)
        return answer


async def test_nothing_that_anybody_saw_is_lost(make_server: StartServer, installation: Installation) -> None:
    """People send, readers read, and the server dies at random moments, in its start and between two exact steps.

    In the end everything that was seen is stored as it was seen, every acknowledged send happened once, every run
    ended once, and every answer is whole. `THREADLINE_CRASH_SEED` and `THREADLINE_CRASH_ROUNDS` choose another storm.
    """
    print(f"THREADLINE_CRASH_SEED={SEED} THREADLINE_CRASH_ROUNDS={ROUNDS}")
    source = random.Random(SEED)
    server = make_server(THREADLINE_ATTEMPTS_MAX="100").start()
    seen = Seen()
    async with Patient(server.url, installation.key) as client:
        thread_ids = [await client.thread() for _ in range(THREADS)]
        crowd = Crowd(client, seen, source)
        people = [
            asyncio.create_task(member(thread_id))
            for thread_id in thread_ids
            for member in (crowd.person, crowd.reader, crowd.reader, crowd.onlooker)
        ]
        for _ in range(ROUNDS):
            await _pull_the_plug(server, source)
        while not _has_struck(seen):
            # A storm that hit nothing would prove nothing; how much it hits is the machine's business too.
            await _pull_the_plug(server, source)
        crowd.is_over = True
        await _leave(people)
        await until(lambda: all_settled(client, thread_ids), "the end of all runs", 2 * PATIENCE_SECONDS)
        threads = {thread_id: await stored_of(client, thread_id) for thread_id in thread_ids}
    acknowledged = sum(send.is_acknowledged for send in seen.sends)
    print(f"{acknowledged} of {len(seen.sends)} sends acknowledged, {len(seen.frames)} frames seen")
    breaches = broken_promises(seen, threads)
    assert not breaches, f"seed {SEED}, {len(breaches)} breaches:\n" + "\n".join(breaches[:20])
    failed = [run for stored in threads.values() for run in stored.runs.values() if run["status"] != "completed"]
    assert not failed, f"seed {SEED}: {failed[:3]}"


def _has_struck(seen: Seen) -> bool:
    """Whether enough was there to be lost: answers that were begun anew, sends, and sends that had to come again."""
    replaced = {(thread_id, frame.id) for thread_id, frame in seen.frames if frame.event == "message.superseded"}
    acknowledged = sum(send.is_acknowledged for send in seen.sends)
    return len(replaced) >= ROUNDS // 3 and acknowledged >= ROUNDS and any(send.tries > 1 for send in seen.sends)


async def _pull_the_plug(server: Server, source: random.Random) -> None:
    """Let it die in one of three ways, and leave it running."""
    match source.choices(["moment", "start", "step"], [5, 1, 4])[0]:
        case "moment":
            # However long people take to come back to it: it dies when it has something to lose.
            await until(lambda: _is_answering(server), "an answer to be struck")
            await asyncio.sleep(source.uniform(0.0, 0.6))
            server.kill9()
        case "start":
            await asyncio.sleep(source.uniform(0.05, 0.6))
            server.kill9()
            await asyncio.to_thread(server.start_to_die, source.uniform(0.2, 1.2))
        case "step":
            await asyncio.sleep(source.uniform(0.05, 0.3))
            server.kill9()
            await _die_at_a_step(server, source)
    await asyncio.to_thread(server.start)


async def _is_answering(server: Server) -> bool:
    said = server.log().rpartition("Threadline is ready")[2]
    return said.count('"run_started"') > said.count('"run_ended"') + said.count('"run_given_up"')


async def _die_at_a_step(server: Server, source: random.Random) -> None:
    """Start it with its plug tied to one commit, and wait until it is pulled."""
    path = os.pathsep.join(filter(None, [str(PLUG), os.environ.get("PYTHONPATH", "")]))
    moment = source.choice(["before", "after"])
    before = dict(server.settings)
    server.settings |= {"PLUG": f"{source.randint(3, 40)}:{moment}", "PYTHONPATH": path}
    try:
        await asyncio.to_thread(server.launch)
        async with patience():
            while server.is_running:
                await asyncio.sleep(0.01)
        assert server.has_died(), server.log()[-2000:]
    finally:
        server.settings = before


async def _leave(people: list["asyncio.Task[None]"]) -> None:
    """Let everybody finish what they are doing; readers who wait for something new are taken by the arm."""
    await asyncio.wait(people, timeout=3)
    for task in people:
        task.cancel()
    for result in await asyncio.gather(*people, return_exceptions=True):
        if isinstance(result, Exception):
            raise result
