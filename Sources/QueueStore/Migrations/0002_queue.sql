-- The queue. A live job is one row of queue.jobs; where it stands is told by that row alone:
--   lease not null                    running
--   held_reason not null              held, waits for a person
--   due_at in the future, attempt 0   scheduled; attempt > 0: retryable
--   else                              available
-- A finished job leaves for queue.history in the transaction that finished it, so the hot table stays as small as the
-- work that is left.
CREATE SCHEMA queue;
GRANT USAGE ON SCHEMA queue TO billwright_worker;

-- Numbers for leases. A lease is this number and the worker's random id: after a crash the sequence alone may repeat.
CREATE SEQUENCE queue.lease_numbers AS bigint CACHE 64;

CREATE TABLE queue.jobs (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    lineage      bigint,                              -- null: this job is the first of its line
    kind         text        NOT NULL,
    version      integer     NOT NULL CHECK (version >= 1),
    queue        text        NOT NULL,
    priority     smallint    NOT NULL,
    tenant       bigint,
    unique_key   text,
    due_at       timestamptz NOT NULL,
    enqueued_at  timestamptz NOT NULL,
    attempt      integer     NOT NULL DEFAULT 0 CHECK (attempt >= 0),
    rescues      integer     NOT NULL DEFAULT 0,
    snoozes      integer     NOT NULL DEFAULT 0,
    lease        bigint,
    worker       uuid,
    leased_at    timestamptz,
    held_reason  text,
    arguments    jsonb       NOT NULL,
    CHECK ((lease IS NULL) = (worker IS NULL) AND (lease IS NULL) = (leased_at IS NULL)),
    CHECK (lease IS NULL OR held_reason IS NULL)
) WITH (
    -- Rows come and go: clean up after thousands, not after a fifth of the table.
    fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 20000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 20000, autovacuum_vacuum_cost_delay = 1
);

-- The claim walks this in order and nothing else.
CREATE INDEX jobs_claimable ON queue.jobs (queue, priority, due_at, id)
    WHERE lease IS NULL AND held_reason IS NULL;
-- The timer for the next job that comes due.
CREATE INDEX jobs_due ON queue.jobs (queue, due_at) WHERE lease IS NULL AND held_reason IS NULL;
-- Rescue finds what a lost worker held.
CREATE INDEX jobs_by_worker ON queue.jobs (worker) WHERE worker IS NOT NULL;
CREATE INDEX jobs_held ON queue.jobs (id) WHERE held_reason IS NOT NULL;
CREATE UNIQUE INDEX jobs_unique ON queue.jobs (kind, unique_key)
    WHERE unique_key IS NOT NULL AND held_reason IS NULL;  -- a held job keeps nobody else from doing the work

-- What went wrong, attempt by attempt; outlives the job's stay in the hot table.
CREATE TABLE queue.failures (
    job       bigint      NOT NULL,
    attempt   integer     NOT NULL,
    lease     bigint,
    failed_at timestamptz NOT NULL,
    error     text        NOT NULL
);
CREATE INDEX failures_by_job ON queue.failures (job);

-- Finished jobs, by day. Day partitions are made and dropped by housekeeping; until then rows rest in the default one.
CREATE TABLE queue.history (
    id          bigint      NOT NULL,
    lineage     bigint,
    kind        text        NOT NULL,
    version     integer     NOT NULL,
    queue       text        NOT NULL,
    priority    smallint    NOT NULL,
    tenant      bigint,
    unique_key  text,
    state       text        NOT NULL CHECK (state IN ('completed', 'cancelled', 'discarded')),
    enqueued_at timestamptz NOT NULL,
    due_at      timestamptz NOT NULL,
    ended_at    timestamptz NOT NULL,
    attempt     integer     NOT NULL,
    rescues     integer     NOT NULL,
    snoozes     integer     NOT NULL,
    worker      uuid,
    arguments   jsonb       NOT NULL
) PARTITION BY RANGE (ended_at);
CREATE TABLE queue.history_rest PARTITION OF queue.history DEFAULT;
CREATE INDEX history_by_id ON queue.history (id);
CREATE INDEX history_by_end ON queue.history (state, ended_at, id);

-- Who is alive. One narrow row a worker incarnation; an update of beat_at changes no index.
CREATE TABLE queue.workers (
    id         uuid        PRIMARY KEY,
    host       text        NOT NULL,
    process_id integer     NOT NULL,
    release    text        NOT NULL,
    queues     text[]      NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    beat_at    timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 50);

