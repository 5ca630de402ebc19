-- What keeps the queue small. Any worker or scheduler may do any of it at any time, several at once: each function takes
-- what nobody else has, waits for no lock longer than a blink, and may be repeated. Correctness needs none of it.
--
--   history      one partition a UTC day, made a week ahead and dropped whole; rows never are deleted there
--   queue.retention says how long what is kept. Functions that delete run as the owner and read it themselves, so that the
--   worker's role, which may only add to these tables, cannot hasten anything by what it passes.

-- For how long what is kept; null: for ever. Changed with queue.retain, which leaves an act.
CREATE TABLE queue.retention (
    what text PRIMARY KEY CHECK (what IN ('history', 'ticks', 'acts', 'lanes', 'runs')),
    keep interval CHECK (keep >= interval '1 day'),
    CHECK (what <> 'acts' OR keep >= interval '1 year'),
    CHECK (what <> 'lanes' OR keep IS NOT NULL)
);
INSERT INTO queue.retention VALUES
    ('history', '30 days'),   -- ended jobs, their failures, cancellations that were answered
    ('ticks', '90 days'),     -- the newest of each schedule stays for ever: it says what is owed
    ('acts', '1096 days'),    -- who did what; what is removed is itself an act
    ('lanes', '7 days'),      -- how long an empty lane is remembered
    ('runs', '1096 days');    -- how long a run that has ended is known by its name

-- Whose turn it is, by the server's clock: a pass every ten minutes among all processes, sooner after one that failed.
CREATE TABLE queue.housekeeping (
    is_only boolean     PRIMARY KEY DEFAULT true CHECK (is_only),
    due_at  timestamptz NOT NULL DEFAULT '-infinity',
    kept_at timestamptz                              -- when a pass last found everything done
);
INSERT INTO queue.housekeeping DEFAULT VALUES;

-- Failures and effects outlive their jobs. An effect is updated once, and its index on what is unsettled rules a HOT
-- update out: clean up after thousands, as in the other tables that are written to all the time.
CREATE INDEX failures_by_time ON queue.failures (failed_at);
ALTER TABLE queue.effects SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);

CREATE FUNCTION queue.take_turn() RETURNS boolean
    LANGUAGE plpgsql SET search_path = queue, pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE queue.housekeeping SET due_at = clock_timestamp() + interval '1 minute' WHERE due_at <= clock_timestamp();
    RETURN FOUND;
END
$$;

CREATE FUNCTION queue.end_turn() RETURNS void
    LANGUAGE sql SET search_path = queue, pg_catalog, pg_temp
AS $$
    UPDATE queue.housekeeping SET due_at = clock_timestamp() + interval '10 minutes', kept_at = clock_timestamp()
$$;

-- Up to when `what` has outlived its time; null: it is kept for ever. Never later by a caller's clock than by the server's.
CREATE FUNCTION queue.outlived(of_what text, now timestamptz) RETURNS timestamptz
    LANGUAGE sql STABLE SET search_path = queue, pg_catalog, pg_temp
AS $$
    SELECT least(outlived.now, clock_timestamp()) - keep FROM queue.retention WHERE what = of_what
$$;

CREATE VIEW queue.history_days WITH (security_invoker = true) AS
    SELECT to_date(substr(c.relname, 9), 'YYYYMMDD') AS day, c.oid::regclass AS part
      FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
     WHERE i.inhparent = 'queue.history'::regclass AND c.relname ~ '^history_[0-9]{8}$';

-- UTC days that want a partition: from today as far ahead as a long weekend without any process would need, and those whose
-- rows fell into the default one. At most ten of these, oldest first.
CREATE FUNCTION queue.days_wanted(now timestamptz) RETURNS SETOF date
    LANGUAGE sql SECURITY DEFINER SET search_path = queue, pg_catalog, pg_temp
AS $$
    SELECT wanted.day::date
      FROM (SELECT generate_series((days_wanted.now AT TIME ZONE 'UTC')::date::timestamp,
                                   (days_wanted.now AT TIME ZONE 'UTC')::date + interval '7 days', interval '1 day') AS day
             UNION
            (SELECT DISTINCT date_trunc('day', ended_at AT TIME ZONE 'UTC') AS day FROM queue.history_rest
              WHERE ended_at BETWEEN days_wanted.now - interval '1 year' AND days_wanted.now + interval '1 year'
              ORDER BY 1 LIMIT 10)) AS wanted
     WHERE NOT EXISTS (SELECT FROM queue.history_days AS d WHERE d.day = wanted.day)
     ORDER BY 1
