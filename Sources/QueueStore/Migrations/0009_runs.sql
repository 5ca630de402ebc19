-- Jobs that are counted together, with one follow-up when the last of them has ended.
--
-- Nothing is counted while jobs run: how far a run has come is read from where its jobs are, by partial indexes that hold
-- jobs of runs only. A run ends in a look of its own: sealed, and no job of it live. A job that leaves the living and the
-- one it enqueued into the run change places in one commit, so no look falls between them.
CREATE TABLE queue.runs (
    id             bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name           text        NOT NULL UNIQUE CHECK (name <> ''),  -- what makes opening it again find it
    tenant         bigint,
    opened_at      timestamptz NOT NULL,
    sealed_at      timestamptz,                       -- nobody but its own jobs adds to it any more
    ended_at       timestamptz,
    follow_up      json,                              -- the job to enqueue at the end, as queue.open_run wrote it
    follow_up_job  bigint,
    CHECK (ended_at IS NULL OR sealed_at IS NOT NULL)
);
CREATE INDEX runs_ending ON queue.runs (id) WHERE sealed_at IS NOT NULL AND ended_at IS NULL;
CREATE INDEX lanes_of_runs ON queue.lanes (run) WHERE run IS NOT NULL;

-- Opens the run of this name, or finds it as it is by now.
CREATE FUNCTION queue.open_run(of_name text, of_tenant bigint, follow_up json, now timestamptz)
    RETURNS TABLE (id bigint, sealed boolean, ended boolean)
    LANGUAGE plpgsql SET search_path = queue, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    INSERT INTO queue.runs (name, tenant, opened_at, follow_up)
    VALUES (of_name, of_tenant, open_run.now, open_run.follow_up) ON CONFLICT (name) DO NOTHING;
    RETURN QUERY SELECT r.id, r.sealed_at IS NOT NULL, r.ended_at IS NOT NULL FROM queue.runs AS r WHERE r.name = of_name;
END
$$;

-- Keeps runs open until this transaction ends. Raises BW003 for one that is sealed or was never opened.
CREATE FUNCTION queue.keep_open(ids bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path = queue, pg_catalog, pg_temp
AS $$
DECLARE
    open bigint;
BEGIN
    SELECT count(*) INTO open FROM (
        SELECT FROM queue.runs AS r WHERE r.id = ANY (ids) AND r.sealed_at IS NULL ORDER BY r.id FOR SHARE) AS kept;
    IF open < (SELECT count(DISTINCT id) FROM unnest(ids) AS id) THEN
        RAISE EXCEPTION 'the run is sealed: only its own jobs add to it' USING ERRCODE = 'BW003';
    END IF;
END
$$;

-- Waits for the transactions that keep it open. False: it was sealed before.
CREATE FUNCTION queue.seal_run(of_run bigint, now timestamptz) RETURNS boolean
    LANGUAGE plpgsql SET search_path = queue, pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE queue.runs AS r SET sealed_at = seal_run.now WHERE r.id = of_run AND r.sealed_at IS NULL;
    RETURN FOUND;
END
$$;

-- Where the jobs of a run stand, those states that have any.
CREATE FUNCTION queue.run_jobs(of_run bigint) RETURNS TABLE (state text, jobs bigint)
    LANGUAGE plpgsql STABLE SET search_path = queue, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH running AS (
        -- Through the lanes of the run: what others have leased is not looked at.
        SELECT count(*) AS jobs
          FROM queue.lanes AS l JOIN queue.leases AS e ON e.lane = l.lane AND e.worker IS NOT NULL
         CROSS JOIN unnest(e.jobs, e.positions) AS held(id, place)
          JOIN queue.jobs AS j ON j.id = held.id AND j.position = held.place
         WHERE l.run = of_run
    ), counts AS (
        SELECT 'running' AS state, jobs FROM running
        UNION ALL SELECT 'available', count(*) - (SELECT jobs FROM running) FROM queue.jobs AS j WHERE j.run = of_run
        UNION ALL SELECT w.state, count(*) FROM queue.waiting AS w WHERE w.run = of_run GROUP BY w.state
        UNION ALL SELECT h.state, count(*) FROM queue.history AS h WHERE h.run = of_run GROUP BY h.state
    )
    SELECT c.state, c.jobs FROM counts AS c WHERE c.jobs > 0 ORDER BY c.state;
END
$$;

-- Ends the runs whose last job has ended, each with its follow-up in the same transaction, and forgets lanes of runs that
-- have ended. Any number may look at once: a run's row is locked by the one that ends it. Returns the runs ended and the
-- queue that gained a follow-up.
CREATE FUNCTION queue.end_runs(now timestamptz) RETURNS TABLE (run bigint, gained text)
    LANGUAGE plpgsql SET search_path = queue, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    ending queue.runs;
    job json;
    made bigint;
    spent bigint;
BEGIN
    FOR ending IN
        SELECT r.* FROM queue.runs AS r
         WHERE r.sealed_at IS NOT NULL AND r.ended_at IS NULL
           -- From the newest on: those at the beginning are most likely the remains of what has ended.
           AND (SELECT j.id FROM queue.jobs AS j WHERE j.run = r.id ORDER BY j.id DESC LIMIT 1) IS NULL
           AND NOT EXISTS (SELECT FROM queue.waiting AS w WHERE w.run = r.id)
         ORDER BY r.id FOR UPDATE OF r SKIP LOCKED
    LOOP
        job := ending.follow_up;
        made := NULL;
        IF job IS NOT NULL THEN
            SELECT stored INTO made FROM queue.store(
                ARRAY[job ->> 'kind'], ARRAY[(job ->> 'version')::integer], ARRAY[job ->> 'queue'],
                ARRAY[(job ->> 'priority')::smallint], ARRAY[(job ->> 'tenant')::bigint], ARRAY[job ->> 'unique_key'],
                ARRAY[NULL::timestamptz], ARRAY[job ->> 'serial_key'], ARRAY[NULL::timestamptz], ARRAY[job ->> 'trace'],
                ARRAY[NULL::bigint], ARRAY[job -> 'arguments'], end_runs.now) AS stored;
        END IF;
        UPDATE queue.runs AS r SET ended_at = end_runs.now, follow_up_job = made WHERE r.id = ending.id;
        DELETE FROM queue.pauses AS p WHERE p.scope = 'run' AND p.name = ending.id::text;
        run := ending.id;
        gained := CASE WHEN made IS NOT NULL THEN job ->> 'queue' END;
        RETURN NEXT;
    END LOOP;
    FOR spent IN
        SELECT l.lane FROM queue.lanes AS l JOIN queue.runs AS r ON r.id = l.run
         WHERE l.run IS NOT NULL AND r.ended_at IS NOT NULL
    LOOP
        PERFORM FROM queue.lanes AS l WHERE l.lane = spent FOR UPDATE SKIP LOCKED;
        -- With a snapshot from under the lock: without jobs there is no lease to keep, nor a place.
        CONTINUE WHEN NOT FOUND OR EXISTS (SELECT FROM queue.jobs AS j WHERE j.lane = spent);
        DELETE FROM queue.leases AS e WHERE e.lane = spent;
        DELETE FROM queue.lanes AS l WHERE l.lane = spent;
    END LOOP;
END
$$;

GRANT SELECT, INSERT, UPDATE ON queue.runs TO billwright_worker;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA queue FROM PUBLIC;
GRANT EXECUTE ON FUNCTION queue.open_run(text, bigint, json, timestamptz), queue.keep_open(bigint[]),
    queue.seal_run(bigint, timestamptz), queue.run_jobs(bigint), queue.end_runs(timestamptz) TO billwright_worker;
