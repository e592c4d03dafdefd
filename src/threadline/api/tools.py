"""The routes of registered tools. Never for an end user's token: a leaked one must not point a webhook anywhere."""

import secrets
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request, Response
from msgspec import UNSET, structs
from yarl import URL

from threadline.access.principals import Principal
from threadline.api.house import Asking, House, TheHouse, answer
from threadline.api.requests import body_of
from threadline.api.spec import gives, takes
from threadline.api.tool_answers import DefinitionPage, ToolPage
from threadline.api.tool_bodies import CreateTool, UpdateTool, check_form, check_name, check_whole
from threadline.clock import rfc3339
from threadline.errors import InvalidRequest
from threadline.ids import ToolId
from threadline.limits import MCP_SERVERS_PER_TENANT_MAX, TOOLS_PER_TENANT_MAX
from threadline.store.contract import Reader, Transaction
from threadline.tool_records import Registration, ToolRow, shown
from threadline.tools.approval import check_approval
from threadline.tools.webhook import SECRET_BYTES, make_secret

router = APIRouter(tags=["tools"])


@router.post(
    "/v1/tools",
    status_code=201,
    openapi_extra=takes(CreateTool),
    responses=gives(Registration, 201, (403, 409, 413), "The tool; a webhook's secret is shown this once."),
)
async def create_tool(request: Request, house: TheHouse, principal: Asking) -> Response:
    """Register a webhook, an MCP server, or a tool that the client answers."""
    principal.require_key()
    body = await body_of(request, CreateTool)
    check_name(body.name, body.kind)
    check_form(body.kind, structs.asdict(body))
    check_whole(body.kind, structs.asdict(body))
    row = _made(house, principal, body)
    _check(house, row)

    async def script(transaction: Transaction) -> None:
        _check_room(await transaction.tools(principal.scope), row)
        await transaction.insert_tool(principal.scope, row)

    await house.journal.write(principal.scope, script)
    return answer(shown(row, row.secret), 201, {"Location": f"/v1/tools/{row.id}"})


@router.get("/v1/tools", responses=gives(ToolPage, errors=(403,)))
async def list_tools(house: TheHouse, principal: Asking) -> Response:
    """List the tenant's tools by name, without their secrets, and those of the installation."""
    principal.require_key()

    async def script(reader: Reader) -> list[ToolRow]:
        return await reader.tools(principal.scope)

    rows = await house.store.read(principal.scope, script)
    return answer(ToolPage([shown(row) for row in rows], list(await house.catalog.installed())))


@router.get("/v1/tools/{tool}", responses=gives(Registration, errors=(403, 404)))
async def get_tool(house: TheHouse, principal: Asking, tool: str) -> Response:
    """Return a tool by its name or id."""
    return answer(shown(await _found(house, principal, tool)))


@router.get("/v1/tools/{tool}/definitions", responses=gives(DefinitionPage, errors=(403, 404, 502)))
async def list_definitions(house: TheHouse, principal: Asking, tool: str) -> Response:
    """Return what a model is told of a tool; an MCP server is asked for its list now."""
    row = await _found(house, principal, tool)
    return answer(DefinitionPage(list(await house.catalog.definitions(row))))


@router.patch(
    "/v1/tools/{tool}",
    openapi_extra=takes(UpdateTool),
    responses=gives(Registration, errors=(403, 404, 413), words="The tool, with its secret if that was made anew."),
)
async def update_tool(request: Request, house: TheHouse, principal: Asking, tool: str) -> Response:
    """Change a tool. Answers that begin from now on see it changed."""
    principal.require_key()
    body = await body_of(request, UpdateTool)

    async def script(transaction: Transaction) -> ToolRow:
        row = await transaction.tool(principal.scope, tool)
        changed = _changed(house, row, body)
        _check(house, changed)
        await transaction.save_tool(principal.scope, changed)
        return changed

    row = await house.journal.write(principal.scope, script)
    return answer(shown(row, row.secret if body.rotate_secret else None))


@router.delete("/v1/tools/{tool}", status_code=204, responses=gives(None, 204, (403, 404), "Deleted."))
async def delete_tool(house: TheHouse, principal: Asking, tool: str) -> Response:
    """Take a tool away; what it has done stays in the log."""
    principal.require_key()

    async def script(transaction: Transaction) -> None:
        row = await transaction.tool(principal.scope, tool)
        await transaction.delete_tool(principal.scope, row.id, rfc3339(house.clock.now_ms()))

    await house.journal.write(principal.scope, script)
    return Response(status_code=204)


async def _found(house: House, principal: Principal, tool: str) -> ToolRow:
    principal.require_key()

    async def script(reader: Reader) -> ToolRow:
        return await reader.tool(principal.scope, tool)

    return await house.store.read(principal.scope, script)


def _made(house: House, principal: Principal, body: CreateTool) -> ToolRow:
    now = rfc3339(house.clock.now_ms())
    return ToolRow(
        tenant_id=principal.scope.tenant_id,
        id=ToolId(house.ids.make("tool")),
        name=body.name,
        kind=body.kind,
        description=body.description,
        input_schema=body.input_schema,
        url=body.url,
        approval=body.approval,
        idempotent=body.idempotent,
        timeout_ms=round(body.timeout_seconds * 1000),
        allow=body.allow,
        secret=_new_secret() if body.kind == "webhook" else None,
        headers=body.headers or {},
        created_at=now,
        updated_at=now,
    )


def _changed(house: House, row: ToolRow, body: UpdateTool) -> ToolRow:
    """Return the row as it is to be. Raises InvalidRequest."""
    given: dict[str, Any] = {name: value for name, value in structs.asdict(body).items() if value is not UNSET}
    check_form(row.kind, given)
    if given.pop("rotate_secret"):
        if row.kind != "webhook":
            raise InvalidRequest("Only a webhook has a secret.", pointer="/rotate_secret")
        given["secret"] = _new_secret()
    if "url" in given and row.headers and "headers" not in given and _origin(given["url"]) != _origin(row.url or ""):
        # Or whoever may change an address could have the secrets of another one sent to it.
        raise InvalidRequest("For another server give its `headers` too.", pointer="/headers")
    if "timeout_seconds" in given:
        given["timeout_ms"] = round(given.pop("timeout_seconds") * 1000)
    return structs.replace(row, **given, updated_at=rfc3339(house.clock.now_ms()))


def _check(house: House, row: ToolRow) -> None:
    check_approval(row.approval)
    house.catalog.check_registration(row)


def _check_room(there: Sequence[ToolRow], row: ToolRow) -> None:
    """Raise InvalidRequest where a tenant has as many as it may have."""
    if len(there) >= TOOLS_PER_TENANT_MAX:
        raise InvalidRequest(f"A tenant has up to {TOOLS_PER_TENANT_MAX} tools.", pointer="")
    if row.kind == "mcp" and sum(each.kind == "mcp" for each in there) >= MCP_SERVERS_PER_TENANT_MAX:
        raise InvalidRequest(f"A tenant has up to {MCP_SERVERS_PER_TENANT_MAX} MCP servers.", pointer="/kind")


def _new_secret() -> str:
    return make_secret(secrets.token_bytes(SECRET_BYTES))


def _origin(text: str) -> str:
    try:
        return str(URL(text).origin())
    except ValueError as error:
        raise InvalidRequest("This is no URL.", pointer="/url") from error
