-- The queue. A live job is one row of queue.jobs or of queue.waiting; a finished one a row of queue.history.
--   queue.jobs      can be claimed, or is running: inserted and deleted, never updated, so an old snapshot costs nothing
--   queue.waiting   scheduled, retryable, held for a person, or blocked behind another job of its serial key
--   queue.leases    one row a claimed batch; the newest of a lane is also how far that lane has been claimed
-- See docs/queue.md for the life of a job and docs/decisions/0001 for why.
CREATE SCHEMA queue;
GRANT USAGE ON SCHEMA queue TO billwright_worker, billwright_web;

CREATE SEQUENCE queue.job_ids AS bigint;
-- A job's place in its lane: another one each time it returns. No CACHE: within a transaction the order is kept.
CREATE SEQUENCE queue.positions AS bigint;
CREATE SEQUENCE queue.lease_numbers AS bigint;

-- A lane holds what is interchangeable for a claim: one kind and version of one tenant and run at one priority. Jobs that
-- were tried before have a lane of their own, so a retry does not wait behind a million new ones, and so have jobs that lost
-- a worker, of which a worker has one at a time.
CREATE FUNCTION queue.lane(queue text, kind text, version integer, priority smallint, tenant bigint, attempt integer,
                           rescues integer, run bigint) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN hashtextextended(
        queue || chr(1) || kind || chr(1) || version::text || chr(1) || priority::text || chr(1)
        || coalesce(tenant::text, '') || CASE WHEN rescues > 0 THEN '!' WHEN attempt > 0 THEN '+' ELSE '' END
        || coalesce(chr(1) || run::text, ''), 0);

CREATE TABLE queue.jobs (
    lane        bigint      NOT NULL GENERATED ALWAYS AS (
                    queue.lane(queue, kind, version, priority, tenant, attempt, rescues, run)) STORED,
    xid         xid8        NOT NULL DEFAULT pg_current_xact_id(),  -- who put it here: see queue.claim
    position    bigint      NOT NULL DEFAULT nextval('queue.positions'),
    id          bigint      NOT NULL DEFAULT nextval('queue.job_ids') PRIMARY KEY,
    lineage     bigint,                              -- null: this job is the first of its line
    version     integer     NOT NULL CHECK (version >= 1),
    priority    smallint    NOT NULL,
    attempt     integer     NOT NULL DEFAULT 0 CHECK (attempt >= 0),  -- attempts that have ended and count
    rescues     integer     NOT NULL DEFAULT 0,
    snoozes     integer     NOT NULL DEFAULT 0,
    tenant      bigint,
    due_at      timestamptz NOT NULL CHECK (isfinite(due_at)),
    enqueued_at timestamptz NOT NULL CHECK (isfinite(enqueued_at)),
    kind        text        NOT NULL CHECK (kind <> ''),
    queue       text        NOT NULL CHECK (queue <> ''),
    unique_key  text,
    serial_key  text,
    trace       text,
    run         bigint,                              -- the run it is counted in
    arguments   json        NOT NULL
) WITH (
    -- Rows come and go: clean up after thousands, not after a fifth of the table.
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 100000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 100000, autovacuum_vacuum_cost_delay = 1
);
CREATE UNIQUE INDEX jobs_in_lane ON queue.jobs (lane, xid, position);
CREATE INDEX jobs_of_run ON queue.jobs (run, id) WHERE run IS NOT NULL;

