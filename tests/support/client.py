"""A client of the HTTP API that hides nothing: statuses, headers, bytes, and whether a stream ended or was cut."""

import io
import json
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import cycle
from typing import Any, Literal

import aiohttp

from .sse import Frame, Splitter
from .waiting import PATIENCE_SECONDS, patience, until

ENDINGS = ("run.completed", "run.failed", "run.cancelled", "run.expired")

LOST = (aiohttp.ClientError, ConnectionError, TimeoutError)
"""What a request raises when the server is gone, or goes."""

NOTHING: Any = object()


@dataclass(frozen=True)
class Answer:
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)

    def ok(self, status: int) -> Any:
        """Return the JSON of an answer that must have this status."""
        assert self.status == status, f"{self.status} instead of {status}: {self.body[:1000]!r}"
        return self.json if self.body else None

    def problem(self, status: int, code: str) -> dict[str, Any]:
        """Return the problem of an answer that must be this error, in the form that all errors have."""
        assert self.status == status, f"{self.status} instead of {status}: {self.body[:1000]!r}"
        assert self.headers["content-type"].startswith("application/problem+json")
        found: dict[str, Any] = self.json
        assert found["code"] == code, found
        assert found["status"] == status
        assert {"type", "title", "status", "detail", "code", "retryable"} <= found.keys()
        assert found["title"]
        assert found["detail"]
        return found


