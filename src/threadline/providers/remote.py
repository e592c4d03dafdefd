"""A model behind HTTP: asks, tries again while nothing was said, reads, and closes what it opened.

The vendor's language is its `Adapter`'s, which is pure: a prompt becomes a request, and bytes become chunks. Everything
that takes time or may fail on the way is here, once for all vendors.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from random import Random
from typing import Any, Final, Protocol

from yarl import URL

from threadline.clock import Clock
from threadline.errors import ProviderFailure, ProviderTimeout, UploadLost
from threadline.limits import PROVIDER_ERROR_BYTES_MAX, PROVIDER_LINE_BYTES_MAX, UPLOAD_SECONDS_MAX
from threadline.observe import log
from threadline.providers.contract import Chunk, Prompt, UsageChunk
from threadline.providers.failures import Failures
from threadline.providers.files import (
    FileKind,
    FilesApi,
    FileUpload,
    Forms,
    Uploaded,
    is_lost,
    read_uploaded,
    uploads_in,
)
from threadline.providers.http import HttpRequest, HttpResponse, Pool
from threadline.providers.retries import RetryPolicy
from threadline.providers.sse import excerpt
from threadline.records import Usage

TAIL_SECONDS: Final = 5.0
"""How long an answer that is whole may take to end its stream: its usage may still follow, its words are all here."""

DRAIN_SECONDS: Final = 0.5
"""How long the end of the HTTP body may follow the end of the answer, for the connection to be kept."""


class Decoder(Protocol):
    """Makes one answer's bytes into chunks."""

    is_whole: bool
    """The model has finished; what may still follow is about the answer, not of it."""
    is_done: bool
    """The vendor has said that nothing follows."""
    failure: ProviderFailure | None
    """Why nothing more can be read. What was said before it counts."""

    def feed(self, data: bytes) -> Sequence[Chunk]:
        """Return what these bytes of the stream say; raises nothing, see `failure`."""
        ...

    def feed_whole(self, body: bytes) -> Sequence[Chunk]:
        """Return what an answer says that came as one JSON object. Raises `ProviderFailure`."""
        ...

    def end(self) -> Sequence[Chunk]:
        """Return the last chunks, of a stream that has ended. Raises `ProviderFailure` where it was cut."""
        ...


class Adapter(Protocol):
    """A vendor's language."""

    files: FilesApi | None
    """The vendor's own store for files, where it has one that is to be used."""

    def forms(self, kind: FileKind, media_type: str | None) -> Forms:
        """Say in which forms a file is taken."""
        ...

    def request(self, prompt: Prompt) -> HttpRequest:
        """Say it in the vendor's words."""
        ...

    def decoder(self, prompt: Prompt) -> Decoder:
        """Return a decoder for the answer."""
        ...


