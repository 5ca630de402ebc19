-- What happens to jobs between two claims. Each function is one statement's worth of work on rows it locks itself; all
-- times are business time and come in as values. PL/pgSQL keeps a statement's plan for the session; an SQL function's
-- is made at every call, which costs more than most of these do.

-- Stores jobs, in order, and returns the ids of those that were stored: a job whose unique key is taken is left out.
-- Due and without a serial key, a job can be claimed at once; else it waits.
CREATE FUNCTION queue.store(kinds text[], versions integer[], queues text[], priorities smallint[], tenants bigint[],
                            unique_keys text[], unique_until timestamptz[], serial_keys text[], dues timestamptz[],
                            traces text[], runs bigint[], arguments json[], now timestamptz) RETURNS SETOF bigint
    LANGUAGE plpgsql SET search_path = queue, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH input AS MATERIALIZED (
        SELECT nextval('queue.job_ids') AS id, nextval('queue.positions') AS position, place.*
          FROM (SELECT kind, version, queue, priority, tenant, unique_key, unique_until, serial_key,
                       coalesce(due_at, now) AS due_at, trace, run, arguments
                  FROM unnest(kinds, versions, queues, priorities, tenants, unique_keys, unique_until, serial_keys, dues,
                              traces, runs, arguments)
                       WITH ORDINALITY AS job(kind, version, queue, priority, tenant, unique_key, unique_until,
                                              serial_key, due_at, trace, run, arguments, place)
                 ORDER BY place) AS place
    ), won AS (
        INSERT INTO queue.unique_keys AS taken (kind, key, job, expires_at)
        SELECT DISTINCT ON (kind, unique_key) kind, unique_key, id, unique_until
          FROM input
         WHERE unique_key IS NOT NULL
           -- Not even locked: whoever lets a key go must not wait for those who would have liked it.
           AND NOT EXISTS (SELECT FROM queue.unique_keys AS t
                            WHERE t.kind = input.kind AND t.key = input.unique_key
                              AND (t.expires_at IS NULL OR t.expires_at > store.now))
         ORDER BY kind, unique_key, id
            ON CONFLICT (kind, key) DO UPDATE SET job = excluded.job, expires_at = excluded.expires_at
         WHERE taken.expires_at <= store.now
        RETURNING job
    ), admitted AS (
        SELECT * FROM input WHERE unique_key IS NULL OR id IN (SELECT job FROM won)
    ), later AS (
        INSERT INTO queue.waiting (id, position, state, version, priority, tenant, due_at, enqueued_at, kind, queue,
                                   unique_key, serial_key, trace, run, arguments)
        SELECT id, position, CASE WHEN due_at > store.now THEN 'scheduled' ELSE 'blocked' END, version, priority, tenant,
               due_at, store.now, kind, queue, unique_key, serial_key, trace, run, arguments
          FROM admitted WHERE due_at > store.now OR serial_key IS NOT NULL
    ), soon AS (
        INSERT INTO queue.jobs (id, version, priority, tenant, due_at, enqueued_at, kind, queue, unique_key, trace, run,
                                arguments)
        SELECT id, version, priority, tenant, due_at, store.now, kind, queue, unique_key, trace, run, arguments
          FROM admitted WHERE due_at <= store.now AND serial_key IS NULL ORDER BY due_at, id
    )
    SELECT id FROM admitted ORDER BY id;
END
$$;

-- Moves waiting jobs into their lanes, in the order given, if they still stand in one of these states. Returns their ids.
CREATE FUNCTION queue.enter_lanes(ids bigint[], from_states text[]) RETURNS bigint[]
    LANGUAGE plpgsql SET search_path = queue, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    entered bigint[];
BEGIN
    WITH gone AS (
        DELETE FROM queue.waiting WHERE id = ANY (ids) AND state = ANY (from_states) RETURNING *
    ), claimable AS (
        INSERT INTO queue.jobs (id, lineage, version, priority, attempt, rescues, snoozes, tenant, due_at, enqueued_at,
                                kind, queue, unique_key, serial_key, trace, run, arguments)
        SELECT id, lineage, version, priority, attempt, rescues, snoozes, tenant, due_at, enqueued_at, kind, queue,
               unique_key, serial_key, trace, run, arguments
          FROM gone JOIN unnest(ids) WITH ORDINALITY AS given(id, place) USING (id) ORDER BY place
        RETURNING id
    )
    SELECT array_agg(id) INTO entered FROM claimable;
    RETURN coalesce(entered, '{}');
