"""The seq of the last event of every thread that is being written to, and the id of the next delta row.

Deltas do not update their thread's row, so while an attempt is open the truth is "row or newest delta, whichever is
later". The one writer keeps that number here. A thread without an open attempt is not listed: its row is exact.
"""

import apsw

from threadline.ids import ThreadId


class Heads:
    """Owned by the writer thread. Changes of a transaction are kept apart until it is committed."""

    def __init__(self) -> None:
        self._seqs: dict[ThreadId, int] = {}
        self._changed: dict[ThreadId, int | None] = {}
        self.next_delta_id = 1

    def get(self, thread_id: ThreadId) -> int | None:
        """Return the head of a thread that is being written to."""
        if thread_id in self._changed:
            return self._changed[thread_id]
        return self._seqs.get(thread_id)

    def move(self, thread_id: ThreadId, seq: int) -> None:
        """Note that a listed thread has reached `seq`."""
        head = self.get(thread_id)
        if head is not None:
            assert seq == head + 1, "seqs have no hole and no repeat"
            self._changed[thread_id] = seq

    def watch(self, thread_id: ThreadId, seq: int) -> None:
        """List a thread, whose head is `seq`."""
        self._changed[thread_id] = seq

    def unwatch(self, thread_id: ThreadId) -> None:
        """List a thread no more: its row is exact again."""
        self._changed[thread_id] = None

    def mark(self) -> dict[ThreadId, int | None]:
        """Return what `undo_to` needs to undo the script that comes now."""
        return dict(self._changed)

    def undo_to(self, mark: dict[ThreadId, int | None]) -> None:
        """Forget what happened since `mark`."""
        self._changed = mark

    def keep(self) -> None:
        """The transaction is committed."""
        for thread_id, seq in self._changed.items():
            if seq is None:
                self._seqs.pop(thread_id, None)
            else:
                self._seqs[thread_id] = seq
        self._changed = {}

    def forget(self) -> None:
        """The transaction was rolled back."""
        self._changed = {}

    def load(self, connection: apsw.Connection) -> None:
        """Take up what an earlier process left: its rows and its unpacked deltas."""
        newest = connection.execute(
            "SELECT max(coalesce((SELECT max(id) + 1 FROM deltas), 1), "
            "coalesce((SELECT max(delta_floor) FROM unpacked_attempts), 1))"
        ).get
        self.next_delta_id = int(newest)
        rows = connection.execute(
            "SELECT threads.id, max(threads.seq, first_seq - 1, coalesce((SELECT max(seq) FROM deltas "
            "WHERE deltas.run_id = unpacked_attempts.run_id AND deltas.id >= delta_floor), 0)) "
            "FROM unpacked_attempts JOIN threads "
            "ON threads.tenant_id = unpacked_attempts.tenant_id AND threads.id = unpacked_attempts.thread_id "
            "WHERE last_seq IS NULL"
        )
        self._seqs = dict(rows)
