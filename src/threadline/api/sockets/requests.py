"""What a client may ask over a socket. Every request may have a `ref`, which its answer or its error repeats."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from threadline.api.bodies import Identifier, SendMessage
from threadline.api.presence.words import Status
from threadline.api.requests import decoded
from threadline.limits import IDEMPOTENCY_KEY_CHARS_MAX

Ref = Annotated[str, Meta(min_length=1, max_length=64)]
After = Annotated[int, Meta(ge=0)] | Literal["now"]
Key = Annotated[str, Meta(min_length=1, max_length=IDEMPOTENCY_KEY_CHARS_MAX)]


class Subscribe(Struct, tag="subscribe", forbid_unknown_fields=True, kw_only=True):
    """Follow one more thread, from the start or from a cursor."""

    thread_id: Identifier
    after: After = 0
    ref: Ref | None = None


class Unsubscribe(Struct, tag="unsubscribe", forbid_unknown_fields=True, kw_only=True):
    """Follow a thread no more."""

    thread_id: Identifier
    ref: Ref | None = None


class SendToThread(Struct, tag="send", forbid_unknown_fields=True, kw_only=True):
    """Send a message; its answer is the message and the run, whose events come like everybody's."""

    message: SendMessage
    idempotency_key: Key | None = None
    thread_id: Identifier | None = None
    ref: Ref | None = None


class Cancel(Struct, tag="cancel", forbid_unknown_fields=True, kw_only=True):
    """Stop a run."""

    run_id: Identifier
    ref: Ref | None = None


class SetPresence(Struct, tag="presence", forbid_unknown_fields=True, kw_only=True):
    """Say that one is there or away: in one thread, or in all that this socket follows."""

    status: Status
    thread_id: Identifier | None = None
    ref: Ref | None = None


class Typing(Struct, tag="typing", forbid_unknown_fields=True, kw_only=True):
    """Say that one is typing in a thread, again and again while it is so, or that one has stopped."""

    is_typing: bool = True
    thread_id: Identifier | None = None
    ref: Ref | None = None


SocketRequest = Subscribe | Unsubscribe | SendToThread | Cancel | SetPresence | Typing


def request_of(raw: bytes) -> SocketRequest:
    """Decode one message. Raises InvalidRequest."""
    # msgspec checks the members of a union one by one.
    found: SocketRequest = decoded(raw, SocketRequest)  # type: ignore[arg-type]
    return found


def ref_of(raw: bytes) -> str | None:
    """Return the `ref` of a message that is otherwise not in order, where it can be made out."""
    try:
        return msgspec.json.decode(raw, type=_Referred).ref
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        # What is wrong with the whole is said by whoever decodes it.
        return None


class _Referred(Struct):
    ref: Ref | None = None
