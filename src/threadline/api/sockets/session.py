"""One socket: the threads that it carries, and what its client asks for.

Requests are handled one after the other, so a client that asks faster than it is answered is pushed back by its own
connection. Whoever asks is authenticated anew each time: revoking a key ends what its sockets may do, at once.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, assert_never

from starlette.types import Message

from threadline.access.principals import Principal
from threadline.api.follows import Follows
from threadline.api.house import House, run_scope, thread_scope
from threadline.api.messages import for_whom, to_send
from threadline.api.pace import Pace
from threadline.api.presence.room import Seat
from threadline.api.problem import problem_of
from threadline.api.requests import checked_key, to_cursor
from threadline.api.sockets.connection import CLOSED_EXPIRED, SocketConnection
from threadline.api.sockets.requests import (
    Cancel,
    SendToThread,
    SetPresence,
    SocketRequest,
    Subscribe,
    Typing,
    Unsubscribe,
    ref_of,
    request_of,
)
from threadline.dialects import socket
from threadline.engine.engine import with_input
from threadline.errors import (
    Forbidden,
    InvalidRequest,
    NotFound,
    RateLimited,
    ThreadlineError,
    Unauthorized,
    Unavailable,
)
from threadline.ids import RunId, ThreadId
from threadline.limits import (
    SOCKET_REQUESTS_BURST,
    SOCKET_REQUESTS_PER_SECOND,
    SOCKET_THREADS_MAX,
    WHISPERS_BURST,
    WHISPERS_PER_SECOND,
)
from threadline.observe import log
from threadline.records import Run
from threadline.room_records import MemberRole
from threadline.scopes import Scope
from threadline.store.contract import Reader, RunRow

CLOSED_LATER = 1013
"""Close code: the store was away for too long. Come back with your cursors."""

Receive = Callable[[], Awaitable[Message]]


class Session:
    """What stands behind one accepted socket."""

    def __init__(
        self,
        house: House,
        connection: SocketConnection,
        principal: Principal,
        ask_again: Callable[[], Awaitable[Principal]],
        person: str | None,
    ) -> None:
        self._house = house
        self._connection = connection
        self._principal = principal
        self._ask_again = ask_again
        self._person = person
        self._home: ThreadId | None = None
        self._seats: dict[ThreadId, Seat] = {}
        self._pace = Pace(house.clock, SOCKET_REQUESTS_PER_SECOND, SOCKET_REQUESTS_BURST)
        self._whisper_pace = Pace(house.clock, WHISPERS_PER_SECOND, WHISPERS_BURST)

    async def run(self, receive: Receive, scope: Scope, home: ThreadId, start: int) -> None:
        """Follow the thread of the socket's address from a checked cursor, and serve until somebody goes."""
        self._home = home
        seconds_left = None
        if self._principal.expires_at_ms is not None:
            seconds_left = (self._principal.expires_at_ms - self._house.clock.now_ms()) / 1000
        try:
            async with asyncio.timeout(seconds_left), asyncio.TaskGroup() as tasks:
                self._follows = Follows(
                    self._house.engine.tail,
                    self._connection,
                    socket,
                    self._house.readers,
                    tasks,
                    self._leave,
                    self._lose,
                )
                self._follow(scope, home, start)
                await self._serve(receive)
                self._follows.end_all()
        except TimeoutError:
            self._connection.end(CLOSED_EXPIRED, "the token has expired")
        finally:
            for thread_id in list(self._seats):
                self._leave(thread_id)

    async def _serve(self, receive: Receive) -> None:
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return
            # Some clients send JSON as bytes; it is the same JSON.
            raw = message.get("bytes") or message.get("text", "").encode()
            try:
                await self._handle(raw)
            except Unauthorized as error:
                self._connection.end(CLOSED_EXPIRED, error.detail)
                return
            while self._connection.is_paused:
                await self._connection.wait_until_writable()

    async def _handle(self, raw: bytes) -> None:
        ref = ref_of(raw)
        try:
            if not self._pace.allows():
                raise RateLimited("This socket asks for too much at once.", retry_after=1)
            request = request_of(raw)
            self._principal = await self._ask_again()
            result = await self._answer(request)
        except Unauthorized:
            raise
        except ThreadlineError as error:
            if error.status >= 500 and not error.retryable:
                log.exception("socket_request_failed", error=repr(error))
            self._say({"type": "error", "ref": ref, "error": problem_of(error)})
            return
        if ref is not None:
            self._say({"type": "answer", "ref": ref, **result})

    async def _answer(self, request: SocketRequest) -> dict[str, Any]:
        match request:
            case Subscribe():
                return await self._subscribe(request)
            case Unsubscribe():
                return {"was_subscribed": self._follows.end(ThreadId(request.thread_id))}
            case SendToThread():
                return await self._send(request)
            case Cancel():
                return {"run": await self._cancel(RunId(request.run_id))}
            case SetPresence():
                return self._set_presence(request)
            case Typing():
                return await self._type(request)
            case _:
                assert_never(request)

    async def _subscribe(self, request: Subscribe) -> dict[str, Any]:
        thread_id = ThreadId(request.thread_id)
        self._principal.require("read")
        if thread_id in self._follows:
            raise InvalidRequest("This socket follows this thread already.", pointer="/thread_id")
        if len(self._follows) >= SOCKET_THREADS_MAX:
            raise InvalidRequest(f"A socket follows at most {SOCKET_THREADS_MAX} threads.", pointer="/thread_id")
        scope, start = await start_in(self._house, self._principal, thread_id, str(request.after))
        self._follow(scope, thread_id, start)
        return {"thread_id": thread_id, "seq": start}

    async def _send(self, request: SendToThread) -> dict[str, Any]:
        if request.message.stream or request.message.background:
            raise InvalidRequest("A socket has one form of delivery.", pointer="/message/stream")
        thread_id = ThreadId(request.thread_id) if request.thread_id else self._home
        assert thread_id is not None, "every socket has a thread of its own"
        key = None if request.idempotency_key is None else checked_key(request.idempotency_key)
        send = to_send(request.message, self._principal, key)
        scope = for_whom(await thread_scope(self._house, self._principal, thread_id), request.message)
        accepted = await self._house.engine.send(scope, thread_id, send)
        runs = [await self._with_input(scope, row) for row in accepted.runs]
        first = runs[0] if runs else None
        return {"message": accepted.message, "run": first, "runs": runs, "is_replay": accepted.is_replay}

    async def _cancel(self, run_id: RunId) -> Run:
        self._principal.require("send")
        scope = await run_scope(self._house, self._principal, run_id)
        await self._house.engine.cancel(scope, run_id)
        return (await self._house.engine.run(scope, run_id)).run

    def _set_presence(self, request: SetPresence) -> dict[str, Any]:
        seats = self._seats_for(request.thread_id) if request.thread_id else dict(self._seats)
        self._check_whisper()
        for thread_id, seat in seats.items():
            self._house.presence.set_status(thread_id, seat, request.status)
        return {"status": request.status}

    async def _type(self, request: Typing) -> dict[str, Any]:
        self._principal.require("send")
        seats = self._seats_for(request.thread_id or self._home or "")
        self._check_whisper()
        for thread_id in seats:
            await self._require_voice(thread_id)
        for thread_id, seat in seats.items():
            self._house.presence.type(thread_id, seat, request.is_typing)
        return {}

    def _seats_for(self, thread_id: str) -> dict[ThreadId, Seat]:
        seat = self._seats.get(ThreadId(thread_id))
        if seat is None:
            raise NotFound("This socket does not follow this thread.")
        return {ThreadId(thread_id): seat}

    def _check_whisper(self) -> None:
        if self._person is None:
            raise Forbidden("A key is nobody: open the socket with `end_user_id` to be seen.")
        if not self._whisper_pace.allows():
            raise RateLimited("That is more than anybody types.", retry_after=1)

    async def _require_voice(self, thread_id: ThreadId) -> None:
        """Raise Forbidden where whoever asks only reads this thread."""
        scope = await thread_scope(self._house, self._principal, thread_id)

        async def script(reader: Reader) -> MemberRole:
            return await reader.role(scope, thread_id)

        if await self._house.store.read(scope, script) == "viewer":
            raise Forbidden("A viewer of this thread writes nothing in it.")

    async def _with_input(self, scope: Scope, row: RunRow) -> Run:
        async def script(reader: Reader) -> Run:
            return (await with_input(reader, scope, row)).run

        return await self._house.store.read(scope, script)

    def _follow(self, scope: Scope, thread_id: ThreadId, start: int) -> None:
        self._follows.begin(scope, thread_id, start)
        self._seats[thread_id] = self._house.presence.enter(thread_id, self._person, self._show)

    def _leave(self, thread_id: ThreadId) -> None:
        seat = self._seats.pop(thread_id, None)
        if seat is not None:
            self._house.presence.leave(thread_id, seat)

    def _show(self, kind: str, payload: bytes) -> None:
        self._connection.write(socket.text(payload))

    def _lose(self, error: Unavailable) -> None:
        log.info("socket_closed", why=error.detail)
        self._connection.end(CLOSED_LATER, "the store is away")

    def _say(self, value: dict[str, Any]) -> None:
        self._connection.write(socket.message(value))


async def start_in(house: House, principal: Principal, thread_id: ThreadId, after: str | None) -> tuple[Scope, int]:
    """Return in which scope and after which seq to follow a thread. Raises NotFound, BadCursor."""
    cursor = to_cursor(after)
    scope = await thread_scope(house, principal, thread_id)
    start = await house.engine.tail.start_of(scope, thread_id, cursor)
    await house.engine.see_to_thread(scope, thread_id)
    return scope, start
