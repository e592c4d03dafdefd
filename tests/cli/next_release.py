"""`threadline` as the release after this one would be: with one more step, and a backfill. A program for the tests.

The first argument says what the next release brings, in any combination joined by `+`: `expand` (a step that nodes of
this release can live with), `contract` (one that they cannot), `backfill` (long work on every message). The rest is the
command line.

Where its folder has a file `hold`, a backfill stops behind as many batches as stand in it, and does not go on.
"""

import asyncio
import sys
from itertools import count
from pathlib import Path
from typing import Any

from threadline.cli import main
from threadline.store.postgres import backfill, schema
from threadline.store.postgres.backfill import Backfill, Batch

ROWS_PER_BATCH = 100
PAUSE_SECONDS = 0.02
HOLD = Path("hold")
BATCHES_MAX = int(HOLD.read_text()) if HOLD.exists() else sys.maxsize

_NEXT = """
WITH mine AS (SELECT tenant_id, id FROM messages WHERE id > $1 ORDER BY id LIMIT $2),
    done AS (
        UPDATE messages m SET request_id = coalesce(request_id, '') || 'x'
        FROM mine WHERE m.tenant_id = mine.tenant_id AND m.id = mine.id
    )
SELECT max(id), count(*) FROM mine
"""


_made = count(1)


async def mark(connection: Any, position: str) -> Batch:
    """Mark the next messages: whoever is done twice has two marks."""
    if next(_made) > BATCHES_MAX:
        await asyncio.Event().wait()
    last, rows = await connection.fetchrow(_NEXT, position, ROWS_PER_BATCH)
    await asyncio.sleep(PAUSE_SECONDS)
    return Batch(last or position, rows, is_last=rows < ROWS_PER_BATCH)


def become(kinds: list[str]) -> None:
    """Add what the next release brings."""
    known = list(schema.steps())
    newest = known[-1].number
    if "expand" in kinds:
        sql = "ALTER TABLE threads ADD COLUMN next_release text"
        known.append(schema.Step(newest + 1, f"{newest + 1:04}_expand", sql, known[-1].works_with))
    if "contract" in kinds:
        sql = "ALTER TABLE threads ADD COLUMN last_release text"
        known.append(schema.Step(len(known) + 1, f"{len(known) + 1:04}_contract", sql, newest + 1))
    if "backfill" in kinds:
        backfill.BACKFILLS = (Backfill(newest, "mark_messages", "SELECT count(*) FROM messages", mark),)
    schema.steps = lambda: tuple(known)


if __name__ == "__main__":
    become(sys.argv.pop(1).split("+"))
    main()