END
$$;

-- Moves what has come due where it can be claimed, or behind the others of its serial key. Returns how many came due.
CREATE FUNCTION queue.promote(from_queue text, most integer, now timestamptz) RETURNS bigint
    LANGUAGE plpgsql SET search_path = queue, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    ready bigint[];
    queued bigint[];
BEGIN
    WITH due AS MATERIALIZED (
        SELECT id, due_at, serial_key IS NOT NULL AND NOT is_head AS must_queue FROM queue.waiting
         WHERE queue = from_queue AND state IN ('scheduled', 'retryable') AND due_at <= promote.now
         ORDER BY due_at, id LIMIT most FOR UPDATE SKIP LOCKED
    )
    SELECT array_agg(id ORDER BY due_at, id) FILTER (WHERE NOT must_queue), array_agg(id) FILTER (WHERE must_queue)
      INTO ready, queued FROM due;
    IF queued IS NOT NULL THEN
        UPDATE queue.waiting SET state = 'blocked' WHERE id = ANY (queued);
    END IF;
    IF ready IS NOT NULL THEN
        PERFORM queue.enter_lanes(ready, ARRAY['scheduled', 'retryable']);
    END IF;
    RETURN coalesce(cardinality(ready), 0) + coalesce(cardinality(queued), 0);
END
$$;

-- Gives up to `most` serial keys that nobody has to the first job waiting for each, which can then be claimed. Goes
-- through the keys from the one after `after`, by one probe a key: a hundred thousand jobs behind one key cost one.
-- Returns the last key given, null when none was.
CREATE FUNCTION queue.admit(from_queue text, after text, most integer) RETURNS text
    LANGUAGE plpgsql SET search_path = queue, pg_catalog, pg_temp
AS $$
DECLARE
    given bigint[];
    given_keys text[];
    entered bigint[];
BEGIN
    WITH RECURSIVE keys(serial_key) AS (
        (SELECT serial_key FROM queue.waiting
          WHERE queue = from_queue AND state = 'blocked' AND serial_key > coalesce(after, '')
          ORDER BY serial_key LIMIT 1)
        UNION ALL
        SELECT (SELECT w.serial_key FROM queue.waiting AS w
                 WHERE w.queue = from_queue AND w.state = 'blocked' AND w.serial_key > keys.serial_key
                 ORDER BY w.serial_key LIMIT 1)
          FROM keys WHERE keys.serial_key IS NOT NULL
    ), free AS (
        SELECT serial_key FROM keys
         WHERE serial_key IS NOT NULL
           AND NOT EXISTS (SELECT FROM queue.heads AS h WHERE h.queue = from_queue AND h.serial_key = keys.serial_key)
         LIMIT most
    ), won AS (
        -- A key that its holder gives up at this moment is waited for; one that another admits now is not ours.
        INSERT INTO queue.heads (queue, serial_key, job)
        SELECT from_queue, serial_key,
               (SELECT w.id FROM queue.waiting AS w
                 WHERE w.queue = from_queue AND w.state = 'blocked' AND w.serial_key = free.serial_key
                 ORDER BY w.priority, w.position, w.id LIMIT 1)
          FROM free ORDER BY serial_key
            ON CONFLICT DO NOTHING
        RETURNING serial_key, job
    )
    SELECT array_agg(job ORDER BY job), array_agg(serial_key ORDER BY serial_key) INTO given, given_keys FROM won;
    IF given IS NULL THEN
        RETURN NULL;
    END IF;
    -- With a snapshot of its own: the key is ours now, and the job that was first a moment ago may have gone.
    entered := queue.enter_lanes(given, ARRAY['blocked']);
    IF cardinality(entered) < cardinality(given) THEN
        DELETE FROM queue.heads AS h
         WHERE h.queue = from_queue AND h.serial_key = ANY (given_keys) AND h.job = ANY (given)
           AND h.job <> ALL (entered);
    END IF;
    RETURN given_keys[cardinality(given_keys)];
END
$$;

