"""Registered tools in both stores: rows come back as they were, names are free again, and secrets do not outlive them."""

from typing import Any

import pytest
from msgspec import structs

from threadline.errors import NameTaken, NotFound
from threadline.ids import ToolId
from threadline.scopes import EndUser
from threadline.store.contract import Reader, Script, Transaction, Write
from threadline.tool_records import ApprovalRule, Condition, ToolRow

from .conftest import MINE, NOW, THEIRS, Bench
from .kits import StoreKit

LATER = "2026-01-01T00:00:01.000Z"


def a_tool(bench: Bench, name: str = "refund") -> ToolRow:
    """Return a tool with all of its fields set."""
    return ToolRow(
        tenant_id=MINE.tenant_id,
        id=ToolId(bench.ids.make("tool")),
        name=name,
        kind="webhook",
        description="Give money back. Grüße 🧵",
        input_schema={"type": "object", "properties": {"amount": {"type": "number"}}},
        url="https://shop.example/refund",
        approval=ApprovalRule([Condition(argument="/amount", over=100), Condition(argument="/to", equals=None)]),
        idempotent=True,
        timeout_ms=1500,
        allow=["a", "b"],
        secret="whsec_c2VjcmV0",
        headers={"authorization": "Bearer hush"},
        created_at=NOW,
        updated_at=NOW,
    )


async def do(bench: Bench, script: Script[Any]) -> None:
    """Write as a request of the tenant does, behind the walls."""
    outcome = (await bench.store.commit([], [Write(MINE, script)])).outcomes[0]
    if outcome.error is not None:
        raise outcome.error


async def put(bench: Bench, row: ToolRow) -> None:
    """Store a tool."""
    await do(bench, lambda transaction: transaction.insert_tool(MINE, row))


async def test_a_tool_comes_back_as_it_was(bench: Bench) -> None:
    """Field by field, by its id and by its name, and in the list."""
    full, plain = (
        a_tool(bench),
        structs.replace(a_tool(bench, "ask"), kind="client", secret=None, headers={}, allow=None),
    )
    plain = structs.replace(plain, approval="always", url=None, input_schema=None)
    for row in (full, plain):
        await put(bench, row)

    async def script(reader: Reader) -> None:
        assert await reader.tool(MINE, full.id) == full
        assert await reader.tool(MINE, "ask") == plain
        assert await reader.tools(MINE) == [plain, full]
        assert await reader.tools(MINE, ["refund", "gone"]) == [full]
        assert await reader.tools(MINE, []) == []
        assert await reader.tools(EndUser(MINE.tenant_id, "ann"), ["ask"]) == [plain]

    await bench.store.read(MINE, script)


async def test_nobody_sees_another_tenants_tools(bench: Bench) -> None:
    """Foreign is unknown, for reading and for writing."""
    row = a_tool(bench)
    await put(bench, row)

    async def script(transaction: Transaction) -> None:
        assert await transaction.tools(THEIRS) == []
        with pytest.raises(NotFound):
            await transaction.tool(THEIRS, row.id)
        with pytest.raises(NotFound):
            await transaction.save_tool(THEIRS, row)
        with pytest.raises(NotFound):
            await transaction.delete_tool(THEIRS, row.id, LATER)

    await bench.write(script)


async def test_changes_are_kept_and_names_are_not_changed(bench: Bench) -> None:
    """All but the name, the kind and the time of its making."""
    row = a_tool(bench)
    await put(bench, row)
    changed = structs.replace(row, description="", approval="never", secret="whsec_b3RoZXI=", updated_at=LATER)
    asked = structs.replace(changed, name="other", kind="mcp")
    await do(bench, lambda transaction: transaction.save_tool(MINE, asked))
    assert await bench.store.read(MINE, lambda reader: reader.tool(MINE, row.id)) == changed


async def test_a_name_is_taken_until_its_tool_is_deleted(bench: Bench, kit: StoreKit) -> None:
    """And then it is free, while the row stays for the audit trail, without what was secret."""
    row = a_tool(bench)
    await put(bench, row)
    with pytest.raises(NameTaken):
        await put(bench, a_tool(bench))
    await do(bench, lambda transaction: transaction.delete_tool(MINE, row.id, LATER))
    with pytest.raises(NotFound):
        await do(bench, lambda transaction: transaction.delete_tool(MINE, row.id, LATER))
    with pytest.raises(NotFound):
        await bench.store.read(MINE, lambda reader: reader.tool(MINE, row.name))
    again = a_tool(bench)
    await put(bench, again)
    assert await bench.store.read(MINE, lambda reader: reader.tools(MINE)) == [again]
    assert kit.count("tools WHERE deleted_at IS NOT NULL AND secret IS NULL AND headers = '{}'") == 1


def test_a_row_does_not_tell_its_secrets() -> None:
    """Rows end up in tracebacks."""
    row = ToolRow(
        tenant_id=MINE.tenant_id,
        id=ToolId("tool_1"),
        name="x",
        kind="webhook",
        secret="whsec_hush",
        headers={"a": "hush"},
        created_at=NOW,
        updated_at=NOW,
    )
    assert "hush" not in repr(row)
    assert "hush" not in f"{row}"
