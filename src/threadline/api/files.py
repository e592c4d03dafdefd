"""The routes of files: upload, look, download, and links for those who can send no headers."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from starlette.requests import ClientDisconnect
from starlette.responses import StreamingResponse

from threadline.access.tokens import Link
from threadline.api.answers import FileLink, FilePage
from threadline.api.bodies import CreateLink
from threadline.api.house import Asking, TheHouse, answer, asking_for_stream, thread_scope, wired
from threadline.api.ranges import is_known, part_of
from threadline.api.requests import body_of, from_page_cursor, to_page_cursor
from threadline.api.spec import gives, takes
from threadline.api.threads import Cursor, Limit
from threadline.clock import rfc3339
from threadline.engine.files import Upload
from threadline.errors import InvalidRequest, Unauthorized
from threadline.file_records import File, FileId, FileQuery
from threadline.ids import TenantId, ThreadId
from threadline.limits import END_USER_ID_CHARS_MAX, FILE_NAME_CHARS_MAX, QUERY_CHARS_MAX, UPLOAD_SILENCE_SECONDS
from threadline.scopes import Scope, Tenant

router = APIRouter(tags=["files"])

_UNSAFE_IN_NAMES = re.compile(r'[\x00-\x1f\x7f-\x9f/\\<>:"|?*\u200e\u200f\u2028-\u202e\u2066-\u2069]')
"""What leads out of a folder, ends a line, or turns the direction of writing, so that `exe.png` reads as `gnp.exe`."""

SHOWN = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "application/pdf"})
"""What a browser may show in place. Everything else is saved: a page with a script in it would run as ours."""


@router.post(
    "/v1/files",
    status_code=201,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
    responses=gives(File, 201, (403, 413, 415), "The file."),
)
async def upload_file(
    request: Request,
    house: TheHouse,
    principal: Asking,
    name: Annotated[str | None, Query(min_length=1, max_length=FILE_NAME_CHARS_MAX)] = None,
    end_user_id: Annotated[str | None, Query(min_length=1, max_length=END_USER_ID_CHARS_MAX)] = None,
) -> Response:
    """Upload the body as a file of the type in `Content-Type`. The same upload again is the same file."""
    principal.require("send")
    media_type = _media_type(request.headers.get("content-type", "application/octet-stream"))
    upload = Upload(media_type, name, end_user_id)
    return answer(await house.files.take(principal.scope, upload, _chunks(request)), 201)


@router.get("/v1/files", responses=gives(FilePage, errors=(400, 403, 404)))
async def list_files(
    house: TheHouse,
    principal: Asking,
    thread_id: Annotated[str | None, Query(max_length=QUERY_CHARS_MAX)] = None,
    end_user_id: Annotated[str | None, Query(min_length=1, max_length=END_USER_ID_CHARS_MAX)] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """List files, newest first: a token's own ones, a key's tenant's, or those of a thread."""
    principal.require("read")
    before = None if cursor is None else from_page_cursor(cursor, tuple[str, FileId])
    query = FileQuery(
        thread_id=None if thread_id is None else ThreadId(thread_id),
        end_user_id=end_user_id,
        before=before,
        limit=limit + 1,
    )
    scope = principal.scope if thread_id is None else await thread_scope(house, principal, ThreadId(thread_id))
    found = await house.files.listed(scope, query)
    page, has_more = found[:limit], len(found) > limit
    return answer(FilePage(page, has_more, to_page_cursor(page[-1].created_at, page[-1].id) if has_more else None))


@router.delete("/v1/files/{file_id}", status_code=204, responses=gives(None, 204, (403, 404, 409)))
async def delete_file(house: TheHouse, principal: Asking, file_id: str) -> Response:
    """Delete a file that no thread has in a message."""
    principal.require("send")
    await house.files.delete(principal.scope, FileId(file_id))
    return Response(status_code=204)


@router.get("/v1/files/{file_id}", responses=gives(File, errors=(403, 404)))
async def get_file(house: TheHouse, principal: Asking, file_id: str) -> Response:
    """Return what is known of a file."""
    principal.require("read")
    return answer(await house.files.file(principal.scope, FileId(file_id)))