$$;

-- Makes a day's partition and moves into it what fell into the default one meanwhile: Postgres attaches none whose rows
-- are there. False: it is there already, or more than `most` rows are to be moved, which would keep those out too long that
-- end a job of that day; then the day stays where it is, and its rows go when they have outlived their time.
--
-- Attaching lets finishes go on: they write to the parent, which is locked against other changes of its shape only. What is
-- locked wholly is the default partition.
CREATE FUNCTION queue.make_history_day(of_day date, most integer) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = queue, pg_catalog, pg_temp SET lock_timeout = '200ms'
AS $$
DECLARE
    part text := 'history_' || to_char(of_day, 'YYYYMMDD');
    since timestamptz := of_day::timestamp AT TIME ZONE 'UTC';
    until timestamptz := (of_day + 1)::timestamp AT TIME ZONE 'UTC';
    stray bigint;
BEGIN
    LOCK TABLE ONLY queue.history IN SHARE UPDATE EXCLUSIVE MODE;
    SELECT count(*) INTO stray FROM (SELECT FROM queue.history_rest WHERE ended_at >= since AND ended_at < until
                                      LIMIT most + 1) AS few;
    IF to_regclass('queue.' || part) IS NOT NULL OR stray > most THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE queue.%I (LIKE queue.history INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES)', part);
    LOCK TABLE queue.history_rest IN ACCESS EXCLUSIVE MODE;
    EXECUTE format('WITH moved AS (DELETE FROM queue.history_rest WHERE ended_at >= %L AND ended_at < %L RETURNING *)
                    INSERT INTO queue.%I SELECT * FROM moved', since, until, part);
    EXECUTE format('ALTER TABLE queue.history ATTACH PARTITION queue.%I FOR VALUES FROM (%L) TO (%L)', part, since, until);
    RETURN true;
END
$$;

-- Drops the oldest day that has outlived its time and returns it; null: there is none. Dropping locks the parent wholly, so
-- it waits for those who read or write history, and who comes after waits for it: never longer than the lock_timeout.
-- DETACH CONCURRENTLY would spare them that, but cannot be while there is a default partition.
CREATE FUNCTION queue.drop_history_day(now timestamptz) RETURNS date
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = queue, pg_catalog, pg_temp SET lock_timeout = '200ms'
AS $$
DECLARE
    oldest record;
BEGIN
    SELECT * INTO oldest FROM queue.history_days AS d
     WHERE (d.day + 1)::timestamp AT TIME ZONE 'UTC' <= queue.outlived('history', drop_history_day.now)
     ORDER BY d.day LIMIT 1;
    IF FOUND THEN
        EXECUTE format('DROP TABLE IF EXISTS %s', oldest.part);
    END IF;
    RETURN oldest.day;
END
$$;

-- Removes up to `most` rows of one kind that have outlived their time, those nobody else has locked, and returns how many.
CREATE FUNCTION queue.sweep(of_what text, most integer, now timestamptz) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = queue, pg_catalog, pg_temp SET lock_timeout = '200ms'
AS $$
DECLARE
    history timestamptz := queue.outlived('history', sweep.now);
    removed bigint;
BEGIN
    CASE of_what
    WHEN 'history_rest' THEN
        DELETE FROM queue.history_rest WHERE ctid = ANY (ARRAY(
            SELECT h.ctid FROM queue.history_rest AS h WHERE h.ended_at < history LIMIT most FOR UPDATE SKIP LOCKED));
    WHEN 'failures' THEN
        -- While the job is there to be looked at, so is what went wrong with it.
        DELETE FROM queue.failures WHERE ctid = ANY (ARRAY(
            SELECT f.ctid FROM queue.failures AS f
             WHERE f.failed_at < history
               AND NOT EXISTS (SELECT FROM queue.jobs AS j WHERE j.id = f.job)
               AND NOT EXISTS (SELECT FROM queue.waiting AS w WHERE w.id = f.job)
               AND NOT EXISTS (SELECT FROM queue.history AS h WHERE h.id = f.job)
             ORDER BY f.failed_at LIMIT most FOR UPDATE SKIP LOCKED));
    WHEN 'cancellations' THEN
        -- Its job has ended: it was answered, or it came too late.
        DELETE FROM queue.cancellations WHERE job = ANY (ARRAY(
            SELECT c.job FROM queue.cancellations AS c
             WHERE c.requested_at < history
               AND NOT EXISTS (SELECT FROM queue.jobs AS j WHERE j.id = c.job)
               AND NOT EXISTS (SELECT FROM queue.waiting AS w WHERE w.id = c.job)
             LIMIT most FOR UPDATE SKIP LOCKED));
    WHEN 'unique_keys' THEN
        -- A day later than they could: an enqueuer whose clock is behind still finds it taken.
        DELETE FROM queue.unique_keys WHERE ctid = ANY (ARRAY(
            SELECT u.ctid FROM queue.unique_keys AS u
             WHERE u.expires_at < least(sweep.now, clock_timestamp()) - interval '1 day'
             ORDER BY u.expires_at LIMIT most FOR UPDATE SKIP LOCKED));
    WHEN 'ticks' THEN
        -- The newest says what is owed, the newest with a job what a later one may have to wait for.
        DELETE FROM queue.ticks WHERE ctid = ANY (ARRAY(
            SELECT t.ctid FROM queue.ticks AS t
             WHERE t.tick < queue.outlived('ticks', sweep.now)
               AND EXISTS (SELECT FROM queue.ticks AS n WHERE n.schedule = t.schedule AND n.tick > t.tick)
               AND (t.job IS NULL OR EXISTS (SELECT FROM queue.ticks AS n WHERE n.schedule = t.schedule
                                                AND n.tick > t.tick AND n.job IS NOT NULL))
             LIMIT most FOR UPDATE SKIP LOCKED));
    WHEN 'runs' THEN
        -- While a job of it can be looked at, so can the run.
        DELETE FROM queue.runs WHERE id = ANY (ARRAY(
            SELECT r.id FROM queue.runs AS r
             WHERE r.ended_at < queue.outlived('runs', sweep.now)
               AND NOT EXISTS (SELECT FROM queue.jobs AS j WHERE j.run = r.id)
               AND NOT EXISTS (SELECT FROM queue.waiting AS w WHERE w.run = r.id)
               AND NOT EXISTS (SELECT FROM queue.history AS h WHERE h.run = r.id)
             LIMIT most FOR UPDATE SKIP LOCKED));
    WHEN 'grants' THEN
        -- The newest of a gateway says up to when its time is used.
        DELETE FROM queue.grants WHERE ctid = ANY (ARRAY(
            SELECT g.ctid FROM queue.grants AS g
             WHERE g.granted_at < clock_timestamp() - interval '1 hour'
               AND EXISTS (SELECT FROM queue.grants AS n WHERE n.gateway = g.gateway AND n.spent_to > g.spent_to)
             LIMIT most FOR UPDATE SKIP LOCKED));
    WHEN 'looks' THEN
        -- The newest of a kind has the sums that the next goes on from.
        DELETE FROM queue.looks WHERE ctid = ANY (ARRAY(
            SELECT l.ctid FROM queue.looks AS l
             WHERE l.looked_at < clock_timestamp() - interval '1 hour'
               AND EXISTS (SELECT FROM queue.looks AS n WHERE n.kind = l.kind AND n.number > l.number)
             LIMIT most FOR UPDATE SKIP LOCKED));
    WHEN 'tallies' THEN
        -- An hour longer than its breaker looks back: a worker's clock may be behind.
        DELETE FROM queue.tallies WHERE ctid = ANY (ARRAY(
            SELECT t.ctid FROM queue.tallies AS t
             WHERE t.told_at < least(sweep.now, clock_timestamp()) - interval '1 hour' - (
                       SELECT k.looks_back FROM queue.kind_limits AS k WHERE k.kind = t.kind)
             LIMIT most FOR UPDATE SKIP LOCKED));
    WHEN 'acts' THEN
        RETURN queue.sweep_acts(most, queue.outlived('acts', sweep.now));
    END CASE;
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END
$$;

-- Whole days only, so that the act which says so is one a day.
CREATE FUNCTION queue.sweep_acts(most integer, outlived timestamptz) RETURNS bigint
    LANGUAGE plpgsql SET search_path = queue, pg_catalog, pg_temp
AS $$
DECLARE
    until timestamptz := date_trunc('day', outlived);
    acts bigint;
    schedule_acts bigint;
BEGIN
    DELETE FROM queue.acts WHERE id = ANY (ARRAY(
        SELECT a.id FROM queue.acts AS a WHERE a.acted_at < until ORDER BY a.id LIMIT most FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS acts = ROW_COUNT;
    -- The newest run by hand of a schedule says what a tick may have to wait for.
    DELETE FROM queue.schedule_acts WHERE id = ANY (ARRAY(
        SELECT a.id FROM queue.schedule_acts AS a
         WHERE a.acted_at < until
           AND EXISTS (SELECT FROM queue.schedule_acts AS n WHERE n.schedule = a.schedule AND n.act = a.act AND n.id > a.id)
         ORDER BY a.id LIMIT most FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS schedule_acts = ROW_COUNT;
    IF acts + schedule_acts > 0 THEN
        INSERT INTO queue.acts (actor, act, reason, before)
        VALUES ('housekeeping', 'remove acts', 'older than queue.retention has it',
                jsonb_build_object('until', until, 'acts', acts, 'schedule_acts', schedule_acts));
    END IF;
    RETURN acts + schedule_acts;
END
$$;

-- Forgets up to `most` lanes that are empty and were not claimed from for long; returns how many. Under the lane's lock,
-- which each claim takes, and only without a row in it: a lane that is met again is read from its beginning, which is right
-- as long as nothing there has been taken, and what runs has a row. One that commits later makes it a lane no claim has met.
-- The lease that kept its place goes with it, although its worker may still live: none of its jobs is left to be ended.
CREATE FUNCTION queue.forget_lanes(most integer) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = queue, pg_catalog, pg_temp SET lock_timeout = '200ms'
AS $$
DECLARE
    unused timestamptz := queue.outlived('lanes', clock_timestamp());
    idle bigint;
    forgotten bigint := 0;
BEGIN
    FOR idle IN
        SELECT l.lane FROM queue.lanes AS l
         WHERE NOT EXISTS (SELECT FROM queue.jobs AS j WHERE j.lane = l.lane)
           AND NOT EXISTS (SELECT FROM queue.leases AS n WHERE n.lane = l.lane AND n.leased_at > unused)
         ORDER BY l.lane LIMIT most
    LOOP
        PERFORM FROM queue.lanes AS l WHERE l.lane = idle FOR UPDATE SKIP LOCKED;
        CONTINUE WHEN NOT FOUND;
        -- Again, with a snapshot taken under the lock.
        CONTINUE WHEN EXISTS (SELECT FROM queue.jobs AS j WHERE j.lane = idle)
                   OR EXISTS (SELECT FROM queue.leases AS n WHERE n.lane = idle AND n.leased_at > unused);
        DELETE FROM queue.leases WHERE lane = idle;
        DELETE FROM queue.lanes WHERE lane = idle;
        forgotten := forgotten + 1;
    END LOOP;
    RETURN forgotten;
END
$$;

-- Sets how long something is kept; null: for ever. Returns what it was.
CREATE FUNCTION queue.retain(of_what text, new_keep interval, person text, because text) RETURNS interval
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = queue, pg_catalog, pg_temp
AS $$
DECLARE
    was interval;
BEGIN
    SELECT keep INTO STRICT was FROM queue.retention WHERE what = of_what FOR UPDATE;
    UPDATE queue.retention SET keep = new_keep WHERE what = of_what;
    INSERT INTO queue.acts (actor, act, reason, before, after)
    VALUES (person, 'retain', because, jsonb_build_object('what', of_what, 'keep', was),
            jsonb_build_object('what', of_what, 'keep', new_keep));
    RETURN was;
END
$$;

GRANT SELECT ON queue.retention, queue.history_days, queue.history_rest TO billwright_worker;
GRANT SELECT, UPDATE ON queue.housekeeping TO billwright_worker;
REVOKE ALL ON FUNCTION queue.take_turn(), queue.end_turn(), queue.outlived(text, timestamptz),
    queue.days_wanted(timestamptz), queue.make_history_day(date, integer), queue.drop_history_day(timestamptz),
    queue.sweep(text, integer, timestamptz), queue.sweep_acts(integer, timestamptz), queue.forget_lanes(integer),
    queue.retain(text, interval, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION queue.take_turn(), queue.end_turn(), queue.outlived(text, timestamptz),
    queue.days_wanted(timestamptz), queue.make_history_day(date, integer), queue.drop_history_day(timestamptz),
    queue.sweep(text, integer, timestamptz), queue.forget_lanes(integer), queue.retain(text, interval, text, text)
    TO billwright_worker;
