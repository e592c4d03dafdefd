"""Shared pages: a thread up to one message, read-only, for whoever has the address, without JavaScript.

The address has 256 random bits, and only their hash is stored. It opens this page and nothing else; an unknown, a
revoked and an expired one and one of a deleted thread answer alike.
"""

import asyncio
import secrets
from collections.abc import Sequence
from html import escape
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from threadline.access.keys import hashed
from threadline.api.answers import Model
from threadline.api.house import Asking, TheHouse, answer, thread_scope
from threadline.api.requests import body_of
from threadline.api.spec import gives, takes
from threadline.api.threads import seen
from threadline.api.web.html import document
from threadline.api.web.messages import messages_html
from threadline.api.web.policy import page
from threadline.api.web.share_bodies import CreateShare, Share, SharePage
from threadline.clock import rfc3339
from threadline.engine.state import with_words
from threadline.errors import InvalidRequest, NotFound, RateLimited
from threadline.ids import MessageId, ShareId, ThreadId
from threadline.limits import SHARES_PER_THREAD_MAX
from threadline.records import Message, Thread
from threadline.scopes import System, Tenant
from threadline.store.contract import Reader, Transaction
from threadline.store.contract_branches import BranchQuery
from threadline.store.contract_web import ShareRow

MESSAGES_PER_PAGE = 200
"""Messages of one shared page. Before them there is a link to the earlier ones."""

_OPEN = System("open a shared page by its address")

router = APIRouter(tags=["shares"])


@router.post(
    "/v1/threads/{thread_id}/share",
    status_code=201,
    openapi_extra=takes(CreateShare, required=False),
    responses=gives(Share, 201, (403, 404, 413, 429), "A page. Its `url` is shown this once."),
)
async def create_share(request: Request, house: TheHouse, principal: Asking, thread_id: str) -> Response:
    """Make a read-only page of a thread, up to a message or to its newest one."""
    body = await body_of(request, CreateShare, default=b"{}")
    principal.require("send")
    scope = await thread_scope(house, principal, ThreadId(thread_id))
    secret, now_ms = secrets.token_urlsafe(32), house.clock.now_ms()
    share_id = ShareId(house.ids.make("shr"))

    async def script(transaction: Transaction) -> ShareRow:
        thread = (await transaction.thread(scope, ThreadId(thread_id))).thread
        message_id = body.message_id or thread.tip_message_id
        if message_id is None:
            raise InvalidRequest("There is nothing to share yet.", pointer="/message_id")
        await transaction.message_of(scope, thread.id, MessageId(message_id))
        if len(await transaction.shares(scope, thread.id)) >= SHARES_PER_THREAD_MAX:
            raise RateLimited(f"A thread has at most {SHARES_PER_THREAD_MAX} shares.")
        row = ShareRow(
            tenant_id=scope.tenant_id,
            id=share_id,
            thread_id=thread.id,
            message_id=MessageId(message_id),
            secret_hash=hashed(secret),
            created_at=rfc3339(now_ms),
            expires_at=rfc3339(now_ms + body.expires_in * 1000),
        )
        await transaction.insert_share(scope, row)
        return row

    row = await house.journal.write(scope, script)
    url = str(request.base_url.replace(path=f"/s/{secret}"))
    return answer(_shown(row, url), 201, {"Location": url})


@router.get("/v1/threads/{thread_id}/shares", responses=gives(SharePage, errors=(403, 404)))
async def list_shares(house: TheHouse, principal: Asking, thread_id: str) -> Response:
    """List the shared pages of a thread, revoked ones too, without their addresses."""
    principal.require("read")
    scope = await thread_scope(house, principal, ThreadId(thread_id))

    async def script(reader: Reader) -> list[ShareRow]:
        return await reader.shares(scope, ThreadId(thread_id))

    return answer(SharePage([_shown(row) for row in await house.store.read(scope, script)]))


@router.delete(
    "/v1/threads/{thread_id}/shares/{share_id}", status_code=204, responses=gives(None, 204, (403, 404), "Revoked.")
)
async def revoke_share(house: TheHouse, principal: Asking, thread_id: str, share_id: str) -> Response:
    """Make a shared page unreadable, at once and for good."""
    principal.require("send")
    scope = await thread_scope(house, principal, ThreadId(thread_id))
    revoked_at = rfc3339(house.clock.now_ms())

    async def script(transaction: Transaction) -> None:
        await transaction.revoke_share(scope, ThreadId(thread_id), ShareId(share_id), revoked_at)

    await house.journal.write(scope, script)
    return Response(status_code=204)


@router.get("/s/{secret}", include_in_schema=False)
async def shared_page(
    house: TheHouse, secret: str, before: Annotated[str | None, Query(max_length=64)] = None
) -> Response:
    """Show a shared thread."""

    async def script(reader: Reader) -> tuple[Thread, Sequence[Message]]:
        row = await reader.share_by_hash(_OPEN, hashed(secret))
        if row is None or row.revoked_at is not None or row.expires_at <= rfc3339(house.clock.now_ms()):
            raise NotFound
        scope = Tenant(row.tenant_id)
        thread = (await reader.thread(scope, row.thread_id)).thread
        after = None if before is None else MessageId(before)
        if after is not None and not await reader.leads_to(scope, row.thread_id, after, row.message_id):
            # Of another branch, or said later: that was not shared.
            raise NotFound
        query = BranchQuery(row.message_id, after=after, limit=MESSAGES_PER_PAGE + 1)
        messages = (await reader.branch(scope, row.thread_id, query))[::-1]
        return thread, await with_words(reader, scope, row.thread_id, messages)

    try:
        thread, messages = await house.store.read(_OPEN, script)
    except NotFound:
        words = "<main><h1>There is nothing here</h1><p>This page has expired, or is shared no more.</p></main>"
        return _private(page(document("Not found", words), 404))
    return _private(page(await _document(thread, messages, house.models, f"/s/{escape(secret)}")))


async def _document(thread: Thread, messages: Sequence[Message], models: Sequence[Model], address: str) -> str:
    title = thread.title or "Conversation"
    shown = messages[-MESSAGES_PER_PAGE:]
    earlier = (
        f'<p><a href="{address}?before={shown[0].id}">Earlier messages</a></p>' if len(messages) > len(shown) else ""
    )
    # Tool traffic is nobody's business but theirs who talk: what a tool has answered may be anything.
    words = await asyncio.to_thread(messages_html, seen(shown, "user"), models)
    return document(
        title,
        f'<main>\n<h1>{escape(title)}</h1>\n<p class="soft">A shared conversation.</p>\n{earlier}{words}\n</main>',
    )


def _private(response: Response) -> Response:
    # Whoever has the address may read; a search engine that has found it somewhere may not tell others.
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _shown(row: ShareRow, url: str | None = None) -> Share:
    return Share(
        id=row.id,
        thread_id=row.thread_id,
        message_id=row.message_id,
        url=url,
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )
