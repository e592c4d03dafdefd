"""Sessions and shares in both stores: a link begins one session, what ends is over, and hashes find what they are for."""

import pytest

from threadline.errors import NotFound
from threadline.ids import MessageId, SessionId, ShareId, ThreadId
from threadline.store.contract import Reader, Transaction
from threadline.store.contract_web import SessionRow, ShareRow

from .conftest import MINE, NOW, SYSTEM, THEIRS, Bench
from .kits import StoreKit

LATER = "2026-01-01T01:00:00.000Z"
LATEST = "2026-02-01T00:00:00.000Z"


def a_link(bench: Bench) -> SessionRow:
    """Return a session that nobody has begun."""
    return SessionRow(
        tenant_id=MINE.tenant_id,
        tenant_name="mine",
        id=SessionId(bench.ids.make("ses")),
        role="operator",
        end_user_id="ann",
        key_id=None,
        secret_hash=b"link",
        created_at=NOW,
        begun_at=None,
        expires_at=LATER,
    )


async def stored(bench: Bench) -> SessionRow:
    """Store a link, and its tenant."""
    row = a_link(bench)

    async def script(transaction: Transaction) -> None:
        await transaction.insert_tenant(SYSTEM, MINE.tenant_id, "mine", NOW)
        await transaction.insert_session(MINE, row)

    await bench.write(script)
    return row


async def found(bench: Bench, session_id: SessionId) -> SessionRow | None:
    """Read a session."""

    async def script(reader: Reader) -> SessionRow | None:
        return await reader.session_by_id(SYSTEM, session_id)

    return await bench.store.read(SYSTEM, script)


async def begin(bench: Bench, row: SessionRow, now: str = NOW, scope: object = MINE) -> None:
    """Begin a session."""
    await bench.write(lambda transaction: transaction.begin_session(scope, row.id, b"cookie", now, LATEST))


async def test_a_link_begins_one_session(bench: Bench) -> None:
    """It comes back as it was, and once begun it has another secret and cannot be begun again."""
    row = await stored(bench)
    assert await found(bench, row.id) == row
    await begin(bench, row)
    begun = await found(bench, row.id)
    assert begun is not None
    assert (begun.secret_hash, begun.begun_at, begun.expires_at) == (b"cookie", NOW, LATEST)
    with pytest.raises(NotFound):
        await begin(bench, row)


async def test_a_link_is_good_in_its_time_and_tenant_only(bench: Bench) -> None:
    """Past its time, ended, or in another tenant's name it begins nothing."""
    row = await stored(bench)
    with pytest.raises(NotFound):
        await begin(bench, row, now=LATER)
    with pytest.raises(NotFound):
        await begin(bench, row, scope=THEIRS)
    with pytest.raises(NotFound):
        await bench.write(lambda transaction: transaction.end_session(THEIRS, row.id, NOW))
    for _ in range(2):
        await bench.write(lambda transaction: transaction.end_session(MINE, row.id, NOW))
    with pytest.raises(NotFound):
        await begin(bench, row)
    assert (await found(bench, row.id)).ended_at == NOW  # type: ignore[union-attr]


async def test_sessions_are_swept_when_they_are_over(bench: Bench, kit: StoreKit) -> None:
    """Those past their end, and no others."""
    row = await stored(bench)
    assert await bench.write(lambda transaction: transaction.sweep_sessions(SYSTEM, LATER)) == 0
    assert await bench.write(lambda transaction: transaction.sweep_sessions(SYSTEM, LATEST)) == 1
    assert await found(bench, row.id) is None
    assert kit.count("sessions") == 0


def a_share(bench: Bench, thread_id: ThreadId, secret_hash: bytes = b"address") -> ShareRow:
    """Return a share."""
    return ShareRow(
        tenant_id=MINE.tenant_id,
        id=ShareId(bench.ids.make("shr")),
        thread_id=thread_id,
        message_id=MessageId("msg_1"),
        secret_hash=secret_hash,
        created_at=NOW,
        expires_at=LATER,
    )


async def test_a_share_is_found_by_its_address(bench: Bench) -> None:
    """And by its thread, for whoever may see that; revoking it is not seen by its address alone."""
    thread = await bench.thread()
    row, other = a_share(bench, thread.id), a_share(bench, thread.id, b"other")
    await bench.write(lambda transaction: transaction.insert_share(MINE, row))
    await bench.write(lambda transaction: transaction.insert_share(MINE, other))
    await bench.write(lambda transaction: transaction.revoke_share(MINE, thread.id, other.id, NOW))
    with pytest.raises(NotFound):
        await bench.write(lambda transaction: transaction.revoke_share(THEIRS, thread.id, row.id, NOW))
    with pytest.raises(NotFound):
        await bench.write(lambda transaction: transaction.revoke_share(MINE, thread.id, ShareId("shr_0"), NOW))

    async def script(reader: Reader) -> None:
        assert await reader.share_by_hash(SYSTEM, b"address") == row
        assert await reader.share_by_hash(SYSTEM, b"nothing") is None
        revoked = await reader.share_by_hash(SYSTEM, b"other")
        assert revoked is not None
        assert revoked.revoked_at == NOW
        assert await reader.shares(MINE, thread.id) == [row, revoked]
        with pytest.raises(NotFound):
            await reader.shares(THEIRS, thread.id)

    await bench.store.read(SYSTEM, script)


async def test_shares_go_with_their_thread(bench: Bench, kit: StoreKit) -> None:
    """The sweep of a deleted thread takes them along."""
    thread = await bench.thread()
    await bench.write(lambda transaction: transaction.insert_share(MINE, a_share(bench, thread.id)))
    await bench.write(lambda transaction: transaction.delete_thread(MINE, thread.id, NOW))
    while await bench.write(lambda transaction: transaction.sweep_deleted(SYSTEM)):
        pass
    assert kit.count("shares") == 0
