-- works with: 1
-- The first schema. The tenant comes first in every primary key, so that an installation can be split by tenant; the
-- live deltas, which live for minutes, are kept in order of arrival. Ids and times compare byte by byte (COLLATE "C"):
-- cursors order by them, on every machine alike. Nested values are JSON as text: what was stored comes back as it was,
-- order of keys included.

CREATE TABLE tenants (
    id text COLLATE "C" PRIMARY KEY,
    name text NOT NULL UNIQUE,
    created_at text COLLATE "C" NOT NULL
);

CREATE TABLE keys (
    tenant_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    name text NOT NULL,
    role text NOT NULL,
    secret_hash bytea NOT NULL,
    created_at text COLLATE "C" NOT NULL,
    revoked_at text COLLATE "C",
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX keys_by_id ON keys (id);

CREATE TABLE threads (
    tenant_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    end_user_id text COLLATE "C",
    external_id text COLLATE "C",
    title text,
    model text,
    instructions text,
    agent_id text COLLATE "C",
    metadata text NOT NULL,
    pinned smallint NOT NULL,
    archived smallint NOT NULL,
    message_count bigint NOT NULL,
    active_run_id text COLLATE "C",
    tip_message_id text COLLATE "C",
    created_at text COLLATE "C" NOT NULL,
    last_activity_at text COLLATE "C" NOT NULL,
    deleted_at text COLLATE "C",
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX threads_by_id ON threads (id);
CREATE UNIQUE INDEX threads_by_external_id ON threads (tenant_id, (coalesce(end_user_id, '')), external_id)
    WHERE external_id IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX threads_by_activity ON threads (tenant_id, pinned DESC, last_activity_at DESC, id DESC)
    WHERE deleted_at IS NULL;
CREATE INDEX threads_of_end_user ON threads (tenant_id, end_user_id, pinned DESC, last_activity_at DESC, id DESC)
    WHERE deleted_at IS NULL;
CREATE INDEX threads_to_sweep ON threads (deleted_at) WHERE deleted_at IS NOT NULL;

-- How far each thread's log goes. A row of its own, since it changes with every batch of deltas and should be small;
-- whoever writes to a thread has this row locked. Half of each page is left free, so that a new version of a row finds
-- room beside the old one and no index has to change (a HOT update).
CREATE TABLE heads (
    head_tenant_id text COLLATE "C" NOT NULL,
    head_thread_id text COLLATE "C" NOT NULL,
    head_seq bigint NOT NULL,
    PRIMARY KEY (head_tenant_id, head_thread_id)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE UNIQUE INDEX heads_by_thread ON heads (head_thread_id);

CREATE TABLE messages (
    tenant_id text COLLATE "C" NOT NULL,
    thread_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    parent_id text COLLATE "C",
    role text NOT NULL,
    author text NOT NULL,
    content text NOT NULL,
    status text NOT NULL,
    model text,
    usage text,
    finish_reason text,
    error text,
    run_id text COLLATE "C",
    request_id text,
    metadata text NOT NULL,
    created_at text COLLATE "C" NOT NULL,
    completed_at text COLLATE "C",
    PRIMARY KEY (tenant_id, thread_id, seq)
);
CREATE UNIQUE INDEX messages_by_id ON messages (tenant_id, id);

CREATE TABLE runs (
    tenant_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    thread_id text COLLATE "C" NOT NULL,
    status text NOT NULL,
    attempt bigint NOT NULL,
    attempts text NOT NULL,
    model text NOT NULL,
    usage text,
    error text,
    input text,
    input_message_id text COLLATE "C" NOT NULL,
    output_message_id text COLLATE "C",
    options text NOT NULL,
    has_turn smallint NOT NULL,
    first_seq bigint NOT NULL,
    cancel_requested_at text COLLATE "C",
    drained_attempts bigint NOT NULL,
    drained_epoch bigint NOT NULL,
    last_seq bigint,
    created_at text COLLATE "C" NOT NULL,
    started_at text COLLATE "C",
    ended_at text COLLATE "C",
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX runs_by_id ON runs (id);
CREATE INDEX runs_of_thread ON runs (tenant_id, thread_id, id);
CREATE INDEX runs_open ON runs (thread_id, id) WHERE status IN ('queued', 'running', 'waiting');

CREATE TABLE sends (
    tenant_id text COLLATE "C" NOT NULL,
    thread_id text COLLATE "C" NOT NULL,
    end_user_id text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    fingerprint bytea NOT NULL,
    message_id text COLLATE "C" NOT NULL,
    run_id text COLLATE "C",
    created_at text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, thread_id, end_user_id, key)
);
CREATE INDEX sends_by_age ON sends (created_at);

CREATE TABLE events (
    tenant_id text COLLATE "C" NOT NULL,
    thread_id text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    run_id text COLLATE "C",
    body text NOT NULL,
    PRIMARY KEY (tenant_id, thread_id, seq)
) WITH (autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_freeze_min_age = 10000000);
-- Events are only ever added. Autovacuum looks at such a table for its visibility map and for freezing, in small steps
-- and often rather than in one large one before the transaction ids run out.

-- Live deltas, in order of arrival. Every row is deleted within minutes, when its attempt is packed: the table stays
-- small only if autovacuum gives the room back soon, whatever share of the table that is, and at full speed.
CREATE TABLE deltas (
    tenant_id text COLLATE "C" NOT NULL,
    thread_id text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    run_id text COLLATE "C" NOT NULL,
    epoch bigint NOT NULL,
    block integer NOT NULL,
    kind smallint NOT NULL,
    text text NOT NULL
) WITH (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 200000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000,
    autovacuum_vacuum_cost_delay = 0
);
CREATE UNIQUE INDEX deltas_by_thread ON deltas (thread_id, seq);

CREATE TABLE unpacked_attempts (
    tenant_id text COLLATE "C" NOT NULL,
    thread_id text COLLATE "C" NOT NULL,
    run_id text COLLATE "C" NOT NULL,
    epoch bigint NOT NULL,
    message_id text COLLATE "C" NOT NULL,
    first_seq bigint NOT NULL,
    last_seq bigint,
    PRIMARY KEY (tenant_id, thread_id, run_id, epoch)
);

CREATE TABLE packs (
    tenant_id text COLLATE "C" NOT NULL,
    thread_id text COLLATE "C" NOT NULL,
    last_seq bigint NOT NULL,
    first_seq bigint NOT NULL,
    run_id text COLLATE "C" NOT NULL,
    message_id text COLLATE "C" NOT NULL,
    epoch bigint NOT NULL,
    marks bytea NOT NULL,
    text text NOT NULL,
    PRIMARY KEY (tenant_id, thread_id, last_seq)
);

CREATE TABLE leases (
    tenant_id text COLLATE "C" NOT NULL,
    run_id text COLLATE "C" NOT NULL,
    thread_id text COLLATE "C" NOT NULL,
    node_id text COLLATE "C" NOT NULL,
    epoch bigint NOT NULL,
    PRIMARY KEY (tenant_id, run_id)
);
CREATE UNIQUE INDEX leases_by_run ON leases (run_id);

-- Times are the database's: the nodes' clocks do not matter. `knows` is the schema version of the node's program:
-- whoever upgrades the database asks here whether that would break somebody.
CREATE TABLE nodes (
    id text COLLATE "C" PRIMARY KEY,
    live_until timestamptz NOT NULL,
    knows integer NOT NULL
) WITH (fillfactor = 50);

-- What all nodes have in common: the secret that end-user tokens are signed with.
CREATE TABLE installation (
    name text PRIMARY KEY,
    value bytea NOT NULL
);

-- What became of the last batch of deltas of each writer. One that lost its connection in the middle of a commit sends
-- the same batch again, and is told this.
CREATE TABLE writers (
    id text COLLATE "C" PRIMARY KEY,
    batch bigint NOT NULL,
    given bigint[] NOT NULL,
    written_at timestamptz NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- Appends one batch of deltas of many answers: one statement for the node, one commit.
--   sources: one for each answer of the batch (whose it is, and the epoch that fences it)
--   deltas:  in order; `owner` is the number of their source, from 1
-- Returns a seq for each delta; NULL where the fence refused it, since the epoch is not its run's current one; 0 where
-- somebody else had the thread locked at the moment, so that it is to be sent again. Nobody waits here for a thread, so
-- there is nothing to deadlock with.
-- The two main statements are apart on purpose. Each takes a snapshot of its own: whoever takes a run over keeps its
-- thread locked until the new epoch is committed, so the second statement, behind the lock, sees that epoch.
CREATE FUNCTION append_deltas(
    writer_id text, batch_number bigint,
    tenant_ids text[], thread_ids text[], run_ids text[], epochs bigint[],
    owners integer[], blocks integer[], kinds smallint[], texts text[]
) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    written writers%ROWTYPE;
    locked text[];
    result bigint[];
BEGIN
    SELECT * INTO written FROM writers WHERE id = writer_id FOR UPDATE;
    IF NOT FOUND THEN
        -- A first batch that comes again waits here for its first life: nobody else has anything to wait for.
        INSERT INTO writers (id, batch, given, written_at) VALUES (writer_id, 0, '{}', clock_timestamp())
            ON CONFLICT DO NOTHING;
        SELECT * INTO written FROM writers WHERE id = writer_id FOR UPDATE;
    END IF;
    IF written.batch = batch_number THEN
        RETURN written.given;
    END IF;
    IF written.batch > batch_number THEN
        -- An echo: its writer gave the connection up, sent it again, and has gone on. It came late, and stores nothing.
        RETURN array_fill(0::bigint, ARRAY[cardinality(owners)]);
    END IF;
    SELECT coalesce(array_agg(mine.head_thread_id), '{}') INTO locked FROM (
        SELECT h.head_thread_id FROM heads h
        JOIN (SELECT DISTINCT * FROM unnest(tenant_ids, thread_ids) AS u(tenant_id, thread_id)) s
            ON h.head_tenant_id = s.tenant_id AND h.head_thread_id = s.thread_id
        FOR UPDATE OF h SKIP LOCKED
    ) mine;
    WITH sources AS (
        SELECT s.number, s.tenant_id, s.thread_id, s.run_id, s.epoch, s.thread_id = ANY (locked) AS is_locked
        FROM unnest(tenant_ids, thread_ids, run_ids, epochs)
            WITH ORDINALITY AS s(tenant_id, thread_id, run_id, epoch, number)
        JOIN leases l ON l.tenant_id = s.tenant_id AND l.run_id = s.run_id AND l.epoch = s.epoch
        JOIN heads h ON h.head_tenant_id = s.tenant_id AND h.head_thread_id = s.thread_id
    ), offered AS (
        SELECT d.place, d.owner, d.block, d.kind, d.body
        FROM unnest(owners, blocks, kinds, texts) WITH ORDINALITY AS d(owner, block, kind, body, place)
    ), numbered AS (
        SELECT o.place, o.block, o.kind, o.body, s.tenant_id, s.thread_id, s.run_id, s.epoch,
            row_number() OVER (PARTITION BY s.thread_id ORDER BY o.place) AS number
        FROM offered o JOIN sources s ON s.number = o.owner WHERE s.is_locked
    ), moved AS (
        UPDATE heads h SET head_seq = h.head_seq + n.count
        FROM (SELECT c.tenant_id, c.thread_id, count(*) AS count FROM numbered c GROUP BY 1, 2) n
        WHERE h.head_tenant_id = n.tenant_id AND h.head_thread_id = n.thread_id
        RETURNING h.head_thread_id, h.head_seq - n.count AS base
    ), stored AS (
        INSERT INTO deltas (tenant_id, thread_id, seq, run_id, epoch, block, kind, text)
        SELECT n.tenant_id, n.thread_id, m.base + n.number, n.run_id, n.epoch, n.block, n.kind, n.body
        FROM numbered n JOIN moved m ON m.head_thread_id = n.thread_id
    )
    SELECT array_agg(
        CASE WHEN s.number IS NULL THEN NULL WHEN s.is_locked THEN m.base + n.number ELSE 0 END ORDER BY o.place
    ) INTO result
    FROM offered o
    LEFT JOIN sources s ON s.number = o.owner
    LEFT JOIN numbered n ON n.place = o.place
    LEFT JOIN moved m ON m.head_thread_id = n.thread_id;
    INSERT INTO writers (id, batch, given, written_at) VALUES (writer_id, batch_number, result, clock_timestamp())
        ON CONFLICT (id) DO UPDATE SET batch = excluded.batch, given = excluded.given, written_at = excluded.written_at;
    RETURN result;
END
$$;
