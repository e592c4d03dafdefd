-- What nodes say of themselves: figures of what goes on, by minute, kept for an hour.
-- A node counts for all tenants under the empty id, and for each tenant apart.

CREATE TABLE figures (
    tenant_id TEXT NOT NULL,
    node_id TEXT NOT NULL,
    minute INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (tenant_id, node_id, minute)
) WITHOUT ROWID;
CREATE INDEX figures_by_minute ON figures (minute);

-- files at vendors
-- Which file of ours is which of theirs: an answer of every turn names it, and the sweep deletes it there.

CREATE TABLE uploads (
    tenant_id TEXT NOT NULL,
    file_id TEXT NOT NULL,
    account TEXT NOT NULL,
    vendor_file_id TEXT NOT NULL,
    uploaded_at TEXT NOT NULL,
    expires_at TEXT,
    sweep_after TEXT NOT NULL,
    PRIMARY KEY (tenant_id, file_id, account)
) WITHOUT ROWID;

-- Agents that are called otherwise now, for as long as not all rooms that they are in have heard of it.

CREATE TABLE renames (
    tenant_id TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    old_handle TEXT NOT NULL,
    new_handle TEXT NOT NULL,
    old_name TEXT NOT NULL,
    new_name TEXT NOT NULL,
    PRIMARY KEY (tenant_id, agent_id, version)
) WITHOUT ROWID;
CREATE INDEX members_of_agent ON members (tenant_id, agent_id, thread_id) WHERE agent_id IS NOT NULL;

-- sends
-- All runs that answer a send, where it is more than one.

ALTER TABLE sends ADD COLUMN run_ids TEXT;

-- files
-- Lists of them, newest first.

CREATE INDEX files_by_time ON files (tenant_id, created_at, id);
