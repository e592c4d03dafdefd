"""Objects and frames as a server of the contract sends them."""

import json
from typing import Any

TIME = "2026-01-02T03:04:05.678Z"
THREAD_ID, RUN_ID, MESSAGE_ID, REPLY_ID = "thr_1", "run_1", "msg_1", "msg_2"
RUN_HEADERS = {"x-threadline-run-id": RUN_ID, "location": f"/v1/threads/{THREAD_ID}/events?after=0"}


def thread(**fields: Any) -> dict[str, Any]:
    return {
        "id": THREAD_ID, "object": "thread", "end_user_id": "ada", "external_id": None, "title": None, "model": None,
        "instructions": None, "agent_id": None, "metadata": {}, "pinned": False, "archived": False, "message_count": 0,
        "seq": 1, "active_run_id": None, "created_at": TIME, "last_activity_at": TIME,
    } | fields  # fmt: skip


def message(**fields: Any) -> dict[str, Any]:
    return {
        "id": MESSAGE_ID, "object": "message", "thread_id": THREAD_ID, "seq": 2, "parent_id": None, "role": "user",
        "author": {"type": "user", "id": "ada"}, "content": [{"type": "text", "text": "hello"}], "status": "complete",
        "model": None, "usage": None, "finish_reason": None, "error": None, "run_id": RUN_ID, "request_id": "key",
        "metadata": {}, "created_at": TIME, "completed_at": TIME,
    } | fields  # fmt: skip


def answer_message(text: str, **fields: Any) -> dict[str, Any]:
    content = [{"type": "text", "text": text}] if text else []
    agent = {"type": "agent", "id": None}
    author = {"id": REPLY_ID, "seq": 4, "parent_id": MESSAGE_ID, "role": "assistant", "author": agent}
    return message(content=content, **author) | fields


def run(status: str = "running", **fields: Any) -> dict[str, Any]:
    return {
        "id": RUN_ID, "object": "run", "thread_id": THREAD_ID, "status": status, "attempt": 1, "attempts": [],
        "model": "demo/echo", "usage": None, "error": None, "input": None, "input_message_id": MESSAGE_ID,
        "output_message_id": REPLY_ID, "created_at": TIME, "started_at": TIME, "ended_at": None,
    } | fields  # fmt: skip


def frame(seq: int, type: str, **fields: Any) -> bytes:
    data = json.dumps({"type": type, "seq": seq, "thread_id": THREAD_ID} | fields)
    return f"id: {seq}\nevent: {type}\ndata: {data}\n\n".encode()


def delta(seq: int, text: str, block: int = 0, kind: str = "text") -> bytes:
    return frame(seq, "message.delta", message_id=REPLY_ID, block=block, kind=kind, text=text)


def caught_up(seq: int) -> bytes:
    return f'event: caught_up\ndata: {{"type":"caught_up","seq":{seq}}}\n\n'.encode()


def answered(*pieces: str, first_seq: int = 2, status: str = "completed", **run_fields: Any) -> list[bytes]:
    """All frames of a run whose answer comes in these pieces."""
    text = "".join(pieces)
    bodies = [
        ("message.created", {"message": message(seq=first_seq)}),
        ("run.queued", {"run": run("queued", input=None)}),
        ("run.started", {"run": run()}),
        ("message.started", {"message": answer_message("", status="streaming")}),
        *(("message.delta", {"message_id": REPLY_ID, "block": 0, "kind": "text", "text": piece}) for piece in pieces),
        ("message.completed", {"message": answer_message(text)}),
        (f"run.{status}", {"run": run(status, ended_at=TIME, **run_fields)}),
    ]
    return [frame(seq, type, **fields) for seq, (type, fields) in enumerate(bodies, first_seq)]


def seq_of(frame_bytes: bytes) -> int:
    return int(frame_bytes.split(b"\n", 1)[0].removeprefix(b"id: "))
