-- works with: 1
-- What nodes say of themselves: figures of what goes on, by minute, kept for an hour.
-- A node counts for all tenants under the empty id, and for each tenant apart. Rows change every few seconds and go
-- soon: half of each page is left free, so that no index has to change with them.

CREATE TABLE figures (
    tenant_id text COLLATE "C" NOT NULL,
    node_id text COLLATE "C" NOT NULL,
    minute bigint NOT NULL,
    body text NOT NULL,
    PRIMARY KEY (tenant_id, node_id, minute)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
CREATE INDEX figures_by_minute ON figures (minute);

-- files at vendors
-- Which file of ours is which of theirs: an answer of every turn names it, and the sweep deletes it there.

CREATE TABLE uploads (
    tenant_id text COLLATE "C" NOT NULL,
    file_id text COLLATE "C" NOT NULL,
    account text COLLATE "C" NOT NULL,
    vendor_file_id text NOT NULL,
    uploaded_at text COLLATE "C" NOT NULL,
    expires_at text COLLATE "C",
    sweep_after text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, file_id, account)
);

-- Agents that are called otherwise now, for as long as not all rooms that they are in have heard of it.

CREATE TABLE renames (
    tenant_id text COLLATE "C" NOT NULL,
    agent_id text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    old_handle text COLLATE "C" NOT NULL,
    new_handle text COLLATE "C" NOT NULL,
    old_name text NOT NULL,
    new_name text NOT NULL,
    PRIMARY KEY (tenant_id, agent_id, version)
);
CREATE INDEX members_of_agent ON members (tenant_id, agent_id, thread_id) WHERE agent_id IS NOT NULL;

-- sends
-- All runs that answer a send, where it is more than one.

ALTER TABLE sends ADD COLUMN run_ids text;

-- files
-- Lists of them, newest first.

CREATE INDEX files_by_time ON files (tenant_id, created_at, id);