-- Completes running jobs, those whose lease is still held, lets their keys go, and returns their ids; the others are left
-- out, and so are their keys: they are other workers' by now.
CREATE FUNCTION queue.finish(ids bigint[], places bigint[], tokens bigint[], of_worker uuid, now timestamptz)
    RETURNS SETOF bigint
    LANGUAGE plpgsql SET search_path = queue, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH gone AS (
        DELETE FROM queue.jobs AS j USING unnest(ids, places, tokens) AS held(id, place, token)
         WHERE j.id = held.id AND j.position = held.place
           AND EXISTS (SELECT FROM queue.leases AS l WHERE l.token = held.token AND l.worker = of_worker)
        RETURNING j.*
    ), kept AS (
        INSERT INTO queue.history (id, lineage, version, priority, attempt, rescues, snoozes, tenant, enqueued_at, due_at,
                                   ended_at, state, kind, queue, unique_key, serial_key, trace, run, worker, arguments)
        SELECT id, lineage, version, priority, attempt + 1, rescues, snoozes, tenant, enqueued_at, due_at, finish.now,
               'completed', kind, queue, unique_key, serial_key, trace, run, of_worker, arguments
          FROM gone
    ), keyed AS (
        DELETE FROM queue.heads AS h USING gone
         WHERE gone.serial_key IS NOT NULL
           AND h.queue = gone.queue AND h.serial_key = gone.serial_key AND h.job = gone.id
    ), unique_ones AS (
        DELETE FROM queue.unique_keys AS u USING gone
         WHERE gone.unique_key IS NOT NULL
           AND u.kind = gone.kind AND u.key = gone.unique_key AND u.job = gone.id AND u.expires_at IS NULL
    ), unasked AS (
        DELETE FROM queue.cancellations AS c USING gone WHERE c.job = gone.id
    )
    SELECT id FROM gone;
END
$$;

-- Lets go of what an ended job held beside its lease: the serial key, and the unique key unless its window lasts.
CREATE FUNCTION queue.let_go(of_job bigint, of_queue text, of_serial_key text, of_kind text, of_unique_key text)
    RETURNS void
    LANGUAGE plpgsql SET search_path = queue, pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM queue.heads AS h WHERE h.queue = of_queue AND h.serial_key = of_serial_key AND h.job = of_job;
    DELETE FROM queue.unique_keys AS u
     WHERE u.kind = of_kind AND u.key = of_unique_key AND u.job = of_job AND u.expires_at IS NULL;
END
$$;

-- Takes a running job back into the queue: retried, snoozed, released or held, or out of it: discarded. What an operator
-- has cancelled meanwhile ends instead. Returns 1, or 0 when the lease is gone.
CREATE FUNCTION queue.give_back(job bigint, place bigint, of_token bigint, of_worker uuid, into_state text,
                                due timestamptz, counts integer, snoozed integer, because text, now timestamptz)
    RETURNS bigint
    LANGUAGE plpgsql SET search_path = queue, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    was queue.jobs;
BEGIN
    DELETE FROM queue.jobs AS j
     WHERE j.id = give_back.job AND j.position = place
       AND EXISTS (SELECT FROM queue.leases AS l WHERE l.token = of_token AND l.worker = of_worker)
    RETURNING * INTO was;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    was.attempt := was.attempt + counts;
    was.snoozes := was.snoozes + snoozed;
    IF EXISTS (SELECT FROM queue.cancellations AS c WHERE c.job = give_back.job) THEN
        PERFORM queue.end_job(was, 'cancelled', of_worker, give_back.now);
    ELSIF into_state = 'available' THEN
        PERFORM queue.return_job(was);
    ELSIF into_state = 'held' THEN
        PERFORM queue.set_aside(was, 'held', was.due_at, because);
        PERFORM queue.leave_held(was.id, queue.dead_head(was.kind, 'held'));
    ELSIF into_state = 'discarded' THEN
        IF was.serial_key IS NULL OR queue.dead_head(was.kind, 'discarded') = 'skip' THEN
            PERFORM queue.end_job(was, 'discarded', of_worker, give_back.now);
        ELSE
            -- The order of its key is worth more than to be rid of it: a person decides.
            PERFORM queue.set_aside(was, 'held', was.due_at, 'to be discarded: ' || because);
            PERFORM queue.leave_held(was.id, queue.dead_head(was.kind, 'discarded'));
        END IF;
    ELSE
        PERFORM queue.set_aside(was, into_state, coalesce(due, was.due_at), NULL);
    END IF;
    RETURN 1;
END
$$;

-- What becomes of a serial key of this kind whose head is held, or would be discarded: block, park or skip.
CREATE FUNCTION queue.dead_head(of_kind text, dies text) RETURNS text
    LANGUAGE plpgsql SET search_path = queue, pg_catalog, pg_temp