@router.post(
    "/v1/files/{file_id}/link",
    status_code=201,
    openapi_extra=takes(CreateLink, required=False),
    responses=gives(FileLink, 201, (403, 404, 413), "The link."),
)
async def create_link(request: Request, house: TheHouse, principal: Asking, file_id: str) -> Response:
    """Make a short-lived link to a file's bytes, for an `<img>` or a download."""
    body = await body_of(request, CreateLink, default=b"{}")
    principal.require("read")
    file = await house.files.file(principal.scope, FileId(file_id))
    expires_at_ms = house.clock.now_ms() + body.expires_in * 1000
    if principal.expires_at_ms is not None:
        # What a token hands on ends with it.
        expires_at_ms = min(expires_at_ms, principal.expires_at_ms)
    link = Link(principal.key_id, TenantId(principal.scope.tenant_id), file.id, expires_at_ms)
    signed = house.access.signer.issue_link(link)
    return answer(FileLink(f"/v1/files/{file.id}/content?link={signed}", rfc3339(expires_at_ms // 1000 * 1000)), 201)


@router.get(
    "/v1/files/{file_id}/content",
    responses={
        **gives(None, errors=(403, 404)),
        200: {"description": "The bytes.", "content": {"application/octet-stream": {}}},
        206: {"description": "The part that `Range` names.", "content": {"application/octet-stream": {}}},
        304: {"description": "`If-None-Match` names this file: the asker has it."},
        416: {"description": "The file has no such part."},
    },
)
async def get_content(
    request: Request,
    house: TheHouse,
    file_id: str,
    link: Annotated[str | None, Query(max_length=2048, description="From `POST /v1/files/{id}/link`.")] = None,
) -> Response:
    """Download a file's bytes or one `Range` of them, with a key, a token (also as `?token=`) or a link."""
    scope = await _may_download(request, FileId(file_id), link)
    file = await house.files.file(scope, FileId(file_id))
    given, headers = request.headers, _headers(file)
    if is_known(given.get("if-none-match"), headers["etag"]):
        return Response(status_code=304, headers=headers)
    part = part_of(given.get("range"), given.get("if-range"), headers["etag"], file.size)
    if part is None:
        return Response(status_code=416, headers={**headers, "content-range": f"bytes */{file.size}"})
    headers["content-length"] = str(part.length)
    if not part.is_whole:
        headers["content-range"] = f"bytes {part.start}-{part.end - 1}/{file.size}"
    chunks = house.files.read(TenantId(scope.tenant_id), file, part.start, None if part.is_whole else part.end)
    # The first one before the head: bytes that are lost are an error, and no broken download.
    first = await anext(chunks, b"")

    async def body() -> AsyncIterator[bytes]:
        yield first
        async for chunk in chunks:
            yield chunk

    return StreamingResponse(body(), 200 if part.is_whole else 206, headers, media_type=file.media_type)


async def _may_download(request: Request, file_id: FileId, link: str | None) -> Scope:
    if link is None:
        principal = await asking_for_stream(request)
        principal.require("read")
        return principal.scope
    access = wired(request).access
    signed = access.signer.read_link(link)
    if signed.file_id != file_id:
        raise Unauthorized("The link is for another file.")
    if signed.key_id is not None:
        await access.check_key(signed.key_id, signed.tenant_id)
    return Tenant(signed.tenant_id)


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    stream = request.stream()
    try:
        while True:
            async with asyncio.timeout(UPLOAD_SILENCE_SECONDS):
                chunk = await anext(stream)
            # Outside of it: how long the disk takes is no silence of the client's.
            yield chunk
    except StopAsyncIteration:
        return
    except TimeoutError as error:
        raise InvalidRequest("The upload has stopped.", pointer="") from error
    except ClientDisconnect as error:
        raise InvalidRequest("The connection was closed before the file had arrived.", pointer="") from error


def _media_type(header: str) -> str:
    """Return the type without its parameters. Raises InvalidRequest."""
    found = header.partition(";")[0].strip().lower()
    kind, slash, rest = found.partition("/")
    if not slash or not (kind.isascii() and kind.isalpha()) or not rest or len(found) > 255:
        raise InvalidRequest("A Content-Type is such as `image/png`.", pointer="/headers/content-type")
    if not all(letter.isascii() and (letter.isalnum() or letter in ".+-_") for letter in rest):
        raise InvalidRequest("A Content-Type is such as `image/png`.", pointer="/headers/content-type")
    return found


def _headers(file: File) -> dict[str, str]:
    manner = "inline" if file.media_type in SHOWN else "attachment"
    return {
        "content-disposition": f"{manner}; {_named(file.name or file.id)}",
        "accept-ranges": "bytes",
        # A file is what its uploader says and nothing else, and runs nothing whatever it is.
        "x-content-type-options": "nosniff",
        "content-security-policy": "default-src 'none'; sandbox",
        "cache-control": "private, max-age=3600, immutable",
        "etag": f'"{file.sha256}"',
    }


def _named(name: str) -> str:
    """Return the name that a download is saved under (RFC 6266), without what would lead out of a folder or a header.

    The plain form is for programs that do not know the other one.
    """
    safe = _UNSAFE_IN_NAMES.sub("_", name).lstrip(".") or "file"
    plain = safe.encode("ascii", "replace").decode().replace("?", "_")
    return f"filename=\"{plain}\"; filename*=UTF-8''{quote(safe, safe='')}"
