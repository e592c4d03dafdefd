-- works with: 1
-- What a conversation has beyond questions and answers: tools, agents, branches, queues, rooms, files.

-- threads: branches and the sidebar

ALTER TABLE threads ADD COLUMN forked_from text;

-- What was said behind a message, in order; behind no message, the beginnings.
CREATE INDEX messages_of_parent ON messages (tenant_id, thread_id, parent_id, seq);

-- Which threads a thread may walk into on its way up, and from which message on: the one that it was made from, and
-- all that one was made from itself.
CREATE TABLE forks (
    tenant_id text COLLATE "C" NOT NULL,
    thread_id text COLLATE "C" NOT NULL,
    source_thread_id text COLLATE "C" NOT NULL,
    message_id text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    PRIMARY KEY (tenant_id, thread_id, source_thread_id)
);
CREATE INDEX forks_of_source ON forks (tenant_id, source_thread_id);

-- How far each person has read, and how many messages that are: changed with each message that he writes himself.
CREATE TABLE reads (
    tenant_id text COLLATE "C" NOT NULL,
    thread_id text COLLATE "C" NOT NULL,
    end_user_id text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    read_count bigint NOT NULL,
    PRIMARY KEY (tenant_id, thread_id, end_user_id)
);

CREATE INDEX threads_untitled ON threads (last_activity_at)
    WHERE title IS NULL AND deleted_at IS NULL AND message_count > 1;

-- Whose title somebody has written by hand, and until when somebody is making one.
CREATE TABLE titles (
    tenant_id text COLLATE "C" NOT NULL,
    thread_id text COLLATE "C" NOT NULL,
    is_edited smallint NOT NULL,
    claimed_until_ms bigint NOT NULL,
    PRIMARY KEY (tenant_id, thread_id)
);

-- tools
-- A deleted one keeps its row, because the audit trail names it; its name is free again.

CREATE TABLE tools (
    tenant_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    description text NOT NULL,
    input_schema text,
    url text,
    approval text NOT NULL,
    idempotent smallint NOT NULL,
    timeout_ms integer NOT NULL,
    allow text,
    secret text,
    headers text NOT NULL,
    created_at text COLLATE "C" NOT NULL,
    updated_at text COLLATE "C" NOT NULL,
    deleted_at text COLLATE "C",
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX tools_by_name ON tools (tenant_id, name) WHERE deleted_at IS NULL;

-- tool calls

ALTER TABLE runs ADD COLUMN waiting_for text;
ALTER TABLE runs ADD COLUMN wake_at_ms bigint;
ALTER TABLE runs ADD COLUMN spent text;
CREATE TABLE tool_calls (
    tenant_id text COLLATE "C" NOT NULL,
    thread_id text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    id text COLLATE "C" NOT NULL,
    run_id text COLLATE "C" NOT NULL,
    message_id text COLLATE "C" NOT NULL,
    tool_use_id text COLLATE "C" NOT NULL,
    round bigint NOT NULL,
    block bigint NOT NULL,
    result_block bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    kind text COLLATE "C",
    input text,
    output text,
    is_error smallint,
    status text COLLATE "C" NOT NULL,
    attempt bigint NOT NULL,
    needs_approval smallint NOT NULL,
    is_approved smallint,
    decided_by text,
    decided_at text COLLATE "C",
    reason text,
    requested_at text COLLATE "C" NOT NULL,
    started_at text COLLATE "C",
    ended_at text COLLATE "C",
    PRIMARY KEY (tenant_id, thread_id, seq)
);
CREATE UNIQUE INDEX tool_calls_of_run ON tool_calls (tenant_id, run_id, tool_use_id);

-- agents and teams
-- Each change of an agent is a version, and every version is kept: runs name the one that they used. A deleted agent
-- keeps its rows for the same reason; its handle is free again.

CREATE TABLE agents (
    tenant_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    handle text COLLATE "C" NOT NULL,
    name text NOT NULL,
    description text,
    avatar text,
    instructions text,
    model text,
    parameters text NOT NULL,
    tools text NOT NULL,
    tools_mode text NOT NULL,
    owner text COLLATE "C",
    visibility text NOT NULL,
    team_id text COLLATE "C",
    archived smallint NOT NULL,
    metadata text NOT NULL,
    created_at text COLLATE "C" NOT NULL,
    updated_at text COLLATE "C" NOT NULL,
    deleted_at text COLLATE "C",
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX agents_by_handle ON agents (tenant_id, handle) WHERE deleted_at IS NULL;

CREATE TABLE agent_versions (
    tenant_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    handle text COLLATE "C" NOT NULL,
    name text NOT NULL,
    description text,
    avatar text,
    instructions text,
    model text,
    parameters text NOT NULL,
    tools text NOT NULL,
    tools_mode text NOT NULL,
    owner text COLLATE "C",
    visibility text NOT NULL,
    team_id text COLLATE "C",
    archived smallint NOT NULL,
    metadata text NOT NULL,
    created_at text COLLATE "C" NOT NULL,
    updated_at text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, id, version)
);

CREATE TABLE teams (
    tenant_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    name text NOT NULL,
    metadata text NOT NULL,
    created_at text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE team_members (
    tenant_id text COLLATE "C" NOT NULL,
    team_id text COLLATE "C" NOT NULL,
    end_user_id text COLLATE "C" NOT NULL,
    role text NOT NULL,
    created_at text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, team_id, end_user_id)
);
CREATE INDEX teams_of_person ON team_members (tenant_id, end_user_id);

ALTER TABLE runs ADD COLUMN agent_id text COLLATE "C";
ALTER TABLE runs ADD COLUMN agent_version integer;

-- queues

ALTER TABLE threads ADD COLUMN on_busy text;
ALTER TABLE threads ADD COLUMN on_disconnect text;
ALTER TABLE runs ADD COLUMN answered_by text COLLATE "C";
ALTER TABLE runs ADD COLUMN rolls_back smallint NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN place bigint;

-- The answers that do not go on without a reader, and when somebody on any node was last seen to read.
CREATE TABLE attendance (
    tenant_id text COLLATE "C" NOT NULL,
    run_id text COLLATE "C" NOT NULL,
    thread_id text COLLATE "C" NOT NULL,
    read_at_ms bigint NOT NULL,
    PRIMARY KEY (tenant_id, run_id)
);

-- rooms

CREATE TABLE members (
    tenant_id text COLLATE "C" NOT NULL,
    thread_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    end_user_id text COLLATE "C",
    agent_id text COLLATE "C",
    handle text COLLATE "C",
    name text,
    role text NOT NULL,
    reply_policy text,
    invited_by text,
    created_at text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, thread_id, id)
);
CREATE UNIQUE INDEX members_by_person ON members (tenant_id, end_user_id, thread_id) WHERE end_user_id IS NOT NULL;
CREATE UNIQUE INDEX members_by_agent ON members (tenant_id, thread_id, agent_id) WHERE agent_id IS NOT NULL;
CREATE UNIQUE INDEX members_by_handle ON members (tenant_id, thread_id, handle) WHERE handle IS NOT NULL;