AS $$
BEGIN
    RETURN coalesce((SELECT CASE dies WHEN 'held' THEN k.head_held ELSE k.head_discarded END
                       FROM queue.kinds AS k WHERE k.kind = of_kind),
                    CASE dies WHEN 'held' THEN 'block' ELSE 'skip' END);
END
$$;

-- What a job lets go when it is held: its unique key, for it keeps nobody else from doing the work, and by its policy
-- the serial key. Parked, it comes back before all that wait for its key; skipped, behind those that wait by then.
CREATE FUNCTION queue.leave_held(of_job bigint, policy text) RETURNS void
    LANGUAGE plpgsql SET search_path = queue, pg_catalog, pg_temp
AS $$
DECLARE
    was queue.waiting;
BEGIN
    SELECT * INTO was FROM queue.waiting AS w WHERE w.id = of_job;
    DELETE FROM queue.unique_keys AS u WHERE u.kind = was.kind AND u.key = was.unique_key AND u.job = was.id;
    IF was.is_head AND policy <> 'block' THEN
        UPDATE queue.waiting AS w
           SET is_head = false, position = CASE policy WHEN 'park' THEN 0 ELSE -1 END
         WHERE w.id = of_job;
        DELETE FROM queue.heads AS h WHERE h.queue = was.queue AND h.serial_key = was.serial_key AND h.job = was.id;
    END IF;
END
$$;

-- Puts a job that has been taken out of its lane back into one.
CREATE FUNCTION queue.return_job(was queue.jobs) RETURNS void
    LANGUAGE plpgsql SET search_path = queue, pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO queue.jobs (id, lineage, version, priority, attempt, rescues, snoozes, tenant, due_at, enqueued_at, kind,
                            queue, unique_key, serial_key, trace, run, arguments)
    VALUES (was.id, was.lineage, was.version, was.priority, was.attempt, was.rescues, was.snoozes, was.tenant, was.due_at,
            was.enqueued_at, was.kind, was.queue, was.unique_key, was.serial_key, was.trace, was.run, was.arguments);
END
$$;

-- Puts a job that has been taken out of its lane where nobody claims it. It keeps its serial key.
CREATE FUNCTION queue.set_aside(was queue.jobs, into_state text, due timestamptz, because text) RETURNS void
    LANGUAGE plpgsql SET search_path = queue, pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO queue.waiting (id, state, lineage, version, priority, attempt, rescues, snoozes, tenant, due_at,
                               enqueued_at, kind, queue, unique_key, serial_key, trace, run, held_reason, is_head, arguments)
    VALUES (was.id, into_state, was.lineage, was.version, was.priority, was.attempt, was.rescues, was.snoozes, was.tenant,
            due, was.enqueued_at, was.kind, was.queue, was.unique_key, was.serial_key, was.trace, was.run, because,
            was.serial_key IS NOT NULL, was.arguments);
END
$$;

-- Writes a job that has been taken out of its lane into history, and lets its keys go.
CREATE FUNCTION queue.end_job(was queue.jobs, as_state text, of_worker uuid, now timestamptz) RETURNS void
    LANGUAGE plpgsql SET search_path = queue, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    INSERT INTO queue.history (id, lineage, version, priority, attempt, rescues, snoozes, tenant, enqueued_at, due_at,
                               ended_at, state, kind, queue, unique_key, serial_key, trace, run, worker, arguments)
    VALUES (was.id, was.lineage, was.version, was.priority, was.attempt, was.rescues, was.snoozes, was.tenant,
            was.enqueued_at, was.due_at, end_job.now, as_state, was.kind, was.queue, was.unique_key, was.serial_key,
            was.trace, was.run, of_worker, was.arguments);
    DELETE FROM queue.cancellations WHERE job = was.id;
    PERFORM queue.let_go(was.id, was.queue, was.serial_key, was.kind, was.unique_key);
END
$$;

-- Gives back the jobs of a claim that never ran: all of them, or those in `only`.
CREATE FUNCTION queue.give_back_claim(of_token bigint, of_worker uuid, only_jobs bigint[]) RETURNS bigint
    LANGUAGE plpgsql SET search_path = queue, pg_catalog, pg_temp
AS $$
DECLARE
    was queue.jobs;
    returned bigint := 0;
