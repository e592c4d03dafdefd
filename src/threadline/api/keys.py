"""The routes of keys, end-user tokens and models."""

from fastapi import APIRouter, Request, Response

from threadline.access.keys import Key, add_key, shown
from threadline.access.tokens import RIGHTS, IssuedToken, Token
from threadline.api.answers import KeyPage, ModelPage
from threadline.api.bodies import CreateKey, CreateToken
from threadline.api.house import Asking, TheHouse, answer
from threadline.api.requests import body_of
from threadline.api.spec import gives, takes
from threadline.clock import rfc3339
from threadline.errors import Forbidden
from threadline.ids import KeyId, ThreadId
from threadline.store.contract import KeyRow, Reader, Transaction

router = APIRouter(tags=["access"])


@router.post(
    "/v1/tokens",
    status_code=201,
    openapi_extra=takes(CreateToken),
    responses=gives(IssuedToken, 201, (403, 413), "A token for a browser or a phone."),
)
async def create_token(request: Request, house: TheHouse, principal: Asking) -> Response:
    """Issue a short-lived token for one end user, to those threads only if any are named."""
    principal.require_key()
    if principal.key_id is None:
        raise Forbidden("A token ends with the key that issued it, and this session came by a link: use a key.")
    body = await body_of(request, CreateToken)
    token = Token(
        key_id=principal.key_id,
        tenant_id=principal.scope.tenant_id,
        end_user_id=body.end_user_id,
        thread_ids=None if body.thread_ids is None else frozenset(map(ThreadId, body.thread_ids)),
        rights=frozenset(body.rights or RIGHTS),
        expires_at_ms=house.clock.now_ms() + body.expires_in * 1000,
    )
    return answer(house.access.signer.issue(token), 201)


@router.post(
    "/v1/keys",
    status_code=201,
    openapi_extra=takes(CreateKey),
    responses=gives(Key, 201, (403, 413), "The key, with its secret, which is shown this once."),
)
async def create_key(request: Request, house: TheHouse, principal: Asking) -> Response:
    """Create a key of the asking key's tenant."""
    principal.require_admin()
    body = await body_of(request, CreateKey)
    if body.role == "operator" and principal.role != "operator":
        raise Forbidden("Only an operator makes operator keys.")

    async def script(transaction: Transaction) -> Key:
        tenant = principal.tenant_name
        return await add_key(transaction, principal.scope, tenant, body.name, body.role, house.ids, house.clock)

    return answer(await house.journal.write(principal.scope, script), 201)


@router.get("/v1/keys", responses=gives(KeyPage, errors=(403,)))
async def list_keys(house: TheHouse, principal: Asking) -> Response:
    """List the tenant's keys, revoked ones too, without their secrets."""
    principal.require_admin()

    async def script(reader: Reader) -> list[KeyRow]:
        return await reader.keys(principal.scope)

    return answer(KeyPage([shown(row) for row in await house.store.read(principal.scope, script)]))


@router.delete("/v1/keys/{key_id}", status_code=204, responses=gives(None, 204, (403, 404), "Revoked."))
async def revoke_key(house: TheHouse, principal: Asking, key_id: str) -> Response:
    """Revoke a key, with the tokens that it has issued, the sessions begun with it, and the streams of all three."""
    principal.require_admin()

    async def script(transaction: Transaction) -> None:
        await transaction.revoke_key(principal.scope, KeyId(key_id), rfc3339(house.clock.now_ms()))

    await house.journal.write(principal.scope, script)
    house.credentials.end(KeyId(key_id))
    return Response(status_code=204)


@router.get("/v1/models", responses=gives(ModelPage))
async def list_models(house: TheHouse, principal: Asking) -> Response:
    """List the models that are known by name, and which one answers when none is named."""
    return answer(ModelPage(list(house.models), house.default_model))
