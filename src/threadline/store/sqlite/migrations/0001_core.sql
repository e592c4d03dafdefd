-- The first schema. The tenant comes first in every primary key, so that an installation can be split by tenant;
-- only the live deltas, which live for minutes, are kept in order of arrival.

CREATE TABLE tenants (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    created_at TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE keys (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    secret_hash BLOB NOT NULL,
    created_at TEXT NOT NULL,
    revoked_at TEXT,
    PRIMARY KEY (tenant_id, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX keys_by_id ON keys (id);

CREATE TABLE threads (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    end_user_id TEXT,
    external_id TEXT,
    title TEXT,
    model TEXT,
    instructions TEXT,
    agent_id TEXT,
    metadata TEXT NOT NULL,
    pinned INTEGER NOT NULL,
    archived INTEGER NOT NULL,
    message_count INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    active_run_id TEXT,
    tip_message_id TEXT,
    created_at TEXT NOT NULL,
    last_activity_at TEXT NOT NULL,
    deleted_at TEXT,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX threads_by_id ON threads (id);
CREATE UNIQUE INDEX threads_by_external_id ON threads (tenant_id, coalesce(end_user_id, ''), external_id)
    WHERE external_id IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX threads_by_activity ON threads (tenant_id, pinned DESC, last_activity_at DESC, id DESC)
    WHERE deleted_at IS NULL;
CREATE INDEX threads_of_end_user ON threads (tenant_id, end_user_id, pinned DESC, last_activity_at DESC, id DESC)
    WHERE deleted_at IS NULL;
CREATE INDEX threads_to_sweep ON threads (deleted_at) WHERE deleted_at IS NOT NULL;

CREATE TABLE messages (
    tenant_id TEXT NOT NULL,
    thread_id TEXT NOT NULL,
    id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    parent_id TEXT,
    role TEXT NOT NULL,
    author TEXT NOT NULL,
    content TEXT NOT NULL,
    status TEXT NOT NULL,
    model TEXT,
    usage TEXT,
    finish_reason TEXT,
    error TEXT,
    run_id TEXT,
    request_id TEXT,
    metadata TEXT NOT NULL,
    created_at TEXT NOT NULL,
    completed_at TEXT,
    PRIMARY KEY (tenant_id, thread_id, seq)
);
CREATE UNIQUE INDEX messages_by_id ON messages (tenant_id, id);

CREATE TABLE runs (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    thread_id TEXT NOT NULL,
    status TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    attempts TEXT NOT NULL,
    model TEXT NOT NULL,
    usage TEXT,
    error TEXT,
    input TEXT,
    input_message_id TEXT NOT NULL,
    output_message_id TEXT,
    options TEXT NOT NULL,
    has_turn INTEGER NOT NULL,
    first_seq INTEGER NOT NULL,
    cancel_requested_at TEXT,
    drained_attempts INTEGER NOT NULL,
    drained_epoch INTEGER NOT NULL,
    last_seq INTEGER,
    created_at TEXT NOT NULL,
    started_at TEXT,
    ended_at TEXT,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX runs_by_id ON runs (id);
CREATE INDEX runs_of_thread ON runs (tenant_id, thread_id, id);
CREATE INDEX runs_open ON runs (thread_id, id) WHERE status IN ('queued', 'running', 'waiting');

CREATE TABLE sends (
    tenant_id TEXT NOT NULL,
    thread_id TEXT NOT NULL,
    end_user_id TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    message_id TEXT NOT NULL,
    run_id TEXT,
    created_at TEXT NOT NULL,
    PRIMARY KEY (tenant_id, thread_id, end_user_id, key)
) WITHOUT ROWID;
CREATE INDEX sends_by_age ON sends (created_at);

CREATE TABLE events (
    tenant_id TEXT NOT NULL,
    thread_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    run_id TEXT,
    body TEXT NOT NULL,
    PRIMARY KEY (tenant_id, thread_id, seq)
);

-- Live deltas, in order of arrival. A key that begins with the thread would touch one page for each stream in each
-- commit. Rows are removed from the front only, as a range, once every attempt behind them is packed.
CREATE TABLE deltas (
    id INTEGER PRIMARY KEY,
    run_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    block INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    text TEXT NOT NULL
);

CREATE TABLE unpacked_attempts (
    tenant_id TEXT NOT NULL,
    thread_id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    message_id TEXT NOT NULL,
    first_seq INTEGER NOT NULL,
    last_seq INTEGER,
    delta_floor INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, thread_id, run_id, epoch)
) WITHOUT ROWID;

CREATE TABLE packs (
    tenant_id TEXT NOT NULL,
    thread_id TEXT NOT NULL,
    last_seq INTEGER NOT NULL,
    first_seq INTEGER NOT NULL,
    run_id TEXT NOT NULL,
    message_id TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    marks BLOB NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (tenant_id, thread_id, last_seq)
);

CREATE TABLE leases (
    tenant_id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    thread_id TEXT NOT NULL,
    node_id TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, run_id)
) WITHOUT ROWID;

CREATE TABLE nodes (
    id TEXT NOT NULL PRIMARY KEY,
    live_until_ms INTEGER NOT NULL
) WITHOUT ROWID;