class Stream:
    """An event stream that is being read. Iterate it for its frames; `ending` says how it ended."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response
        self.status = response.status
        self.headers = response.headers
        self.frames: list[Frame] = []
        self.ending: Literal["open", "clean", "cut"] = "open"
        self._splitter = Splitter()
        self._waiting: list[Frame] = []

    @property
    def comments(self) -> list[str]:
        """The comments so far: heartbeats."""
        return self._splitter.comments

    @property
    def retries(self) -> list[int]:
        """The `retry:` fields so far."""
        return self._splitter.retries

    def __aiter__(self) -> "Stream":
        return self

    async def __anext__(self) -> Frame:
        frame = await self.next()
        if frame is None:
            raise StopAsyncIteration
        return frame

    async def next(self) -> Frame | None:
        """Return the next frame; None when the stream is over, however it ended."""
        while not self._waiting:
            if self.ending != "open":
                return None
            await self._read()
        frame = self._waiting.pop(0)
        self.frames.append(frame)
        return frame

    async def read_until(self, *events: str) -> Frame:
        """Read up to the first frame of one of these events, and return it."""
        async with patience():
            async for frame in self:
                if frame.event in events:
                    return frame
        raise AssertionError(f"the stream ended ({self.ending}) before {events}: {self.events()[-5:]}")

    async def read_to_end(self) -> list[Frame]:
        """Read all there is; the body must end as HTTP wants it, with whole frames."""
        async with patience():
            async for _ in self:
                pass
        assert self.ending == "clean", "the stream was cut"
        assert not self._splitter.has_rest, "the stream ended within a frame"
        return self.frames

    async def read_to_cut(self) -> list[Frame]:
        """Read all there is; the body must *not* end as HTTP wants it."""
        async with patience():
            async for _ in self:
                pass
        assert self.ending == "cut", "the stream ended cleanly, as if all were well"
        return self.frames

    async def wait_for_comment(self) -> None:
        """Read until a comment comes."""
        before = len(self.comments)
        while len(self.comments) == before and self.ending == "open":
            await self._read()
        assert len(self.comments) > before, f"the stream ended: {self.ending}"

    def events(self) -> list[str]:
        """Return the kinds of the frames so far."""
        return [frame.event for frame in self.frames]

    async def _read(self) -> None:
        try:
            data = await self.response.content.readany()
        except LOST:
            self.ending = "cut"
            return
        if data:
            self._waiting.extend(self._splitter.feed(data))
        elif self.response.content.at_eof():
            self.ending = "clean"


class Client:
    """Speaks as one principal to one server, or to the nodes of one in turn. Use it in a `with` block of one loop."""

    def __init__(
        self,
        url: str | Sequence[str],
        key: str | None,
        header: Literal["authorization", "x-api-key"] = "authorization",
    ) -> None:
        self.urls = [url] if isinstance(url, str) else list(url)
        self._turns = cycle(self.urls)
        self.key = key
        self._headers = {} if key is None else {header: f"Bearer {key}" if header == "authorization" else key}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "Client":
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=None, sock_read=None),
            read_bufsize=2**20,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.session.close()

    @property
    def session(self) -> aiohttp.ClientSession:
        """The open session."""
        assert self._session is not None, "within its with block"
        return self._session

    def place(self) -> str:
        """Return where the next request goes."""
        return next(self._turns)

    def refused(self, answer: Answer) -> Exception:
        """Return the error for an answer that should have been a stream."""
        return AssertionError(f"no stream but {answer.status}: {answer.body[:1000]!r}")

    async def request(
        self,
        method: str,
        path: str,
        body: Any = NOTHING,
        *,
        data: bytes | AsyncIterator[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        seconds: float = 2 * PATIENCE_SECONDS,
    ) -> Answer:
        """Send a request and read its whole answer."""
        if body is not NOTHING:
            data = json.dumps(body).encode()
        async with self.session.request(
            method,
            self.place() + path,
            data=io.BytesIO(data) if isinstance(data, bytes) else data,
            headers={"content-type": "application/json", **self._headers, **(headers or {})},
            timeout=aiohttp.ClientTimeout(total=seconds),
            allow_redirects=False,
        ) as response:
            return Answer(response.status, response.headers, await response.read())

    async def get(self, path: str, **options: Any) -> Answer:
        """GET."""
        return await self.request("GET", path, **options)

    async def post(self, path: str, body: Any = NOTHING, **options: Any) -> Answer:
        """POST."""
        return await self.request("POST", path, body, **options)

    async def put(self, path: str, body: Any = NOTHING, **options: Any) -> Answer:
        """PUT."""
        return await self.request("PUT", path, body, **options)

    async def patch(self, path: str, body: Any = NOTHING, **options: Any) -> Answer:
        """PATCH."""
        return await self.request("PATCH", path, body, **options)

    async def delete(self, path: str, **options: Any) -> Answer:
        """DELETE."""
        return await self.request("DELETE", path, **options)

    @asynccontextmanager
    async def open(
        self, method: str, path: str, body: Any = NOTHING, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[Stream]:
        """Open an event stream; it must be one."""
        data = None if body is NOTHING else json.dumps(body).encode()
        async with self.session.request(
            method,
            self.place() + path,
            data=data,
            headers={"content-type": "application/json", **self._headers, **(headers or {})},
        ) as response:
            if response.status != 200:
                raise self.refused(Answer(response.status, response.headers, await response.read()))
            assert response.headers["content-type"].startswith("text/event-stream")
            yield Stream(response)

    # --- what nearly every test does ---

    async def thread(self, **fields: Any) -> str:
        """Create a thread and return its id."""
        made = (await self.post("/v1/threads", fields)).ok(201)
        return str(made["id"])

    async def send(self, thread_id: str, content: Any, key: str | None = None, **fields: Any) -> Answer:
        """Send a message in whatever form `fields` say."""
        headers = {} if key is None else {"idempotency-key": key}
        return await self.post(f"/v1/threads/{thread_id}/messages", {"content": content, **fields}, headers=headers)

    async def send_through(self, thread_id: str, content: Any, **fields: Any) -> Answer:
        """Send once, and again where the store had no time for it: a busy machine has not, for a hundred at once."""
        key = uuid.uuid4().hex

        async def sent() -> Answer | None:
            answer = await self.send(thread_id, content, key, **fields)
            return None if answer.status == 503 else answer

        answer = await until(sent, "an answer other than 503")
        assert answer is not None
        return answer

    async def begin(self, thread_id: str, content: Any, **fields: Any) -> dict[str, Any]:
        """Send a message in the background; return `{message, run}`."""
        sent: dict[str, Any] = (await self.send(thread_id, content, background=True, **fields)).ok(202)
        return sent

    async def ask(self, thread_id: str, content: Any, **fields: Any) -> dict[str, Any]:
        """Send a message and wait; return `{message, run, reply}`."""
        answered: dict[str, Any] = (await self.send(thread_id, content, **fields)).ok(200)
        return answered

    @asynccontextmanager
    async def send_stream(
        self, thread_id: str, content: Any, key: str | None = None, **fields: Any
    ) -> AsyncIterator[Stream]:
        """Send a message and stream its run."""
        headers = {} if key is None else {"idempotency-key": key}
        body = {"content": content, "stream": True, **fields}
        async with self.open("POST", f"/v1/threads/{thread_id}/messages", body, headers) as stream:
            yield stream

    @asynccontextmanager
    async def events(
        self, thread_id: str, after: int | str | None = None, last_event_id: int | str | None = None
    ) -> AsyncIterator[Stream]:
        """Follow a thread."""
        query = "" if after is None else f"?after={after}"
        headers = {} if last_event_id is None else {"last-event-id": str(last_event_id)}
        async with self.open("GET", f"/v1/threads/{thread_id}/events{query}", headers=headers) as stream:
            yield stream

    async def log(self, thread_id: str, after: int = 0) -> list[Frame]:
        """Return the thread's log as it is now: everything before `caught_up`."""
        async with self.events(thread_id, after) as stream:
            await stream.read_until("caught_up")
            return stream.frames[:-1]

    async def run(self, run_id: str) -> dict[str, Any]:
        """Return a run."""
        found: dict[str, Any] = (await self.get(f"/v1/runs/{run_id}")).ok(200)
        return found

    async def state(self, thread_id: str) -> dict[str, Any]:
        """Return a thread's state."""
        found: dict[str, Any] = (await self.get(f"/v1/threads/{thread_id}/state")).ok(200)
        return found

    async def history(self, thread_id: str) -> list[dict[str, Any]]:
        """Return all messages of a thread that fit into a page, oldest first."""
        page = (await self.get(f"/v1/threads/{thread_id}/messages?order=asc&limit=200")).ok(200)
        assert not page["has_more"]
        messages: list[dict[str, Any]] = page["data"]
        return messages

    async def settled(self, run_id: str) -> dict[str, Any]:
        """Wait for a run to end, and return it."""
        async with self.open("GET", f"/v1/runs/{run_id}/events") as stream:
            await stream.read_until(*ENDINGS)
        return await self.run(run_id)


def text_of(message: Mapping[str, Any]) -> str:
    """Join a message's text blocks."""
    return "".join(block["text"] for block in message["content"] if block["type"] == "text")


def said(frames: list[Frame]) -> str:
    """Join the words of the text deltas after the last `message.superseded`."""
    words: list[str] = []
    for frame in frames:
        if frame.event == "message.superseded":
            words.clear()
        elif frame.event == "message.delta" and frame.data["kind"] == "text":
            words.append(frame.data["text"])
    return "".join(words)


def counted(number: int) -> str:
    """Return what `demo/count-<number>` says."""
    return " ".join(f"w{place}" for place in range(number))
