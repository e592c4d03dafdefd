-- What a conversation has beyond questions and answers: tools, agents, branches, queues, rooms, files.

-- threads: branches and the sidebar

ALTER TABLE threads ADD COLUMN forked_from TEXT;

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

-- agents and teams

-- queues

ALTER TABLE runs ADD COLUMN place INTEGER;

-- rooms

-- files
