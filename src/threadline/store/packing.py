"""The form of a pack on disk: the text once, and the marks that cut it into its deltas again.

Promise: `deltas_of(pack_of(deltas)) == deltas`, seq by seq and word by word, so a cursor that was handed out in the
middle of an answer resumes exactly, for as long as the thread exists.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

import msgspec

from threadline.events import DeltaKind, MessageDelta
from threadline.ids import MessageId, RunId
from threadline.store.contract import Pack

KINDS: tuple[DeltaKind, ...] = ("text", "reasoning", "tool_input")
KIND_NUMBERS: dict[DeltaKind, int] = {kind: number for number, kind in enumerate(KINDS)}

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[tuple[int, int, int, int]])


def pack_of(run_id: RunId, message_id: MessageId, epoch: int, deltas: Sequence[tuple[int, MessageDelta]]) -> Pack:
    """Join deltas, given with their seqs in order, into one pack."""
    assert deltas, "an empty attempt has no pack"
    assert all(a[0] < b[0] for a, b in pairwise(deltas)), "seqs rise"
    marks = [(seq, delta.block, delta.kind, len(delta.text)) for seq, delta in deltas]
    return Pack(run_id, message_id, epoch, marks, "".join(delta.text for _, delta in deltas))


def deltas_of(pack: Pack, after: int, upto: int) -> Iterable[tuple[int, MessageDelta]]:
    """Cut a pack into its deltas again, those with `after` < seq <= `upto`."""
    start = 0
    for seq, block, kind, length in pack.marks:
        if after < seq <= upto:
            yield seq, MessageDelta(pack.message_id, block, kind, pack.text[start : start + length])
        start += length
    assert start == len(pack.text), "the marks cover the text"


def encode_marks(pack: Pack) -> bytes:
    """Write the marks: seqs as the distance from the one before, since most are 1."""
    rows, last = [], 0
    for seq, block, kind, length in pack.marks:
        rows.append((seq - last, block, KIND_NUMBERS[kind], length))
        last = seq
    return _encoder.encode(rows)


def decode_marks(data: bytes) -> list[tuple[int, int, DeltaKind, int]]:
    """Read what `encode_marks` wrote."""
    marks: list[tuple[int, int, DeltaKind, int]] = []
    seq = 0
    for distance, block, kind, length in _decoder.decode(data):
        seq += distance
        marks.append((seq, block, KINDS[kind], length))
    return marks
