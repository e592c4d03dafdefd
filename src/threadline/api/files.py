"""The routes of files: upload, look, download, and links for those who can send no headers."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from starlette.requests import ClientDisconnect
from starlette.responses import StreamingResponse

from threadline.access.tokens import Link
from threadline.api.answers import FileLink
from threadline.api.bodies import CreateLink
from threadline.api.house import Asking, TheHouse, answer, asking_for_stream, wired
from threadline.api.requests import body_of
from threadline.api.spec import gives, takes
from threadline.clock import rfc3339
from threadline.engine.files import Upload
from threadline.errors import InvalidRequest, Unauthorized
from threadline.file_records import File, FileId
from threadline.ids import TenantId
from threadline.limits import END_USER_ID_CHARS_MAX, FILE_NAME_CHARS_MAX, UPLOAD_SILENCE_SECONDS
from threadline.scopes import Scope, Tenant

router = APIRouter(tags=["files"])

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
    },
)
async def get_content(
    request: Request,
    house: TheHouse,
    file_id: str,
    link: Annotated[str | None, Query(max_length=2048, description="From `POST /v1/files/{id}/link`.")] = None,
) -> Response:
    """Download a file's bytes, with a key, a token (also as `?token=`) or a link."""
    scope = await _may_download(request, FileId(file_id), link)
    file = await house.files.file(scope, FileId(file_id))
    chunks = house.files.read(scope.tenant_id, file)
    # The first one before the head: bytes that are lost are an error, and no broken download.
    first = await anext(chunks, b"")

    async def body() -> AsyncIterator[bytes]:
        yield first
        async for chunk in chunks:
            yield chunk

    return StreamingResponse(body(), 200, _headers(file), media_type=file.media_type)


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
                yield await anext(stream)
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
        "content-length": str(file.size),
        "content-disposition": f"{manner}; filename*=UTF-8''{quote(file.name or file.id, safe='')}",
        # A file is what its uploader says and nothing else, and runs nothing whatever it is.
        "x-content-type-options": "nosniff",
        "content-security-policy": "default-src 'none'; sandbox",
        "cache-control": "private, max-age=3600, immutable",
        "etag": f'"{file.sha256}"',
    }