-- Which agent has called which: what the bounds on their talk are counted from.
CREATE TABLE hops (
    tenant_id text COLLATE "C" NOT NULL,
    thread_id text COLLATE "C" NOT NULL,
    root_message_id text COLLATE "C" NOT NULL,
    run_id text COLLATE "C" NOT NULL,
    caller text COLLATE "C" NOT NULL,
    called text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, thread_id, root_message_id, run_id)
);

ALTER TABLE messages ADD COLUMN mentions text;

-- files

CREATE TABLE files (
    tenant_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    name text,
    media_type text NOT NULL,
    size bigint NOT NULL,
    sha256 text NOT NULL,
    end_user_id text COLLATE "C",
    created_at text COLLATE "C" NOT NULL,
    state text NOT NULL,
    touched_at text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX files_to_sweep ON files (touched_at);

CREATE TABLE file_uses (
    tenant_id text COLLATE "C" NOT NULL,
    thread_id text COLLATE "C" NOT NULL,
    file_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, thread_id, file_id)
);
CREATE INDEX uses_of_file ON file_uses (tenant_id, file_id);

-- the web app
-- A session that nobody has begun is a link by which one may sign in.

CREATE TABLE sessions (
    tenant_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    role text NOT NULL,
    end_user_id text COLLATE "C" NOT NULL,
    key_id text COLLATE "C",
    secret_hash bytea NOT NULL,
    created_at text COLLATE "C" NOT NULL,
    begun_at text COLLATE "C",
    expires_at text COLLATE "C" NOT NULL,
    ended_at text COLLATE "C",
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX sessions_by_id ON sessions (id);
CREATE INDEX sessions_to_sweep ON sessions (expires_at);

CREATE TABLE shares (
    tenant_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    thread_id text COLLATE "C" NOT NULL,
    message_id text COLLATE "C" NOT NULL,
    secret_hash bytea NOT NULL,
    created_at text COLLATE "C" NOT NULL,
    expires_at text COLLATE "C" NOT NULL,
    revoked_at text COLLATE "C",
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX shares_by_hash ON shares (secret_hash);
CREATE INDEX shares_of_thread ON shares (tenant_id, thread_id, id);

-- What each attempt has cost; it outlives its thread, because money was spent.
CREATE TABLE attempt_usage (
    tenant_id text COLLATE "C" NOT NULL,
    run_id text COLLATE "C" NOT NULL,
    attempt integer NOT NULL,
    thread_id text COLLATE "C" NOT NULL,
    end_user_id text COLLATE "C",
    model text COLLATE "C" NOT NULL,
    day text COLLATE "C" NOT NULL,
    is_known smallint NOT NULL,
    input_tokens bigint,
    output_tokens bigint,
    cached_input_tokens bigint,
    reasoning_tokens bigint,
    PRIMARY KEY (tenant_id, run_id, attempt)
);
CREATE INDEX attempt_usage_by_day ON attempt_usage (tenant_id, day);