-- Calls to the outside: announced before they are made, settled after.
CREATE TABLE queue.effects (
    id              bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    scope           text        NOT NULL,
    name            text        NOT NULL,
    fingerprint     text        NOT NULL,
    -- Random, so that two installations that share a counterpart never send the same key.
    idempotency_key text        NOT NULL UNIQUE DEFAULT gen_random_uuid()::text,
    state           text        NOT NULL DEFAULT 'intended'
                                CHECK (state IN ('intended', 'confirmed', 'refused', 'unknown')),
    job             bigint,                           -- the job that announced it
    lineage         bigint,
    tenant          bigint,
    announced_at    timestamptz NOT NULL,
    settled_at      timestamptz,
    result          jsonb,
    UNIQUE (scope, name),
    CHECK ((settled_at IS NULL) = (state = 'intended'))
);
CREATE INDEX effects_unsettled ON queue.effects (announced_at) WHERE state IN ('intended', 'unknown');

-- One row a tick that fired: the insert that succeeds is the one that enqueues.
CREATE TABLE queue.ticks (
    schedule text        NOT NULL,
    tick     timestamptz NOT NULL,
    fired_at timestamptz NOT NULL,
    job      bigint,
    PRIMARY KEY (schedule, tick)
);

-- The fence. Called with the number of rows a fenced write touched: none means the lease is gone, and raising rolls
-- back everything its holder was about to commit.
CREATE FUNCTION queue.require_lease(held bigint) RETURNS void
    LANGUAGE plpgsql
AS $$
BEGIN
    IF held IS DISTINCT FROM 1 THEN
        RAISE EXCEPTION 'the lease is no longer held' USING ERRCODE = 'BW001';
    END IF;
END
$$;

-- One view for operators, in their words.
CREATE VIEW queue.all_jobs WITH (security_invoker = true) AS
    SELECT id, coalesce(lineage, id) AS lineage, kind, version, queue, priority, tenant, unique_key,
           CASE WHEN lease IS NOT NULL THEN 'running'
                WHEN held_reason IS NOT NULL THEN 'held'
                WHEN attempt > 0 AND due_at > clock_timestamp() THEN 'retryable'
                WHEN due_at > clock_timestamp() THEN 'scheduled'
                ELSE 'available' END AS state,
           enqueued_at, due_at, leased_at, NULL::timestamptz AS ended_at, attempt, rescues, snoozes, worker,
           held_reason, arguments
      FROM queue.jobs
    UNION ALL
    SELECT id, coalesce(lineage, id), kind, version, queue, priority, tenant, unique_key, state,
           enqueued_at, due_at, NULL, ended_at, attempt, rescues, snoozes, worker, NULL, arguments
      FROM queue.history;

GRANT SELECT, INSERT, UPDATE, DELETE ON queue.jobs, queue.workers TO billwright_worker;
GRANT SELECT, INSERT ON queue.history, queue.failures, queue.ticks TO billwright_worker;
GRANT SELECT, INSERT, UPDATE ON queue.effects TO billwright_worker;
GRANT SELECT ON queue.all_jobs TO billwright_worker;
GRANT USAGE ON SEQUENCE queue.lease_numbers TO billwright_worker;
REVOKE ALL ON FUNCTION queue.require_lease(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION queue.require_lease(bigint) TO billwright_worker;

-- How much waits where, for metrics and the command line; the web process sees these numbers and no job.
CREATE FUNCTION queue.depths() RETURNS TABLE (queue text, kind text, state text, jobs bigint, oldest_due timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT queue, kind,
           CASE WHEN lease IS NOT NULL THEN 'running'
                WHEN held_reason IS NOT NULL THEN 'held'
                WHEN due_at <= clock_timestamp() THEN 'available'
                WHEN attempt > 0 OR snoozes > 0 THEN 'retryable'
                ELSE 'scheduled' END,
           count(*), min(due_at)
      FROM queue.jobs
     GROUP BY 1, 2, 3
     ORDER BY 1, 2, 3
$$;
REVOKE ALL ON FUNCTION queue.depths() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION queue.depths() TO billwright_worker, billwright_web;
GRANT USAGE ON SCHEMA queue TO billwright_web;
