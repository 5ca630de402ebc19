-- Finds lanes that no claim has met: one probe for each gap between those that are known.
CREATE FUNCTION queue.meet_lanes() RETURNS integer
    LANGUAGE plpgsql SET search_path = queue, pg_catalog, pg_temp
AS $$
DECLARE
    met integer := 0;
    low bigint := -9223372036854775808;
    high bigint;
    stranger queue.jobs;
BEGIN
    FOR high IN SELECT lane FROM queue.lanes UNION ALL SELECT 9223372036854775807 ORDER BY 1 LOOP
        LOOP
            SELECT * INTO stranger FROM queue.jobs WHERE lane > low AND lane < high ORDER BY lane LIMIT 1;
            EXIT WHEN NOT FOUND;
            INSERT INTO queue.lanes VALUES (stranger.lane, stranger.queue, stranger.kind, stranger.version,
                                            stranger.priority, stranger.tenant, stranger.rescues > 0, stranger.run)
                ON CONFLICT DO NOTHING;
            met := met + 1;
            low := stranger.lane;
        END LOOP;
        low := high;
    END LOOP;
    RETURN met;
END
$$;

-- Whether a worker has a job that lost a worker before.
CREATE FUNCTION queue.has_suspect(of_worker uuid) RETURNS boolean
    LANGUAGE plpgsql SET search_path = queue, pg_catalog, pg_temp
AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM queue.leases AS l JOIN queue.lanes AS s ON s.lane = l.lane AND s.suspect
         CROSS JOIN unnest(l.jobs, l.positions) AS held(id, place)
          JOIN queue.jobs AS j ON j.id = held.id AND j.position = held.place
         WHERE l.worker = of_worker);
END
$$;

-- Leases up to `wanted` jobs of a queue to a worker and returns them in the order they are to run.
--
-- Nothing is updated: the rows taken are told by the lease, and where the next claim goes on is told by the newest lease
-- of the lane. Of jobs that lost a worker before, a worker has one at a time: should it fall, it takes no other down with
-- it twice. Rows are taken in the order (xid, position) of those visible now. A transaction that is still under way
-- may own rows before that place; it is among the running ones of this snapshot, so its xid is kept in `pending` and its
-- rows are looked for by that xid once it has ended. One that began later has a larger xid than any visible row.
CREATE FUNCTION queue.claim(worker uuid, token bigint, from_queue text, kinds text[], versions integer[],
                            wanted integer, finished bigint[]) RETURNS TABLE (
        lane bigint, job_position bigint, id bigint, lineage bigint, kind text, version integer, tenant bigint,
        attempt integer, rescues integer, serial_key text, trace text, run bigint, enqueued_at timestamptz,
        due_at timestamptz, arguments json)
    LANGUAGE plpgsql SET search_path = queue, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    open record;
    last queue.leases;
    missing integer := wanted;
    gained integer;
    room integer;
    busy bigint;
    holds boolean := false;
    has_suspect boolean;                             -- null: not looked yet
    patience text := current_setting('lock_timeout');
