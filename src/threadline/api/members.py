"""The routes of who takes part in a thread: invite, list, change, remove."""

from typing import Any

from fastapi import APIRouter, Request, Response
from msgspec import UNSET, structs

from threadline.api.agent_bodies import check_handle
from threadline.api.answers import MemberPage
from threadline.api.house import Asking, TheHouse, answer, thread_scope
from threadline.api.member_bodies import AddMember, UpdateMember
from threadline.api.requests import body_of
from threadline.api.spec import gives, takes
from threadline.engine.members import Invitation, add_member, remove_member, update_member
from threadline.ids import ThreadId
from threadline.room_records import Member
from threadline.scopes import System
from threadline.store.contract import Reader, Transaction

router = APIRouter(tags=["members"])

_REMOVE = System("take somebody out of a thread: a request deletes nothing")


@router.post(
    "/v1/threads/{thread_id}/members",
    status_code=201,
    openapi_extra=takes(AddMember),
    responses={
        **gives(Member, 201, (403, 404, 409, 413), "Somebody takes part from here on."),
        200: {
            "description": "Who is there already, as he is.",
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Member"}}},
        },
    },
)
async def post_member(request: Request, house: TheHouse, principal: Asking, thread_id: str) -> Response:
    """Invite a person or an agent into a thread."""
    body = await body_of(request, AddMember)
    principal.require("send")
    if body.handle is not None:
        check_handle(body.handle)
    scope = await thread_scope(house, principal, ThreadId(thread_id))
    wanted = Invitation(**structs.asdict(body))

    async def script(transaction: Transaction) -> tuple[Member, bool]:
        now_ms = house.clock.now_ms()
        return await add_member(transaction, scope, ThreadId(thread_id), wanted, house.ids, now_ms)

    member, is_new = await house.journal.write(scope, script)
    return answer(member, 201 if is_new else 200)


@router.get("/v1/threads/{thread_id}/members", responses=gives(MemberPage, errors=(403, 404)))
async def list_members(house: TheHouse, principal: Asking, thread_id: str) -> Response:
    """List who takes part, in the order of their coming: all of them. A thread that is no room has none."""
    principal.require("read")
    scope = await thread_scope(house, principal, ThreadId(thread_id))

    async def script(reader: Reader) -> list[Member]:
        return await reader.members(scope, ThreadId(thread_id))

    return answer(MemberPage(await house.store.read(scope, script)))


@router.patch(
    "/v1/threads/{thread_id}/members/{member_id:path}",
    openapi_extra=takes(UpdateMember),
    responses=gives(Member, errors=(403, 404, 409, 413)),
)
async def patch_member(
    request: Request, house: TheHouse, principal: Asking, thread_id: str, member_id: str
) -> Response:
    """Change a member, named by its id, its end user's or agent's id, or its handle."""
    body = await body_of(request, UpdateMember)
    principal.require("send")
    changed: dict[str, Any] = {name: value for name, value in structs.asdict(body).items() if value is not UNSET}
    if changed.get("handle") is not None:
        check_handle(changed["handle"])
    scope = await thread_scope(house, principal, ThreadId(thread_id))

    async def script(transaction: Transaction) -> Member:
        return await update_member(transaction, scope, ThreadId(thread_id), member_id, changed)

    return answer(await house.journal.write(scope, script))


@router.delete(
    "/v1/threads/{thread_id}/members/{member_id:path}",
    status_code=204,
    responses=gives(None, 204, (403, 404), "The member takes part no more."),
)
async def delete_member(house: TheHouse, principal: Asking, thread_id: str, member_id: str) -> Response:
    """Remove a member, or leave. The streams of a person who is removed end."""
    principal.require("send")
    scope = await thread_scope(house, principal, ThreadId(thread_id))

    async def script(transaction: Transaction) -> None:
        await remove_member(transaction, scope, ThreadId(thread_id), member_id)

    await house.journal.write(_REMOVE, script)
    return Response(status_code=204)
