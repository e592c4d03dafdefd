"""What an installation consists of: its tables in a form that no dialect has a share in.

A row is a tuple of text, whole numbers, bytes and None, in the order of the columns here. Both dialects read their rows
into this form, and what is written is made from it, so that a checksum over it means the same on both sides.

What belongs to processes and not to the installation is left behind: leases, nodes and their figures, and what a writer
remembers.
"""

from typing import Literal

from msgspec import Struct

Kind = Literal["text", "int", "bytes"]
Row = tuple[str | int | bytes | None, ...]


class Table(Struct, frozen=True):
    """One table. `key` names the columns that a row is found by, in the order in which the rows are read."""

    name: str
    columns: dict[str, Kind]
    key: tuple[str, ...]


def _table(name: str, key: str, text: str, numbers: str = "", binary: str = "") -> Table:
    kinds: dict[str, Kind] = dict.fromkeys(text.split(), "text")
    kinds.update(dict.fromkeys(numbers.split(), "int"))
    kinds.update(dict.fromkeys(binary.split(), "bytes"))
    return Table(name, kinds, tuple(key.split()))


TENANTS = _table("tenants", "id", "id name created_at")
KEYS = _table("keys", "tenant_id id", "tenant_id id name role created_at revoked_at", binary="secret_hash")
THREADS = _table(
    "threads",
    "tenant_id id",
    "tenant_id id end_user_id external_id title model instructions agent_id metadata active_run_id tip_message_id "
    "on_busy on_disconnect forked_from created_at last_activity_at deleted_at",
    "pinned archived message_count seq",
)
"""`seq` is the head of the thread, live deltas included, wherever a dialect keeps it."""

MESSAGES = _table(
    "messages",
    "tenant_id thread_id seq",
    "tenant_id thread_id id parent_id role author mentions content status model usage finish_reason error run_id "
    "request_id metadata created_at completed_at",
    "seq",
)
RUNS = _table(
    "runs",
    "tenant_id id",
    "tenant_id id thread_id status attempts model usage error input input_message_id output_message_id options "
    "cancel_requested_at waiting_for answered_by spent created_at started_at ended_at agent_id",
    "agent_version attempt has_turn first_seq drained_attempts drained_epoch last_seq place rolls_back wake_at_ms",
)
SENDS = _table(
    "sends",
    "tenant_id thread_id end_user_id key",
    "tenant_id thread_id end_user_id key message_id run_id run_ids created_at",
    binary="fingerprint",
)
EVENTS = _table("events", "tenant_id thread_id seq", "tenant_id thread_id run_id body", "seq")
PACKS = _table(
    "packs",
    "tenant_id thread_id last_seq",
    "tenant_id thread_id run_id message_id text",
    "last_seq first_seq epoch",
    "marks",
)
ATTEMPTS = _table(
    "unpacked_attempts",
    "tenant_id thread_id run_id epoch",
    "tenant_id thread_id run_id message_id",
    "epoch first_seq last_seq",
)
DELTAS = _table("deltas", "thread_id seq", "tenant_id thread_id run_id text", "seq epoch block kind")
"""The deltas that no pack has yet. What waits to be pruned is left behind."""

TOOLS = _table(
    "tools",
    "tenant_id id",
    "tenant_id id name kind description input_schema url approval allow secret headers created_at updated_at "
    "deleted_at",
    "idempotent timeout_ms",
)

TOOL_CALLS = _table(
    "tool_calls",
    "tenant_id thread_id seq",
    "tenant_id thread_id id run_id message_id tool_use_id name kind input output status decided_by decided_at reason "
    "requested_at started_at ended_at",
    "seq round block result_block is_error attempt needs_approval is_approved",
)


AGENTS = _table(
    "agents",
    "tenant_id id",
    "tenant_id id handle name description avatar instructions model parameters tools tools_mode owner visibility "
    "team_id metadata created_at updated_at deleted_at",
    "version archived",
)
AGENT_VERSIONS = _table(
    "agent_versions",
    "tenant_id id version",
    "tenant_id id handle name description avatar instructions model parameters tools tools_mode owner visibility "
    "team_id metadata created_at updated_at",
    "version archived",
)
TEAMS = _table("teams", "tenant_id id", "tenant_id id name metadata created_at")
HOPS = _table(
    "hops",
    "tenant_id thread_id root_message_id run_id",
    "tenant_id thread_id root_message_id run_id caller called",
)
RENAMES = _table(
    "renames",
    "tenant_id agent_id version",
    "tenant_id agent_id old_handle new_handle old_name new_name",
    "version",
)
"""What rooms have yet to hear of: the copy tells them."""

MEMBERS = _table(
    "members",
    "tenant_id thread_id id",
    "tenant_id thread_id id end_user_id agent_id handle name role reply_policy invited_by created_at",
)
FILES = _table(
    "files",
    "tenant_id id",
    "tenant_id id name media_type sha256 end_user_id created_at state touched_at",
    "size",
)
"""What is known of files; their bytes are not in the database (`files/copying.py`)."""

FILE_USES = _table("file_uses", "tenant_id thread_id file_id", "tenant_id thread_id file_id")
UPLOADS = _table(
    "uploads",
    "tenant_id file_id account",
    "tenant_id file_id account vendor_file_id uploaded_at expires_at sweep_after",
)
TEAM_MEMBERS = _table("team_members", "tenant_id team_id end_user_id", "tenant_id team_id end_user_id role created_at")
ATTEMPT_USAGE = _table(
    "attempt_usage",
    "tenant_id run_id attempt",
    "tenant_id run_id thread_id end_user_id model day",
    "attempt is_known input_tokens output_tokens cached_input_tokens reasoning_tokens",
)
SESSIONS = _table(
    "sessions",
    "tenant_id id",
    "tenant_id id role end_user_id key_id created_at begun_at expires_at ended_at",
    binary="secret_hash",
)
SHARES = _table(
    "shares",
    "tenant_id id",
    "tenant_id id thread_id message_id created_at expires_at revoked_at",
    binary="secret_hash",
)
FORKS = _table(
    "forks", "tenant_id thread_id source_thread_id", "tenant_id thread_id source_thread_id message_id", "seq"
)
TITLES = _table("titles", "tenant_id thread_id", "tenant_id thread_id", "is_edited claimed_until_ms")
READS = _table("reads", "tenant_id thread_id end_user_id", "tenant_id thread_id end_user_id", "seq read_count")

TABLES = (
    TENANTS,
    KEYS,
    TOOLS,
    AGENTS,
    AGENT_VERSIONS,
    TEAMS,
    TEAM_MEMBERS,
    MEMBERS,
    HOPS,
    RENAMES,
    THREADS,
    MESSAGES,
    RUNS,
    SENDS,
    EVENTS,
    PACKS,
    ATTEMPTS,
    DELTAS,
    TOOL_CALLS,
    FORKS,
    ATTEMPT_USAGE,
    SESSIONS,
    SHARES,
    READS,
    TITLES,
    FILES,
    FILE_USES,
    UPLOADS,
)


def bytes_of(row: Row) -> int:
    """Return about how much a row weighs."""
    return sum(len(value) if isinstance(value, str | bytes) else 8 for value in row)