BEGIN
    FOR was IN
        DELETE FROM queue.jobs AS j USING queue.leases AS l, unnest(l.jobs, l.positions) AS held(id, place)
         WHERE l.token = of_token AND l.worker = of_worker AND j.id = held.id AND j.position = held.place
           AND (only_jobs IS NULL OR j.id = ANY (only_jobs))
        RETURNING j.*
    LOOP
        PERFORM queue.return_job(was);
        returned := returned + 1;
    END LOOP;
    RETURN returned;
END
$$;

-- Takes jobs from workers that have been silent for `expiry`, and from workers nobody remembers. A lost worker's row goes
-- first, so that it learns so at its next beat. Jobs locked by a transaction that is finishing them are left to it; their
-- lease stays until a later round. A job whose worker was lost `budget` times is held for a person.
CREATE FUNCTION queue.rescue(expiry interval, budget integer, now timestamptz)
    RETURNS TABLE (job bigint, in_queue text, is_held boolean)
    LANGUAGE plpgsql SET search_path = queue, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    lost queue.leases;
    was queue.jobs;
    moved integer := 0;
BEGIN
    DELETE FROM queue.workers WHERE id IN (
        SELECT id FROM queue.workers WHERE beat_at < clock_timestamp() - expiry FOR UPDATE SKIP LOCKED);
    FOR lost IN
        SELECT * FROM queue.leases AS l
         WHERE l.worker IS NOT NULL AND NOT EXISTS (SELECT FROM queue.workers AS w WHERE w.id = l.worker)
         ORDER BY l.number FOR UPDATE SKIP LOCKED
    LOOP
        FOR was IN
            SELECT j.* FROM unnest(lost.jobs, lost.positions) AS held(id, place)
              JOIN queue.jobs AS j ON j.id = held.id AND j.position = held.place
             ORDER BY j.id FOR UPDATE OF j SKIP LOCKED
        LOOP
            DELETE FROM queue.jobs WHERE id = was.id;
            INSERT INTO queue.failures (job, attempt, lease, kind, failed_at, error)
            VALUES (was.id, was.attempt + 1, lost.token, was.kind, rescue.now, 'worker ' || lost.worker || ' was lost');
            job := was.id;
            in_queue := was.queue;
            is_held := false;
            was.attempt := was.attempt + 1;
            IF EXISTS (SELECT FROM queue.cancellations AS c WHERE c.job = was.id) THEN
                PERFORM queue.end_job(was, 'cancelled', lost.worker, rescue.now);
            ELSE
                was.rescues := was.rescues + 1;
                is_held := was.rescues >= budget;
                IF is_held THEN
                    PERFORM queue.set_aside(was, 'held', was.due_at, 'its worker was lost ' || was.rescues || ' times');
                    PERFORM queue.leave_held(was.id, queue.dead_head(was.kind, 'held'));
                ELSE
                    PERFORM queue.return_job(was);
                END IF;
            END IF;
            moved := moved + 1;
            RETURN NEXT;
        END LOOP;
        PERFORM queue.drop_lease(lost.number, lost.lane);
        EXIT WHEN moved >= 5000;  -- a whole host was lost: in pieces, or a time limit would undo it all each time
    END LOOP;
    -- What a worker ended but kept for its lane's place, once the lane has gone on.
    FOR lost IN
        SELECT * FROM queue.leases AS l
         WHERE l.leased_at < clock_timestamp() - interval '1 minute'
           AND EXISTS (SELECT FROM queue.leases AS n WHERE n.lane = l.lane AND n.number > l.number)
         ORDER BY l.number LIMIT 500 FOR UPDATE SKIP LOCKED
    LOOP
        PERFORM queue.drop_lease(lost.number, lost.lane);
    END LOOP;
END
$$;

-- Drops a lease none of whose jobs is left; the newest of its lane stays as nobody's.
CREATE FUNCTION queue.drop_lease(of_number bigint, of_lane bigint) RETURNS void
    LANGUAGE plpgsql SET search_path = queue, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    UPDATE queue.leases AS l SET worker = NULL, jobs = '{}', positions = '{}'
     WHERE l.lane = of_lane AND l.number = of_number
       AND NOT EXISTS (SELECT FROM unnest(l.jobs, l.positions) AS held(id, place)
                         JOIN queue.jobs AS j ON j.id = held.id AND j.position = held.place);
    DELETE FROM queue.leases
     WHERE number IN (SELECT l.number FROM queue.leases AS l
                       WHERE l.lane = of_lane AND l.worker IS NULL
                         AND EXISTS (SELECT FROM queue.leases AS n WHERE n.lane = l.lane AND n.number > l.number)
                         FOR UPDATE SKIP LOCKED)
       AND lane = of_lane;
