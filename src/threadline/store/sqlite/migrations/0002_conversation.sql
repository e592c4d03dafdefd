-- What a conversation has beyond questions and answers: tools, agents, branches, queues, rooms, files.

-- threads: branches and the sidebar

ALTER TABLE threads ADD COLUMN forked_from TEXT;

-- What was said behind a message, in order; behind no message, the beginnings.
CREATE INDEX messages_of_parent ON messages (tenant_id, thread_id, parent_id, seq);

-- Which threads a thread may walk into on its way up, and from which message on: the one that it was made from, and
-- all that one was made from itself.
CREATE TABLE forks (
    tenant_id TEXT NOT NULL,
    thread_id TEXT NOT NULL,
    source_thread_id TEXT NOT NULL,
    message_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, thread_id, source_thread_id)
) WITHOUT ROWID;
CREATE INDEX forks_of_source ON forks (tenant_id, source_thread_id);

-- How far each person has read, and how many messages that are: changed with each message that he writes himself.
CREATE TABLE reads (
    tenant_id TEXT NOT NULL,
    thread_id TEXT NOT NULL,
    end_user_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    read_count INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, thread_id, end_user_id)
) WITHOUT ROWID;

CREATE INDEX threads_untitled ON threads (last_activity_at)
    WHERE title IS NULL AND deleted_at IS NULL AND message_count > 1;

-- Whose title somebody has written by hand, and until when somebody is making one.
CREATE TABLE titles (
    tenant_id TEXT NOT NULL,
    thread_id TEXT NOT NULL,
    is_edited INTEGER NOT NULL,
    claimed_until_ms INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, thread_id)
) WITHOUT ROWID;

-- tools
-- A deleted one keeps its row, because the audit trail names it; its name is free again.

