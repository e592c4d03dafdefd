-- works with: 1
-- What a conversation has beyond questions and answers: tools, agents, branches, queues, rooms, files.

-- threads: branches and the sidebar

ALTER TABLE threads ADD COLUMN forked_from text;

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

-- agents and teams

-- queues

ALTER TABLE runs ADD COLUMN place bigint;

-- rooms

-- files