CREATE TABLE queue.waiting (
    id          bigint      NOT NULL DEFAULT nextval('queue.job_ids') PRIMARY KEY,
    position    bigint      NOT NULL DEFAULT nextval('queue.positions'),  -- in its serial key; 0: parked, -1: skipped
    state       text        NOT NULL CHECK (state IN ('scheduled', 'retryable', 'held', 'blocked')),
    lineage     bigint,
    version     integer     NOT NULL CHECK (version >= 1),
    priority    smallint    NOT NULL,
    attempt     integer     NOT NULL DEFAULT 0 CHECK (attempt >= 0),
    rescues     integer     NOT NULL DEFAULT 0,
    snoozes     integer     NOT NULL DEFAULT 0,
    tenant      bigint,
    due_at      timestamptz NOT NULL CHECK (isfinite(due_at)),
    enqueued_at timestamptz NOT NULL CHECK (isfinite(enqueued_at)),
    kind        text        NOT NULL CHECK (kind <> ''),
    queue       text        NOT NULL CHECK (queue <> ''),
    unique_key  text,
    serial_key  text,
    trace       text,
    run         bigint,                              -- the run it is counted in
    held_reason text,
    is_head     boolean     NOT NULL DEFAULT false,  -- it has its serial key's row in queue.heads
    arguments   json        NOT NULL,
    CHECK ((state = 'held') = (held_reason IS NOT NULL)),
    CHECK (state <> 'blocked' OR serial_key IS NOT NULL),
    CHECK (serial_key <> '')                          -- queue.admit goes through the keys from the empty text on
) WITH (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 100000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 100000, autovacuum_vacuum_cost_delay = 1
);
CREATE INDEX waiting_due ON queue.waiting (queue, due_at, id) WHERE state IN ('scheduled', 'retryable');
CREATE INDEX waiting_blocked ON queue.waiting (queue, serial_key, priority, position, id) WHERE state = 'blocked';
CREATE INDEX waiting_held ON queue.waiting (id) WHERE state = 'held';
CREATE INDEX waiting_of_run ON queue.waiting (run, state) WHERE run IS NOT NULL;

-- What workers said of the kinds they run when they registered; the last one's word holds. For those who know no Swift:
-- callers from outside, and statements that hold a job.
CREATE TABLE queue.kinds (
    kind           text     PRIMARY KEY CHECK (kind <> ''),
    queue          text     NOT NULL CHECK (queue <> ''),
    priority       smallint NOT NULL,
    -- What becomes of a serial key whose head is held, or would be discarded.
    head_held      text     NOT NULL CHECK (head_held IN ('block', 'park', 'skip')),
    head_discarded text     NOT NULL CHECK (head_discarded IN ('block', 'park', 'skip'))
);

-- Which job of a serial key may run. The key is this row: two jobs of one key cannot both have it.
CREATE TABLE queue.heads (
    queue      text   NOT NULL,
    serial_key text   NOT NULL,
    job        bigint NOT NULL,
    PRIMARY KEY (queue, serial_key)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);

-- Which live job, or which of this window, has a unique key.
CREATE TABLE queue.unique_keys (
    kind       text        NOT NULL,
    key        text        NOT NULL,
    job        bigint      NOT NULL,
    expires_at timestamptz,                          -- null: with the job's end
    PRIMARY KEY (kind, key)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);
CREATE INDEX unique_keys_expiring ON queue.unique_keys (expires_at) WHERE expires_at IS NOT NULL;

-- The lanes that claims have met. Never written by whoever enqueues: a long transaction must not keep a lane locked.
CREATE TABLE queue.lanes (
    lane     bigint   PRIMARY KEY,
    queue    text     NOT NULL,
    kind     text     NOT NULL,
    version  integer  NOT NULL,
    priority smallint NOT NULL,
    tenant   bigint,
    suspect  boolean  NOT NULL,                      -- jobs that lost a worker: one a worker
    run      bigint
);