END
$$;

-- Signs a worker off, unless it holds a job: then a rescue must find it. Returns whether it is gone.
CREATE FUNCTION queue.retire(of_worker uuid) RETURNS boolean
    LANGUAGE plpgsql SET search_path = queue, pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM queue.drop_lease(l.number, l.lane) FROM queue.leases AS l WHERE l.worker = of_worker;
    DELETE FROM queue.workers
     WHERE id = of_worker AND NOT EXISTS (SELECT FROM queue.leases AS l WHERE l.worker = of_worker);
    RETURN FOUND;
END
$$;

-- One view for operators, in their words. A job is in one of its four parts.
CREATE VIEW queue.all_jobs WITH (security_invoker = true) AS
    SELECT id, coalesce(lineage, id) AS lineage, kind, version, queue, priority, tenant, unique_key, serial_key,
           CASE WHEN lease.token IS NULL THEN 'available' ELSE 'running' END AS state, enqueued_at, due_at,
           lease.leased_at, NULL::timestamptz AS ended_at,
           attempt + CASE WHEN lease.token IS NULL THEN 0 ELSE 1 END AS attempt, rescues, snoozes, lease.worker,
           NULL::text AS held_reason, trace, run, arguments
      FROM queue.jobs AS j
      LEFT JOIN LATERAL (SELECT l.token, l.worker, l.leased_at FROM queue.leases AS l
                          WHERE l.lane = j.lane AND l.worker IS NOT NULL AND l.positions @> ARRAY[j.position]
                          LIMIT 1) AS lease ON true
    UNION ALL
    SELECT id, coalesce(lineage, id), kind, version, queue, priority, tenant, unique_key, serial_key, state,
           enqueued_at, due_at, NULL, NULL, attempt, rescues, snoozes, NULL, held_reason, trace, run, arguments
      FROM queue.waiting
    UNION ALL
    SELECT id, coalesce(lineage, id), kind, version, queue, priority, tenant, unique_key, serial_key, state,
           enqueued_at, due_at, NULL, ended_at, attempt, rescues, snoozes, worker, NULL, trace, run, arguments
      FROM queue.history;

-- How much waits where, for metrics and the command line; the web process sees these numbers and no job.
CREATE FUNCTION queue.depths() RETURNS TABLE (queue text, kind text, state text, jobs bigint, oldest_due timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    WITH running AS (
        SELECT j.queue, j.kind, count(*) AS jobs, min(j.due_at) AS oldest
          FROM queue.leases AS l CROSS JOIN unnest(l.jobs, l.positions) AS held(id, place)
          JOIN queue.jobs AS j ON j.id = held.id AND j.position = held.place
         WHERE l.worker IS NOT NULL GROUP BY 1, 2
    ), live AS (
        SELECT j.queue, j.kind, count(*) AS jobs, min(j.due_at) AS oldest FROM queue.jobs AS j GROUP BY 1, 2
    )
    SELECT queue, kind, 'running', jobs, oldest FROM running
    UNION ALL
    SELECT l.queue, l.kind, 'available', l.jobs - coalesce(r.jobs, 0), l.oldest
      FROM live AS l LEFT JOIN running AS r USING (queue, kind)
     WHERE l.jobs > coalesce(r.jobs, 0)
    UNION ALL
    SELECT queue, kind, state, count(*), min(due_at) FROM queue.waiting GROUP BY 1, 2, 3
     ORDER BY 1, 2, 3
$$;

GRANT SELECT, INSERT, UPDATE, DELETE ON queue.jobs, queue.waiting, queue.heads, queue.unique_keys, queue.lanes,
    queue.leases, queue.cancellations, queue.pauses, queue.workers, queue.kinds TO billwright_worker;
GRANT SELECT, INSERT ON queue.history, queue.failures, queue.acts, queue.ticks TO billwright_worker;
GRANT SELECT, INSERT, UPDATE ON queue.effects TO billwright_worker;
GRANT SELECT ON queue.all_jobs TO billwright_worker;
GRANT USAGE ON SEQUENCE queue.job_ids, queue.positions, queue.lease_numbers TO billwright_worker;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA queue FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA queue TO billwright_worker;
GRANT EXECUTE ON FUNCTION queue.depths() TO billwright_web;
