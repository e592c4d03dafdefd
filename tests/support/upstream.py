"""A vendor of models: a real HTTP server that speaks Chat Completions and Messages, and misbehaves as it is told.

It runs in a thread of its own, so that one of them serves a whole session of tests. Tests keep out of each other's way
by the model that they ask for: every model has answers and requests of its own.
"""

import asyncio
import json
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal

from .waiting import PATIENCE_SECONDS

Ending = Literal["clean", "cut", "hang"]

Gate = threading.Event
"""Where an answer waits for the test: however slow the machine is, it is still going until then."""


@dataclass(frozen=True)
class Asked:
    """A request that came in."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """What to answer. `parts` are written one by one; a number waits so many seconds, a gate until the test has set it.

    `clean` ends the body as HTTP wants it, `cut` closes the connection without that, `hang` says nothing more.
    """

    parts: Sequence[bytes | float | Gate] = ()
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    ending: Ending = "clean"
    content_type: str = "text/event-stream"


def chat(*words: str | Gate, ending: Ending = "clean", pause: float = 0.0) -> Reply:
    """Return an answer of Chat Completions that says these words, whole unless it ends otherwise."""
    parts: list[bytes | float | Gate] = [_chat_delta({"role": "assistant", "content": ""})]
    for word in words:
        said = _chat_delta({"content": word}) if isinstance(word, str) else word
        parts += [pause, said] if pause else [said]
    if ending == "clean":
        said_words = sum(isinstance(word, str) for word in words)
        usage = {"prompt_tokens": 11, "completion_tokens": said_words, "total_tokens": 11 + said_words}
        parts += [_chat_delta({}, "stop"), _event({"id": "c", "choices": [], "usage": usage}), b"data: [DONE]\n\n"]
    return Reply(parts, ending=ending)


def chat_call(name: str, arguments: str, said: str = "", ending: Ending = "clean", number: int = 1) -> Reply:
    """Return an answer of Chat Completions that says something and asks for a tool; one that hangs does so meanwhile."""
    function = {"name": name, "arguments": arguments}
    parts = [_chat_delta({"content": said})] if said else []
    parts.append(
        _chat_delta({"tool_calls": [{"index": 0, "id": f"call_{number}", "type": "function", "function": function}]})
    )
    if ending == "clean":
        usage = {"prompt_tokens": 11, "completion_tokens": 5, "total_tokens": 16}
        parts += [
            _chat_delta({}, "tool_calls"),
            _event({"id": "c", "choices": [], "usage": usage}),
            b"data: [DONE]\n\n",
        ]
    return Reply(parts, ending=ending)


def anthropic(*words: str) -> Reply:
    """Return an answer of Messages that says these words."""
    start = {"id": "m", "type": "message", "role": "assistant", "content": [], "model": "x", "usage": _tokens(7, 1)}
    parts = [
        _named("message_start", {"message": start}),
        _named("content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}}),
        *(_named("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": word}}) for word in words),
        _named("content_block_stop", {"index": 0}),
        _named("message_delta", {"delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": len(words)}}),
        _named("message_stop", {}),
    ]
    return Reply(parts)


def thinking_call(thought: str, signature: str, tool: str, given: Mapping[str, Any]) -> Reply:
    """Return an answer of Messages that thinks, seals it, and asks for a tool."""
    start = {"id": "m", "type": "message", "role": "assistant", "content": [], "model": "x", "usage": _tokens(7, 1)}
    thinking = {"type": "thinking", "thinking": "", "signature": ""}
    use = {"type": "tool_use", "id": "toolu_1", "name": tool, "input": {}}
    deltas = [
        {"type": "thinking_delta", "thinking": thought},
        {"type": "signature_delta", "signature": signature},
    ]
    parts = [
        _named("message_start", {"message": start}),
        _named("content_block_start", {"index": 0, "content_block": thinking}),
        *(_named("content_block_delta", {"index": 0, "delta": delta}) for delta in deltas),
        _named("content_block_stop", {"index": 0}),
        _named("content_block_start", {"index": 1, "content_block": use}),
        _named(
            "content_block_delta",
            {"index": 1, "delta": {"type": "input_json_delta", "partial_json": json.dumps(given)}},
        ),
        _named("content_block_stop", {"index": 1}),
        _named("message_delta", {"delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 9}}),
        _named("message_stop", {}),
    ]
    return Reply(parts)


def refusal(status: int, message: str = "no", headers: Mapping[str, str] | None = None, **more: Any) -> Reply:
    """Return an error, as vendors of Chat Completions word it."""
    body = json.dumps({"error": {"message": message, "type": "some_error", **more}}).encode()
    return Reply([body], status, headers or {}, content_type="application/json")


@dataclass(frozen=True)
class Kept:
    """A file that was uploaded: its part of the form, and the other fields."""

    name: str
    media_type: str
    data: bytes
    fields: dict[str, str]
    headers: dict[str, str]


class Upstream:
    """The server. Plays the replies of a model in order, and the last of them again and again.

    It keeps files too: who names one that it does not have is refused, as its vendors do.
    """

    def __init__(self) -> None:
        self.port = 0
        self.files: dict[str, Kept] = {}
        self.deleted: list[str] = []
        self.files_answer: tuple[int, dict[str, Any]] | None = None
        """What uploads and deletions are answered with instead, where a test says so."""
        self._file_ids = count(1)
        self._replies: dict[str, list[Reply]] = {}
        self._asked: dict[str, list[Asked]] = {}
        self._hung_up: dict[str, int] = {}
        self._loop = asyncio.new_event_loop()
        self._is_ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="upstream", daemon=True)
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> "Upstream":
        """Listen."""
        self._thread.start()
        assert self._is_ready.wait(PATIENCE_SECONDS)
        return self

    def stop(self) -> None:
        """Close everything."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def play(self, model: str, *replies: Reply) -> None:
        """Say what comes when this model is asked."""
        self._replies[model] = list(replies)

    def asked(self, model: str) -> list[Asked]:
        """Return the requests for this model so far."""
        return list(self._asked.get(model, ()))

    def hung_up(self, model: str) -> int:
        """Return how many clients have closed the connection on an answer of this model that hangs."""
        return self._hung_up.get(model, 0)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._server = self._loop.run_until_complete(asyncio.start_server(self._connected, "127.0.0.1", 0))
        self.port = self._server.sockets[0].getsockname()[1]
        self._is_ready.set()
        try:
            self._loop.run_forever()
        finally:
            self._server.close()
            tasks = asyncio.all_tasks(self._loop)
            for task in tasks:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            self._loop.run_until_complete(asyncio.sleep(0))
            self._loop.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._exchange(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        method, path, headers, data = await _read_request(reader)
        if "/files" in path:
            writer.write(self._about_files(method, path, headers, data))
            await writer.drain()
            return True
        asked = Asked(path, headers, json.loads(data or b"{}"))
        if missing := [file_id for file_id in _named_files(asked.body) if file_id not in self.files]:
            error = {"type": "not_found_error", "message": f"File not found: {missing[0]}"}
            writer.write(_json(404, {"type": "error", "error": error}))
            await writer.drain()
            return True
        model = str(asked.body.get("model"))
        self._asked.setdefault(model, []).append(asked)
        replies = self._replies.get(model) or [chat("ok")]
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        writer.write(_head(reply))
        for part in reply.parts:
            if isinstance(part, bytes):
                writer.write(b"%x\r\n%b\r\n" % (len(part), part))
                await writer.drain()
            elif isinstance(part, Gate):
                await _opened(part)
            else:
                await asyncio.sleep(part)
        if reply.ending == "clean":
            writer.write(b"0\r\n\r\n")
            await writer.drain()
            return True
        if reply.ending == "hang":
            await writer.drain()
            await reader.read(1)
            self._hung_up[model] = self._hung_up.get(model, 0) + 1
        return False

    def _about_files(self, method: str, path: str, headers: dict[str, str], data: bytes) -> bytes:
        if self.files_answer is not None:
            return _json(*self.files_answer)
        if method == "DELETE":
            file_id = path.rpartition("/")[2]
            self.deleted.append(file_id)
            return _json(200 if self.files.pop(file_id, None) else 404, {"id": file_id, "deleted": True})
        file_id = f"file-{next(self._file_ids)}x"
        self.files[file_id] = _kept(headers, data)
        return _json(200, {"id": file_id, "object": "file", "expires_at": None})


async def _opened(gate: Gate) -> None:
    while not gate.is_set():
        await asyncio.sleep(0.005)


def _kept(headers: dict[str, str], data: bytes) -> Kept:
    """Read a form with a file in it (RFC 7578)."""
    kind, _, boundary = headers["content-type"].partition("; boundary=")
    begin, *parts, end = data.split(b"--" + boundary.encode())
    assert (kind, begin, end) == ("multipart/form-data", b"", b"--\r\n")
    fields: dict[str, str] = {}
    for part in parts:
        head, _, body = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        said = dict(re.findall(r'(\w+)="([^"]*)"', head.decode()))
        if said["name"] == "file":
            media_type = head.decode().partition("content-type: ")[2]
            file = Kept(said["filename"], media_type, body.removesuffix(b"\r\n"), fields, headers)
        else:
            fields[said["name"]] = body.removesuffix(b"\r\n").decode()
    return file


def _named_files(body: Any) -> list[str]:
    """Return the files of ours that a request names, wherever it does."""
    if isinstance(body, dict):
        own = [body["file_id"]] if isinstance(body.get("file_id"), str) else []
        return own + [found for value in body.values() for found in _named_files(value)]
    return [found for value in body for found in _named_files(value)] if isinstance(body, list) else []


def _json(status: int, body: Any) -> bytes:
    data = json.dumps(body).encode()
    head = f"HTTP/1.1 {status} Whatever\r\ncontent-type: application/json\r\ncontent-length: {len(data)}\r\n\r\n"
    return head.encode() + data


def _head(reply: Reply) -> bytes:
    headers = {"content-type": reply.content_type, "transfer-encoding": "chunked", **reply.headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {reply.status} Whatever\r\n{lines}\r\n".encode()


async def _read_request(reader: asyncio.StreamReader) -> tuple[str, str, dict[str, str], bytes]:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    method, path, _ = first.split(" ")
    return method, path, headers, body


def _chat_delta(delta: Mapping[str, Any], finish: str | None = None) -> bytes:
    return _event({"id": "c", "object": "chat.completion.chunk", "choices": [_choice(delta, finish)]})


def _choice(delta: Mapping[str, Any], finish: str | None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "finish_reason": finish}


def _event(data: Mapping[str, Any]) -> bytes:
    return b"data: " + json.dumps(data).encode() + b"\n\n"


def _named(name: str, data: Mapping[str, Any]) -> bytes:
    return f"event: {name}\ndata: ".encode() + json.dumps({"type": name, **data}).encode() + b"\n\n"


def _tokens(read: int, said: int) -> dict[str, int]:
    return {"input_tokens": read, "output_tokens": said}