CREATE TABLE tools (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    description TEXT NOT NULL,
    input_schema TEXT,
    url TEXT,
    approval TEXT NOT NULL,
    idempotent INTEGER NOT NULL,
    timeout_ms INTEGER NOT NULL,
    allow TEXT,
    secret TEXT,
    headers TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    deleted_at TEXT,
    PRIMARY KEY (tenant_id, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX tools_by_name ON tools (tenant_id, name) WHERE deleted_at IS NULL;

-- tool calls

ALTER TABLE runs ADD COLUMN waiting_for TEXT;
ALTER TABLE runs ADD COLUMN wake_at_ms INTEGER;
ALTER TABLE runs ADD COLUMN spent TEXT;
CREATE TABLE tool_calls (
    tenant_id TEXT NOT NULL,
    thread_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    message_id TEXT NOT NULL,
    tool_use_id TEXT NOT NULL,
    round INTEGER NOT NULL,
    block INTEGER NOT NULL,
    result_block INTEGER NOT NULL,
    name TEXT NOT NULL,
    kind TEXT,
    input TEXT,
    output TEXT,
    is_error INTEGER,
    status TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    needs_approval INTEGER NOT NULL,
    is_approved INTEGER,
    decided_by TEXT,
    decided_at TEXT,
    reason TEXT,
    requested_at TEXT NOT NULL,
    started_at TEXT,
    ended_at TEXT,
    PRIMARY KEY (tenant_id, thread_id, seq)
);
CREATE UNIQUE INDEX tool_calls_of_run ON tool_calls (tenant_id, run_id, tool_use_id);

-- agents and teams
-- Each change of an agent is a version, and every version is kept: runs name the one that they used. A deleted agent
-- keeps its rows for the same reason; its handle is free again.

CREATE TABLE agents (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    handle TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    avatar TEXT,
    instructions TEXT,
    model TEXT,
    parameters TEXT NOT NULL,
    tools TEXT NOT NULL,
    tools_mode TEXT NOT NULL,
    owner TEXT,
    visibility TEXT NOT NULL,
    team_id TEXT,
    archived INTEGER NOT NULL,
    metadata TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    deleted_at TEXT,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX agents_by_handle ON agents (tenant_id, handle) WHERE deleted_at IS NULL;

CREATE TABLE agent_versions (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    handle TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    avatar TEXT,
    instructions TEXT,
    model TEXT,
    parameters TEXT NOT NULL,
    tools TEXT NOT NULL,
    tools_mode TEXT NOT NULL,
    owner TEXT,
    visibility TEXT NOT NULL,
    team_id TEXT,
    archived INTEGER NOT NULL,
    metadata TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id, version)
);

CREATE TABLE teams (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    metadata TEXT NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
) WITHOUT ROWID;

CREATE TABLE team_members (
    tenant_id TEXT NOT NULL,
    team_id TEXT NOT NULL,
    end_user_id TEXT NOT NULL,
    role TEXT NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (tenant_id, team_id, end_user_id)
) WITHOUT ROWID;
CREATE INDEX teams_of_person ON team_members (tenant_id, end_user_id);

ALTER TABLE runs ADD COLUMN agent_id TEXT;
ALTER TABLE runs ADD COLUMN agent_version INTEGER;

-- queues

ALTER TABLE threads ADD COLUMN on_busy TEXT;
ALTER TABLE threads ADD COLUMN on_disconnect TEXT;
ALTER TABLE runs ADD COLUMN answered_by TEXT;
ALTER TABLE runs ADD COLUMN rolls_back INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN place INTEGER;

-- The answers that do not go on without a reader, and when somebody on any node was last seen to read.
CREATE TABLE attendance (
    tenant_id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    thread_id TEXT NOT NULL,
    read_at_ms INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, run_id)
) WITHOUT ROWID;

-- rooms

CREATE TABLE members (
    tenant_id TEXT NOT NULL,
    thread_id TEXT NOT NULL,
    id TEXT NOT NULL,
    end_user_id TEXT,
    agent_id TEXT,
    handle TEXT,
    name TEXT,
    role TEXT NOT NULL,
    reply_policy TEXT,
    invited_by TEXT,
    created_at TEXT NOT NULL,
    PRIMARY KEY (tenant_id, thread_id, id)
);
CREATE UNIQUE INDEX members_by_person ON members (tenant_id, end_user_id, thread_id) WHERE end_user_id IS NOT NULL;
CREATE UNIQUE INDEX members_by_agent ON members (tenant_id, thread_id, agent_id) WHERE agent_id IS NOT NULL;
CREATE UNIQUE INDEX members_by_handle ON members (tenant_id, thread_id, handle) WHERE handle IS NOT NULL;

-- Which agent has called which: what the bounds on their talk are counted from.
CREATE TABLE hops (
    tenant_id TEXT NOT NULL,
    thread_id TEXT NOT NULL,
    root_message_id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    caller TEXT NOT NULL,
    called TEXT NOT NULL,
    PRIMARY KEY (tenant_id, thread_id, root_message_id, run_id)
) WITHOUT ROWID;

ALTER TABLE messages ADD COLUMN mentions TEXT;

-- files

CREATE TABLE files (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT,
    media_type TEXT NOT NULL,
    size INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    end_user_id TEXT,
    created_at TEXT NOT NULL,
    state TEXT NOT NULL,
    touched_at TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
) WITHOUT ROWID;
CREATE INDEX files_to_sweep ON files (touched_at);

CREATE TABLE file_uses (
    tenant_id TEXT NOT NULL,
    thread_id TEXT NOT NULL,
    file_id TEXT NOT NULL,
    PRIMARY KEY (tenant_id, thread_id, file_id)
) WITHOUT ROWID;
CREATE INDEX uses_of_file ON file_uses (tenant_id, file_id);

-- the web app
-- A session that nobody has begun is a link by which one may sign in.

CREATE TABLE sessions (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    role TEXT NOT NULL,
    end_user_id TEXT NOT NULL,
    key_id TEXT,
    secret_hash BLOB NOT NULL,
    created_at TEXT NOT NULL,
    begun_at TEXT,
    expires_at TEXT NOT NULL,
    ended_at TEXT,
    PRIMARY KEY (tenant_id, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX sessions_by_id ON sessions (id);
CREATE INDEX sessions_to_sweep ON sessions (expires_at);

CREATE TABLE shares (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    thread_id TEXT NOT NULL,
    message_id TEXT NOT NULL,
    secret_hash BLOB NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    revoked_at TEXT,
    PRIMARY KEY (tenant_id, id)
) WITHOUT ROWID;
CREATE INDEX shares_by_hash ON shares (secret_hash);
CREATE INDEX shares_of_thread ON shares (tenant_id, thread_id, id);

-- What each attempt has cost; it outlives its thread, because money was spent.
CREATE TABLE attempt_usage (
    tenant_id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    thread_id TEXT NOT NULL,
    end_user_id TEXT,
    model TEXT NOT NULL,
    day TEXT NOT NULL,
    is_known INTEGER NOT NULL,
    input_tokens INTEGER,
    output_tokens INTEGER,
    cached_input_tokens INTEGER,
    reasoning_tokens INTEGER,
    PRIMARY KEY (tenant_id, run_id, attempt)
) WITHOUT ROWID;
CREATE INDEX attempt_usage_by_day ON attempt_usage (tenant_id, day);
