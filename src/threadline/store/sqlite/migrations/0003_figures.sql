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