BEGIN
    -- A claim that a crash of the server forgets is refused when its holder comes back: the lease's token is not there.
    PERFORM set_config('synchronous_commit', 'off', true);
    FOR pass IN 1..2 LOOP
        FOR open IN
            SELECT l.lane, l.suspect, count(*) OVER (PARTITION BY l.priority) AS lanes, g.name AS gateway, k.calls
              FROM queue.lanes AS l
              LEFT JOIN queue.kind_limits AS k ON k.kind = l.kind
              LEFT JOIN queue.gateways AS g ON g.name = k.gateway
              JOIN unnest(kinds, versions) AS known(kind, version)
                ON l.kind = known.kind AND l.version <= known.version
              LEFT JOIN LATERAL (SELECT n.number, n.upto_xid, n.upto_position, n.pending, n.pending_after
                                   FROM queue.leases AS n WHERE n.lane = l.lane
                                  ORDER BY n.number DESC LIMIT 1) AS newest ON true
             WHERE l.queue = from_queue
               AND NOT EXISTS (SELECT FROM queue.pauses AS p
                                WHERE p.scope = 'queue' AND p.name IN (from_queue, '*')
                                   OR p.scope = 'kind' AND p.name = l.kind
                                   OR p.scope = 'run' AND p.name = l.run::text)
               AND (EXISTS (SELECT FROM queue.jobs AS j WHERE j.lane = l.lane
                               AND (j.xid, j.position) > (coalesce(newest.upto_xid, '0'), coalesce(newest.upto_position, 0)))
                    OR EXISTS (SELECT FROM unnest(newest.pending, newest.pending_after) AS late(x, after)
                                 JOIN queue.jobs AS j ON j.lane = l.lane AND j.xid = x AND j.position > after))
             ORDER BY l.priority, newest.number NULLS FIRST
        LOOP
            IF open.suspect THEN
                IF has_suspect IS NULL THEN
                    -- A worker's queues claim at the same time; of their claims one looks at a time.
                    PERFORM FROM queue.workers AS w WHERE w.id = claim.worker FOR NO KEY UPDATE;
                    has_suspect := queue.has_suspect(claim.worker);
                END IF;
                CONTINUE WHEN has_suspect;
            END IF;
            -- Not read yet under this lock: the next statement's snapshot sees what the last claimer left.
            PERFORM FROM queue.lanes AS l WHERE l.lane = open.lane FOR UPDATE SKIP LOCKED;
            IF NOT FOUND THEN
                busy := coalesce(busy, open.lane);
                CONTINUE;
            END IF;
            holds := true;
            room := missing;
            IF open.gateway IS NOT NULL THEN
                room := least(missing, queue.calls_left(open.gateway) / open.calls);
                CONTINUE WHEN room < 1;
            END IF;
            SELECT * INTO last FROM queue.leases AS n WHERE n.lane = open.lane ORDER BY n.number DESC LIMIT 1;
            IF NOT FOUND THEN
                last.upto_xid := '0'; last.upto_position := 0; last.pending := '{}'; last.pending_after := '{}';
            END IF;
            RETURN QUERY
                WITH share AS (
                    SELECT CASE WHEN open.suspect THEN 1
                                WHEN pass = 1 THEN least(room, (wanted + open.lanes - 1) / open.lanes)
                                ELSE room END AS most
                ), late AS MATERIALIZED (
                    SELECT j.* FROM unnest(last.pending, last.pending_after) AS p(x, after)
                      JOIN queue.jobs AS j ON j.lane = open.lane AND j.xid = p.x AND j.position > p.after
                     ORDER BY j.xid, j.position LIMIT (SELECT most FROM share)
                ), fresh AS MATERIALIZED (
                    SELECT j.* FROM queue.jobs AS j
                     WHERE j.lane = open.lane AND (j.xid, j.position) > (last.upto_xid, last.upto_position)
                     ORDER BY j.xid, j.position
                     LIMIT (SELECT most FROM share) - (SELECT count(*) FROM late)
                ), top AS (
                    SELECT f.xid, f.position FROM fresh AS f ORDER BY f.xid DESC, f.position DESC LIMIT 1
                ), place AS (
                    SELECT coalesce((SELECT xid FROM top), last.upto_xid) AS xid,
                           coalesce((SELECT position FROM top), last.upto_position) AS position
                ), pending AS (
                    -- Under way, and older than the newest row taken.
                    SELECT x, coalesce((SELECT max(p.after) FROM unnest(last.pending, last.pending_after) AS p(x, after)
                                         WHERE p.x = x.x), 0) AS after
                      FROM pg_snapshot_xip(pg_current_snapshot()) AS x
                     WHERE x.x < (SELECT xid FROM place)
                    UNION
                    -- Ended with more rows than were taken now.
                    SELECT p.x, greatest(p.after, coalesce((SELECT max(t.position) FROM late AS t WHERE t.xid = p.x), 0))
                      FROM unnest(last.pending, last.pending_after) AS p(x, after)
                     WHERE pg_visible_in_snapshot(p.x, pg_current_snapshot())
                       AND EXISTS (SELECT FROM queue.jobs AS j
                                    WHERE j.lane = open.lane AND j.xid = p.x
                                      AND j.position > greatest(p.after, coalesce(
                                              (SELECT max(t.position) FROM late AS t WHERE t.xid = p.x), 0)))
                ), taken AS MATERIALIZED (
                    SELECT * FROM late UNION ALL SELECT * FROM fresh
                ), leased AS (
                    INSERT INTO queue.leases (token, lane, worker, upto_xid, upto_position, pending, pending_after, jobs,
                                              positions)
                    SELECT token, open.lane, worker, (SELECT xid FROM place), (SELECT position FROM place),
                           coalesce((SELECT array_agg(x ORDER BY x) FROM pending), '{}'),
                           coalesce((SELECT array_agg(after ORDER BY x) FROM pending), '{}'),
                           array_agg(t.id ORDER BY t.xid, t.position),
                           array_agg(t.position ORDER BY t.xid, t.position)
                      FROM taken AS t
                    HAVING count(*) > 0
                )
                SELECT t.lane, t.position, t.id, coalesce(t.lineage, t.id), t.kind, t.version, t.tenant, t.attempt + 1,
                       t.rescues, t.serial_key, t.trace, t.run, t.enqueued_at, t.due_at, t.arguments
                  FROM taken AS t ORDER BY t.xid, t.position;
            GET DIAGNOSTICS gained = ROW_COUNT;
            missing := missing - gained;
            IF gained > 0 AND open.gateway IS NOT NULL THEN
                PERFORM queue.take_calls(open.gateway, gained * open.calls);
            END IF;
            has_suspect := has_suspect OR open.suspect AND gained > 0;
            EXIT WHEN missing <= 0;
        END LOOP;
        EXIT WHEN missing <= 0;
        IF pass = 1 AND busy IS NOT NULL AND NOT holds THEN
            -- Locked by another is not empty: wait for it, then look again. Never while holding a lane: two could wait
            -- for each other.
            BEGIN
                PERFORM set_config('lock_timeout', '50ms', true);
                PERFORM FROM queue.lanes AS l WHERE l.lane = busy FOR UPDATE;
                PERFORM set_config('lock_timeout', patience, true);
            EXCEPTION WHEN lock_not_available THEN
                NULL;  -- its holder is no claimer: other lanes may have gained meanwhile
            END;
        END IF;
    END LOOP;
    -- What its worker has ended, but for the newest of a lane: that one keeps the lane's place.
    -- Waits for nobody: housekeeping finds what is passed over.
    DELETE FROM queue.leases AS gone USING (
        SELECT l.token, l.number FROM queue.leases AS l
         WHERE l.token = ANY (finished) AND l.worker = claim.worker
           AND EXISTS (SELECT FROM queue.leases AS n WHERE n.lane = l.lane AND n.number > l.number)
           FOR UPDATE SKIP LOCKED) AS done
     WHERE gone.token = done.token AND gone.number = done.number;
END
$$;
