"""Writes one thread out: as JSON, with nothing lost, or as Markdown, to be read.

The JSON is the log, and what the log comes to: `events` are the frames that a client would have got, and `messages` and
`thread` are their fold up to `seq`, so the three always agree, also while the thread goes on.
"""

import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import msgspec

from threadline.cli.stored import StoredThreads
from threadline.cli.terminal import Advance, CommandRefused
from threadline.cli.transcript import markdown_head, markdown_of
from threadline.clock import Clock, rfc3339
from threadline.dialects import native
from threadline.fold import ThreadState
from threadline.ids import ThreadId

_encode = msgspec.json.encode


async def as_json(threads: StoredThreads, thread_id: ThreadId, clock: Clock, advance: Advance) -> AsyncIterator[bytes]:
    """Yield a thread as one JSON document, piece by piece. Raises CommandRefused."""
    head = (await threads.thread(thread_id)).seq
    state = ThreadState()
    yield b'{"object":"thread.export","exported_at":%b,"seq":%d,"events":[' % (
        _encode(rfc3339(clock.now_ms())),
        head,
    )
    async for entries in threads.log(thread_id, 0, head):
        for entry in entries:
            state.apply(entry)
        opening = b"\n" if entries[0].seq == 1 else b",\n"
        yield opening + b",\n".join(map(native.data, entries))
        advance(entries[-1].seq, head)
    yield b'\n],"messages":[\n' + b",\n".join(_encode(message) for message in state.known)
    yield b'\n],"thread":%b}\n' % _encode(state.thread)


async def as_markdown(
    threads: StoredThreads, thread_id: ThreadId, clock: Clock, advance: Advance
) -> AsyncIterator[bytes]:
    """Yield a thread as a Markdown document, piece by piece. Raises CommandRefused."""
    thread = await threads.thread(thread_id)
    yield markdown_head(thread).encode()
    number = 0
    async for message in threads.messages(thread_id):
        number += 1
        yield markdown_of(message).encode()
        advance(number, max(thread.message_count, number))


@contextmanager
def written_to(path: Path | None) -> Iterator[BinaryIO]:
    """Give a file to write to: stdout, or one that takes the name `path` when it is whole. Raises CommandRefused."""
    if path is None:
        yield sys.stdout.buffer
        return
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with draft.open("wb") as file:
            yield file
        os.replace(draft, path)
    except OSError as error:
        raise CommandRefused(f"{path} cannot be written: {error.strerror or error}.") from error
    finally:
        draft.unlink(missing_ok=True)
