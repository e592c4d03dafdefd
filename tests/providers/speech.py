"""The scripts of `demo/script`, said in each vendor's own stream format.

So one contract suite can tell all three providers to say the same thing.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

Step = dict[str, Any]


def frame(data: Any, name: str = "") -> bytes:
    """Write one event."""
    event = f"event: {name}\n".encode() if name else b""
    return event + b"data: " + (data if isinstance(data, bytes) else msgspec.json.encode(data)) + b"\n\n"


def openai_chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **more: Any) -> bytes:
    """Write one chunk of a Chat Completions stream."""
    choices = [] if delta is None and finish is None else [{"index": 0, "delta": delta or {}, "finish_reason": finish}]
    return frame(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1_767_225_600,
            "model": "m",
            "choices": choices,
            **more,
        }
    )


def openai_usage(**tokens: Any) -> bytes:
    """Write the chunk with the usage."""
    return openai_chunk(usage=tokens)


def openai_stream(steps: list[Step], usage: dict[str, int] | None = None) -> list[bytes]:
    """Say the steps as OpenAI does."""
    return list(_openai(steps, usage or {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}))


def _openai(steps: list[Step], usage: dict[str, int]) -> Iterator[bytes]:
    yield openai_chunk({"role": "assistant", "content": ""})
    calls = 0
    finish = "stop"
    for step in steps:
        match step:
            case {"say": text}:
                yield from (openai_chunk({"content": word}) for word in words(text))
            case {"think": text}:
                yield from (openai_chunk({"reasoning_content": word}) for word in words(text))
            case {"call": name}:
                head = {"name": name, "arguments": ""}
                call = {"index": calls, "id": f"call_{calls}", "type": "function", "function": head}
                yield openai_chunk({"tool_calls": [call]})
                for piece in pieces(msgspec.json.encode(step.get("input", {})).decode()):
                    yield openai_chunk({"tool_calls": [{"index": calls, "function": {"arguments": piece}}]})
                calls += 1
                finish = "tool_calls"
            case {"fail": kind}:
                yield frame({"error": {"message": f"no: {kind}", "type": OPENAI_ERRORS[kind][1], "code": None}})
                return
            case {"finish": "length"}:
                finish = "length"
            case {"cut": True}:
                return
    yield openai_chunk({}, finish)
    yield openai_usage(**usage)
    yield frame(b"[DONE]")


def anthropic_event(kind: str, **fields: Any) -> bytes:
    """Write one event of a Messages stream."""
    return frame({"type": kind, **fields}, kind)


def anthropic_start(**usage: int) -> bytes:
    """Write `message_start`."""
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 3, "output_tokens": 1, **usage},
    }
    return anthropic_event("message_start", message=message)


def anthropic_block(index: int, block: dict[str, Any], *deltas: dict[str, Any]) -> list[bytes]:
    """Write one content block, from start to stop."""
    return [
        anthropic_event("content_block_start", index=index, content_block=block),
        *(anthropic_event("content_block_delta", index=index, delta=delta) for delta in deltas),
        anthropic_event("content_block_stop", index=index),
    ]


def anthropic_end(stop_reason: str = "end_turn", **usage: Any) -> list[bytes]:
    """Write the end of a message."""
    delta = {"stop_reason": stop_reason, "stop_sequence": None}
    return [
        anthropic_event("message_delta", delta=delta, usage={"output_tokens": 5, **usage}),
        anthropic_event("message_stop"),
    ]


def anthropic_stream(steps: list[Step]) -> list[bytes]:
    """Say the steps as Anthropic does."""
    return list(_anthropic(steps))


def _anthropic(steps: list[Step]) -> Iterator[bytes]:
    yield anthropic_start()
    yield anthropic_event("ping")
    reason = "end_turn"
    for index, step in enumerate(steps):
        match step:
            case {"say": text}:
                deltas = [{"type": "text_delta", "text": word} for word in words(text)]
                yield from anthropic_block(index, {"type": "text", "text": ""}, *deltas)
            case {"think": text}:
                deltas = [{"type": "thinking_delta", "thinking": word} for word in words(text)]
                yield from anthropic_block(index, {"type": "thinking", "thinking": "", "signature": ""}, *deltas)
            case {"call": name}:
                text = msgspec.json.encode(step.get("input", {})).decode()
                deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in ["", *pieces(text)]]
                head = {"type": "tool_use", "id": f"toolu_{index}", "name": name, "input": {}}
                yield from anthropic_block(index, head, *deltas)
                reason = "tool_use"
            case {"fail": kind}:
                error = {"type": ANTHROPIC_ERRORS[kind][1], "message": f"no: {kind}"}
                yield anthropic_event("error", error=error)
                return
            case {"finish": "length"}:
                reason = "max_tokens"
            case {"cut": True}:
                return
    yield from anthropic_end(reason)


OPENAI_ERRORS = {
    "provider_auth": (401, "authentication_error"),
    "provider_rate_limited": (429, "rate_limit_exceeded"),
    "provider_overloaded": (503, "overloaded_error"),
    "provider_refused": (404, "invalid_request_error"),
    "context_too_long": (400, "exceed_context_size_error"),
    "provider_timeout": (504, "timeout_error"),
    "provider_error": (500, "server_error"),
}
"""By our code: the status and the type with which OpenAI and its kin say it."""

ANTHROPIC_ERRORS = {
    "provider_auth": (401, "authentication_error"),
    "provider_rate_limited": (429, "rate_limit_error"),
    "provider_overloaded": (529, "overloaded_error"),
    "provider_refused": (404, "not_found_error"),
    "context_too_long": (413, "request_too_large"),
    "provider_timeout": (504, "timeout_error"),
    "provider_error": (500, "api_error"),
}


def words(text: str) -> list[str]:
    """Cut into words; joined they are the text."""
    first, *rest = text.split(" ")
    return [first, *(f" {word}" for word in rest)]


def pieces(text: str) -> list[str]:
    """Cut into pieces of three."""
    return [text[at : at + 3] for at in range(0, len(text), 3)]