class RemoteProvider:
    """A `Provider` that speaks through an adapter and a pool, and says which files it takes (`TakesFiles`)."""

    def __init__(
        self,
        name: str,
        adapter: Adapter,
        pool: Pool,
        failures: Failures,
        *,
        clock: Clock,
        source: Random,
        retries: RetryPolicy | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        account: str = "",
    ) -> None:
        self.name = name
        self.account = account
        self._adapter = adapter
        self._pool = pool
        self._failures = failures
        self._clock = clock
        self._source = source
        self._retries = retries or RetryPolicy()
        self._sleep = sleep

    def stream(self, prompt: Prompt) -> "RemoteAnswer":
        """Ask the model, as the contract says."""
        arrived = _Arrived()
        return RemoteAnswer(self._stream(prompt, arrived), arrived)

    async def _stream(self, prompt: Prompt, arrived: "_Arrived") -> AsyncGenerator[Sequence[Chunk], None]:
        request, uploads = self._adapter.request(prompt), uploads_in(prompt)
        tally = _Tally()
        retries_done = 0
        while True:
            try:
                with await self._pool.send(request) as response:
                    await self._check(response, uploads)
                    decoder = self._adapter.decoder(prompt)
                    arrived.begin(response, decoder, tally)
                    while not decoder.is_done:
                        chunks, more = await self._next(response, decoder)
                        if chunks := tally.counted(chunks):
                            yield chunks
                        if decoder.failure is not None:
                            raise decoder.failure
                        if not more:
                            break
                    arrived.end()
                    if chunks := tally.counted(decoder.end()):
                        yield chunks
                    if decoder.is_done:
                        await _drain(response)
                    return
            except ProviderFailure as failure:
                wait = None if tally.has_spoken else self._wait_after(failure, retries_done, prompt.run_id)
                if wait is None:
                    if usage := tally.unspoken():
                        yield usage
                    raise
            retries_done += 1
            tally.begin_again()
            await self._sleep(wait)

    def forms(self, kind: FileKind, media_type: str | None) -> Forms:
        """Say in which forms a file is taken."""
        return self._adapter.forms(kind, media_type)

    async def upload(self, upload: FileUpload) -> Uploaded:
        """Put a file into the vendor's store, as the contract says."""
        api = self._adapter.files
        assert api is not None, "asked of those who say that they take uploads"
        retries_done = 0
        while True:
            try:
                async with asyncio.timeout(UPLOAD_SECONDS_MAX):
                    return await self._upload(api, upload)
            except TimeoutError as error:
                raise ProviderTimeout("The model provider did not take a file in time.") from error
            except ProviderFailure as failure:
                wait = self._wait_after(failure, retries_done, "")
                if wait is None:
                    raise
            retries_done += 1
            await self._sleep(wait)

    async def delete_upload(self, file_id: str) -> None:
        """Delete a file from the vendor's store, as the contract says."""
        api = self._adapter.files
        if api is None:
            return
        url = URL(api.url)
        request = HttpRequest(str(url.with_path(f"{url.path}/{file_id}", keep_query=True)), api.headers, b"", "DELETE")
        with await self._pool.send(request) as response:
            if response.status != 404:
                await self._check(response)

    async def _upload(self, api: FilesApi, upload: FileUpload) -> Uploaded:
        headers, body = api.multipart(upload)
        with await self._pool.send(HttpRequest(api.url, headers, body)) as response:
            await self._check(response)
            answer = await response.read_all(PROVIDER_ERROR_BYTES_MAX)
        uploaded = read_uploaded(answer)
        if uploaded is None:
            raise self._failures.garbage(excerpt(answer))
        return uploaded

    def _wait_after(self, failure: ProviderFailure, retries_done: int, run_id: str) -> float | None:
        """Return how long to wait before the next try; None when there is to be none."""
        wait = self._retries.wait_seconds(failure, retries_done, self._source)
        if wait is not None:
            log.warning("provider_retried", provider=self.name, run_id=run_id, code=failure.code, wait_seconds=wait)
        return wait

    async def close(self) -> None:
        """Close the warm connections."""
        await self._pool.close()

    async def _check(self, response: HttpResponse, uploads: Sequence[str] = ()) -> None:
        if not 200 <= response.status < 300:
            body = await response.read_error(PROVIDER_ERROR_BYTES_MAX)
            if is_lost(response.status, body, uploads):
                raise UploadLost
            raise self._failures.response(response.status, response.headers, body, self._clock.now_ms())

    async def _next(self, response: HttpResponse, decoder: Decoder) -> tuple[Sequence[Chunk], bool]:
        """Read once. Returns what it said, and whether more may follow."""
        if response.is_json:
            return decoder.feed_whole(await response.read_all(PROVIDER_LINE_BYTES_MAX)), False
        if not decoder.is_whole:
            data = await response.read()
            return decoder.feed(data), bool(data)
        try:
            async with asyncio.timeout(TAIL_SECONDS):
                data = await response.read()
        except (TimeoutError, ProviderFailure):
            return (), False  # The answer is here; only its stream has no proper end.
        return decoder.feed(data), bool(data)