CREATE TABLE queue.leases (
    token         bigint      NOT NULL,              -- random, one for each claim, never used twice
    number        bigint      NOT NULL DEFAULT nextval('queue.lease_numbers'),
    lane          bigint      NOT NULL,
    worker        uuid,                              -- null: nobody's; the row only keeps the lane's place
    upto_xid      xid8        NOT NULL,
    upto_position bigint      NOT NULL,
    pending       xid8[]      NOT NULL,              -- transactions under way that may have rows before that place
    pending_after bigint[]    NOT NULL,              -- of each, the last position that was claimed
    jobs          bigint[]    NOT NULL,
    positions     bigint[]    NOT NULL,              -- of those jobs when they were claimed
    leased_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (token, number)                      -- a claim takes from several lanes, from one perhaps twice
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
ALTER TABLE queue.leases ALTER COLUMN jobs SET STORAGE EXTERNAL, ALTER COLUMN positions SET STORAGE EXTERNAL;
CREATE UNIQUE INDEX leases_by_lane ON queue.leases (lane, number);
CREATE INDEX leases_by_worker ON queue.leases (worker);

-- What an operator wants stopped; honoured when the attempt ends in anything but completion.
CREATE TABLE queue.cancellations (
    job          bigint      PRIMARY KEY,
    requested_at timestamptz NOT NULL,
    requested_by text        NOT NULL,
    reason       text        NOT NULL
);

-- What is not claimed until it is resumed. Name '*' of scope queue: nothing is. A run's name is its id.
CREATE TABLE queue.pauses (
    scope     text        NOT NULL CHECK (scope IN ('queue', 'kind', 'run')),
    name      text        NOT NULL,
    paused_at timestamptz NOT NULL,
    paused_by text        NOT NULL,
    reason    text        NOT NULL,
    PRIMARY KEY (scope, name)
);

-- What went wrong, attempt by attempt; outlives the job's stay among the living.
CREATE TABLE queue.failures (
    job       bigint      NOT NULL,
    attempt   integer     NOT NULL,
    lease     bigint,
    kind      text        NOT NULL,
    failed_at timestamptz NOT NULL,
    error     text        NOT NULL
);
CREATE INDEX failures_by_job ON queue.failures (job);
CREATE INDEX failures_by_kind ON queue.failures (kind, failed_at);

-- Who did what to which jobs, and why. Only ever inserted into.
CREATE TABLE queue.acts (
    id       bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    acted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor    text        NOT NULL,
    act      text        NOT NULL,
    reason   text        NOT NULL,
    job      bigint,                                 -- null: not about one job
    before   jsonb,
    after    jsonb
);
CREATE INDEX acts_by_job ON queue.acts (job);

-- Finished jobs, by day. Housekeeping makes day partitions ahead and drops old ones; the default one is the net.
CREATE TABLE queue.history (
    id          bigint      NOT NULL,
    lineage     bigint,
    version     integer     NOT NULL,
    priority    smallint    NOT NULL,
    attempt     integer     NOT NULL,
    rescues     integer     NOT NULL,
    snoozes     integer     NOT NULL,
    tenant      bigint,
    enqueued_at timestamptz NOT NULL,
    due_at      timestamptz NOT NULL,
    ended_at    timestamptz NOT NULL,
    state       text        NOT NULL CHECK (state IN ('completed', 'cancelled', 'discarded')),
    kind        text        NOT NULL,
    queue       text        NOT NULL,
    unique_key  text,
    serial_key  text,
    trace       text,
    run         bigint,                              -- the run it is counted in
    worker      uuid,
    arguments   json        NOT NULL
) PARTITION BY RANGE (ended_at);
CREATE TABLE queue.history_rest PARTITION OF queue.history DEFAULT;
CREATE INDEX history_by_id ON queue.history (id);
CREATE INDEX history_of_run ON queue.history (run, state) WHERE run IS NOT NULL;

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
    kind            text,                             -- that job's, with its run: what limits and progress add up by
    run             bigint,
    amount          bigint      CHECK (amount >= 0),  -- what it moves, in minor units; null: no money
    currency        text,
    announced_at    timestamptz NOT NULL,
    settled_at      timestamptz,
    result          jsonb,
    UNIQUE (scope, name),
    CHECK ((settled_at IS NULL) = (state = 'intended')),
    CHECK ((amount IS NULL) = (currency IS NULL))
);
CREATE INDEX effects_unsettled ON queue.effects (announced_at) WHERE state IN ('intended', 'unknown');
CREATE INDEX effects_by_job ON queue.effects (job);
CREATE INDEX effects_by_kind ON queue.effects (kind, announced_at) WHERE kind IS NOT NULL;
CREATE INDEX effects_unsettled_of_line ON queue.effects (lineage) WHERE state IN ('intended', 'unknown');
CREATE INDEX effects_of_run ON queue.effects (run, currency, state) INCLUDE (amount) WHERE run IS NOT NULL;

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