async def _drain(response: HttpResponse) -> None:
    """Read the end of the body, which is all that follows, so that the connection can be used again."""
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            while await response.read():
                pass
    except (TimeoutError, ProviderFailure):
        pass


class RemoteAnswer(AsyncGenerator[Sequence[Chunk], None]):
    """An answer that can also be polled: see `providers/contract.py`."""

    def __init__(self, chunks: AsyncGenerator[Sequence[Chunk], None], arrived: "_Arrived") -> None:
        self._chunks = chunks
        self.poll = arrived.poll

    async def asend(self, value: None) -> Sequence[Chunk]:
        """Wait for more, as a generator does."""
        return await self._chunks.asend(value)

    async def athrow(self, *error: Any) -> Sequence[Chunk]:
        """End with an error, as a generator does."""
        return await self._chunks.athrow(*error)

    async def aclose(self) -> None:
        """Close the connection to the vendor."""
        await self._chunks.aclose()


class _Arrived:
    """What has arrived of an answer and was not read yet, while its generator rests between two reads."""

    def __init__(self) -> None:
        self._reading: tuple[HttpResponse, Decoder, _Tally] | None = None

    def begin(self, response: HttpResponse, decoder: Decoder, tally: "_Tally") -> None:
        """Note what is being read."""
        self._reading = None if response.is_json else (response, decoder, tally)

    def end(self) -> None:
        """Note that the stream has been read."""
        self._reading = None

    def poll(self) -> Sequence[Chunk] | None:
        """Return what has arrived, without waiting; None where it takes the generator to go on."""
        if self._reading is None:
            return None
        response, decoder, tally = self._reading
        # The end, a failure and the tail of a whole answer have their own waits and errors: the generator's.
        if decoder.is_done or decoder.is_whole or decoder.failure is not None or not tally.has_spoken:
            return None
        data = response.read_nowait()
        if data is None:
            return None
        return tally.counted(decoder.feed(data)) if data else ()


class _Tally:
    """What one call has said and cost, over all its tries.

    A vendor may name the cost of the prompt before the first word. That alone is not worth giving up a retry for, so it
    is held back until a word comes; and what a failed try has cost is added to the next one's.
    """

    def __init__(self) -> None:
        self.has_spoken = False
        self._spent: Usage | None = None
        self._held: UsageChunk | None = None

    def counted(self, chunks: Sequence[Chunk]) -> Sequence[Chunk]:
        """Return the chunks to give out now."""
        if self._spent is not None:
            chunks = [self._with_spent(chunk) if isinstance(chunk, UsageChunk) else chunk for chunk in chunks]
        if self.has_spoken:
            return chunks
        for chunk in chunks:
            if not isinstance(chunk, UsageChunk):
                self.has_spoken = True
                return chunks if self._held is None else [self._held, *chunks]
        for chunk in chunks:
            assert isinstance(chunk, UsageChunk)
            self._held = chunk
        return ()

    def unspoken(self) -> Sequence[Chunk]:
        """Return the cost of a call that failed before it said anything."""
        if self.has_spoken:
            return ()
        if self._held is not None:
            return [self._held]
        return () if self._spent is None else [UsageChunk(self._spent)]

    def begin_again(self) -> None:
        """Count what the failed try has cost."""
        if self._held is not None:
            self._spent = self._held.usage
        self._held = None

    def _with_spent(self, chunk: UsageChunk) -> UsageChunk:
        spent = self._spent
        assert spent is not None
        return UsageChunk(
            Usage(
                input_tokens=_sum(spent.input_tokens, chunk.usage.input_tokens),
                output_tokens=_sum(spent.output_tokens, chunk.usage.output_tokens),
                cached_input_tokens=_sum(spent.cached_input_tokens, chunk.usage.cached_input_tokens),
                reasoning_tokens=_sum(spent.reasoning_tokens, chunk.usage.reasoning_tokens),
            )
        )


def _sum(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return one if other is None else other
    return one + other
