-- What a person does to jobs and queues. Every act is one function call in one transaction: it takes its locks, looks
-- again, acts or says why not, and leaves who, why, before and after in queue.acts. See docs/operations.md.

-- A job as the audit keeps it: where it stood, without its arguments.
CREATE FUNCTION queue.portrait(of_job bigint) RETURNS jsonb
    LANGUAGE plpgsql SET search_path = queue, pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT jsonb_strip_nulls(to_jsonb(j) - 'arguments') FROM queue.all_jobs AS j WHERE j.id = of_job);
END
$$;

-- Locks a job where it stands and returns its state; null: there is no such job. Until the transaction ends no claim,
-- finish, rescue or promotion moves it: a claim takes no lock on a job, so what can be claimed is held by its lane.
CREATE FUNCTION queue.pin(of_job bigint) RETURNS text
    LANGUAGE plpgsql SET search_path = queue, pg_catalog, pg_temp
AS $$
DECLARE
    was queue.jobs;
    standing text;
BEGIN
    FOR round IN 1..5 LOOP  -- it may change places between two looks
        SELECT w.state INTO standing FROM queue.waiting AS w WHERE w.id = of_job FOR UPDATE;
        IF FOUND THEN
            RETURN standing;
        END IF;
        SELECT * INTO was FROM queue.jobs AS j WHERE j.id = of_job;
        IF FOUND THEN
            -- Also a lane that no claim has met: it could be met and claimed from while we look.
            INSERT INTO queue.lanes VALUES (was.lane, was.queue, was.kind, was.version, was.priority, was.tenant,
                                            was.rescues > 0, was.run)
                ON CONFLICT DO NOTHING;
            PERFORM FROM queue.lanes AS l WHERE l.lane = was.lane FOR UPDATE;
            CONTINUE WHEN NOT FOUND;  -- forgotten at this moment
            PERFORM FROM queue.jobs AS j WHERE j.id = of_job AND j.position = was.position FOR UPDATE;
            IF FOUND THEN
                RETURN CASE WHEN EXISTS (SELECT FROM queue.leases AS l
                                          WHERE l.lane = was.lane AND l.worker IS NOT NULL
                                            AND l.positions @> ARRAY[was.position])
                            THEN 'running' ELSE 'available' END;
            END IF;
        ELSE
            SELECT h.state INTO standing FROM queue.history AS h WHERE h.id = of_job;
            IF FOUND THEN
                RETURN standing;
            END IF;
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;

-- Why a job in this state is not moved by this act, and what to do instead; null: it is.
CREATE FUNCTION queue.refusal(act text, standing text) RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN CASE
        WHEN standing = ANY (CASE act
            WHEN 'retry' THEN ARRAY['scheduled', 'retryable', 'held', 'discarded', 'cancelled']
            WHEN 'cancel' THEN ARRAY['scheduled', 'retryable', 'blocked', 'available', 'running', 'held']
            WHEN 'discard' THEN ARRAY['scheduled', 'retryable', 'blocked', 'available', 'held']
            WHEN 'reschedule' THEN ARRAY['scheduled', 'retryable', 'blocked', 'available']
            WHEN 'hold' THEN ARRAY['scheduled', 'retryable', 'blocked', 'available']
            WHEN 'release' THEN ARRAY['held']
            WHEN 'replay' THEN ARRAY['completed', 'discarded', 'cancelled']
            END) THEN NULL
        WHEN act = 'retry' AND standing = 'completed'
            THEN 'it has completed and is never run again in place; replay makes a new job of it'
        WHEN act = 'retry' AND standing = 'available' THEN 'it can be claimed already'
        WHEN act = 'retry' AND standing = 'blocked'
            THEN 'it waits for an earlier job of its serial key; look at that one'
        WHEN act = 'replay' THEN 'it is ' || standing || '; only a job that has ended is replayed'
        WHEN act = 'release' THEN 'it is ' || standing || ', not held'
        WHEN standing = 'running' THEN 'it is running; wait for its attempt to end, or cancel it'
        WHEN standing = 'held' AND act = 'hold' THEN 'it is held already'
        WHEN standing = 'held' THEN 'it is held; release or retry it first'
        ELSE 'it has ended: ' || standing
    END;

-- Gives a job its unique key again. Returns why it cannot have it, null when it has it (or has none).
CREATE FUNCTION queue.retake_key(of_kind text, of_key text, of_job bigint, formerly bigint, now timestamptz) RETURNS text
    LANGUAGE plpgsql SET search_path = queue, pg_catalog, pg_temp
AS $$
DECLARE
    holder bigint;
BEGIN
    IF of_key IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO queue.unique_keys AS taken (kind, key, job) VALUES (of_kind, of_key, of_job)
        ON CONFLICT (kind, key) DO UPDATE
       SET job = excluded.job,
           expires_at = CASE WHEN taken.expires_at > retake_key.now THEN taken.expires_at END
     WHERE taken.expires_at <= retake_key.now OR taken.job IN (of_job, formerly);
    IF FOUND THEN
        RETURN NULL;
    END IF;
    SELECT u.job INTO holder FROM queue.unique_keys AS u WHERE u.kind = of_kind AND u.key = of_key;
    RETURN 'job ' || coalesce(holder::text, 'another') || ' has its unique key now and does its work';
END
$$;

-- Takes a job that can be claimed out of its lane, to where nobody claims it. Its lane and row are pinned.
CREATE FUNCTION queue.unlane(of_job bigint) RETURNS void
    LANGUAGE plpgsql SET search_path = queue, pg_catalog, pg_temp
AS $$
DECLARE
    was queue.jobs;
BEGIN
    DELETE FROM queue.jobs AS j WHERE j.id = of_job RETURNING * INTO was;
    PERFORM queue.set_aside(was, CASE WHEN was.attempt > 0 THEN 'retryable' ELSE 'scheduled' END, was.due_at, NULL);
END
$$;

-- Ends a waiting job without running it and lets its keys go.
CREATE FUNCTION queue.end_waiting(of_job bigint, as_state text, now timestamptz) RETURNS void
    LANGUAGE plpgsql SET search_path = queue, pg_catalog, pg_temp
AS $$
DECLARE
    was queue.waiting;
BEGIN
    DELETE FROM queue.waiting AS w WHERE w.id = of_job RETURNING * INTO was;
    INSERT INTO queue.history (id, lineage, version, priority, attempt, rescues, snoozes, tenant, enqueued_at, due_at,
                               ended_at, state, kind, queue, unique_key, serial_key, trace, run, arguments)
    VALUES (was.id, was.lineage, was.version, was.priority, was.attempt, was.rescues, was.snoozes, was.tenant,
            was.enqueued_at, was.due_at, end_waiting.now, as_state, was.kind, was.queue, was.unique_key, was.serial_key,
            was.trace, was.run, was.arguments);
    DELETE FROM queue.cancellations AS c WHERE c.job = was.id;
    PERFORM queue.let_go(was.id, was.queue, was.serial_key, was.kind, was.unique_key);
END
$$;

-- Moves a pinned waiting job. Returns why it does not, null when it did.
CREATE FUNCTION queue.move_waiting(of_job bigint, act text, because text, until timestamptz, now timestamptz)
    RETURNS text
    LANGUAGE plpgsql SET search_path = queue, pg_catalog, pg_temp
AS $$
DECLARE
    was queue.waiting;
    obstacle text;
BEGIN
    SELECT * INTO was FROM queue.waiting AS w WHERE w.id = of_job;
    IF act = 'hold' THEN
        UPDATE queue.waiting AS w SET state = 'held', held_reason = because WHERE w.id = of_job;
        PERFORM queue.leave_held(of_job, queue.dead_head(was.kind, 'held'));
    ELSIF act = 'reschedule' THEN
        UPDATE queue.waiting AS w
           SET state = CASE WHEN w.attempt > 0 THEN 'retryable' ELSE 'scheduled' END, due_at = until
         WHERE w.id = of_job;
    ELSE
        IF was.state = 'held' THEN
            obstacle := queue.retake_key(was.kind, was.unique_key, was.id, was.id, move_waiting.now);
            IF obstacle IS NOT NULL THEN
                RETURN obstacle;
            END IF;
            -- Released: counted anew. Retried: the attempt that held it, or its lost worker, is forgiven.
            was.attempt := CASE WHEN act = 'release' THEN 0 ELSE greatest(was.attempt - 1, 0) END;
            was.rescues := CASE WHEN act = 'release' THEN 0 ELSE greatest(was.rescues - 1, 0) END;
        END IF;
        UPDATE queue.waiting AS w
           SET state = CASE WHEN was.attempt > 0 THEN 'retryable' ELSE 'scheduled' END, held_reason = NULL,
               due_at = move_waiting.now, attempt = was.attempt, rescues = was.rescues,
               position = CASE WHEN w.position < 0 THEN nextval('queue.positions') ELSE w.position END
         WHERE w.id = of_job;
    END IF;
    RETURN NULL;
END
$$;

-- History is only ever added to, but for a job that failed and is to run again: it would be in two places.
CREATE FUNCTION queue.take_from_history(of_job bigint) RETURNS SETOF queue.history
    LANGUAGE sql SECURITY DEFINER SET search_path = queue, pg_catalog, pg_temp
AS $$
    DELETE FROM queue.history WHERE id = of_job AND state IN ('discarded', 'cancelled') RETURNING *
$$;

-- Brings an ended job back: itself, with the attempt that ended it forgiven, or a new job of its line. The line is what
-- effects are known by, so neither repeats what the first has done.
CREATE FUNCTION queue.revive(of_job bigint, as_new boolean, now timestamptz, OUT obstacle text, OUT made bigint)
    LANGUAGE plpgsql SET search_path = queue, pg_catalog, pg_temp
AS $$
DECLARE
    was queue.history;
BEGIN
    SELECT * INTO was FROM queue.history AS h WHERE h.id = of_job;
    made := CASE WHEN as_new THEN nextval('queue.job_ids') ELSE was.id END;
    obstacle := queue.retake_key(was.kind, was.unique_key, made, was.id, revive.now);
    IF obstacle IS NOT NULL THEN
        RETURN;
    END IF;
    IF as_new THEN
        was.lineage := coalesce(was.lineage, was.id);
        was.run := NULL;  -- what has ended may be counted already
        was.attempt := 0; was.rescues := 0; was.snoozes := 0;
        was.enqueued_at := revive.now;
    ELSE
        PERFORM FROM queue.take_from_history(of_job);
        IF NOT FOUND THEN
            obstacle := 'somebody else has retried it at this moment';
            RETURN;
        END IF;
        was.attempt := greatest(was.attempt - 1, 0);
        -- Its end did away with the wish to see it ended.
        DELETE FROM queue.cancellations AS c WHERE c.job = of_job;
    END IF;
    INSERT INTO queue.waiting (id, state, lineage, version, priority, attempt, rescues, snoozes, tenant, due_at,
                               enqueued_at, kind, queue, unique_key, serial_key, trace, run, arguments)
    VALUES (made, CASE WHEN was.attempt > 0 THEN 'retryable' ELSE 'scheduled' END, was.lineage, was.version, was.priority,
            was.attempt, was.rescues, was.snoozes, was.tenant, revive.now, was.enqueued_at, was.kind, was.queue,
            was.unique_key, was.serial_key, was.trace, was.run, was.arguments);
END
$$;

-- Puts a pinned waiting job that is due where it can be claimed, or behind the others of its serial key.
CREATE FUNCTION queue.let_run(of_job bigint) RETURNS void
    LANGUAGE plpgsql SET search_path = queue, pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE queue.waiting SET state = 'blocked' WHERE id = of_job AND serial_key IS NOT NULL AND NOT is_head;
    IF FOUND THEN
        RETURN;
    END IF;
    PERFORM queue.enter_lanes(ARRAY[of_job], ARRAY['scheduled', 'retryable']);
END
$$;

-- One act on one job. `expected` is the state a person saw, null when any will do. `refusal` says why nothing changed and
-- what to do; `made` is the job that runs: a replay's is a new one.
CREATE FUNCTION queue.act(of_job bigint, verb text, person text, because text, until timestamptz, expected text,
                          now timestamptz, OUT refusal text, OUT before text, OUT after text, OUT made bigint)
    LANGUAGE plpgsql SET search_path = queue, pg_catalog, pg_temp
AS $$
DECLARE
    seen jsonb;
    portrait jsonb;
BEGIN
    before := queue.pin(of_job);
    made := of_job;
    IF before IS NULL THEN
        refusal := 'there is no such job, live or in history';
        RETURN;
    END IF;
    refusal := CASE WHEN before <> expected THEN 'it was ' || expected || ' and is ' || before || ' by now; look again'
                    ELSE queue.refusal(verb, before) END;
    IF refusal IS NOT NULL THEN
        RETURN;
    END IF;
    seen := queue.portrait(of_job);
    IF before = 'running' THEN
        INSERT INTO queue.cancellations (job, requested_at, requested_by, reason)
        VALUES (of_job, act.now, person, because) ON CONFLICT DO NOTHING;
        IF NOT FOUND THEN
            refusal := 'it is being cancelled already, once its attempt ends';
            RETURN;
        END IF;
    ELSIF before IN ('completed', 'discarded', 'cancelled') THEN
        SELECT r.obstacle, r.made INTO refusal, made FROM queue.revive(of_job, verb = 'replay', act.now) AS r;
    ELSE
        IF before = 'available' THEN
            PERFORM queue.unlane(of_job);
        END IF;
        IF verb IN ('cancel', 'discard') THEN
            PERFORM queue.end_waiting(of_job, CASE verb WHEN 'cancel' THEN 'cancelled' ELSE 'discarded' END, act.now);
        ELSE
            refusal := queue.move_waiting(of_job, verb, because, until, act.now);
        END IF;
    END IF;
    IF refusal IS NOT NULL THEN
        RETURN;
    END IF;
    IF verb IN ('retry', 'release', 'replay') THEN
        PERFORM queue.let_run(made);
    END IF;
    portrait := queue.portrait(made);
    after := portrait ->> 'state';
    INSERT INTO queue.acts (actor, act, reason, job, before, after)
    VALUES (person, verb, because, of_job, seen,
            portrait || CASE WHEN before = 'running' THEN '{"cancelling": true}' ELSE '{}' END::jsonb);
    -- It may run now, or let another of its serial key run. Delivered with the commit.
    PERFORM pg_notify('billwright_queue', portrait ->> 'queue');
END
$$;

-- Acts on many, in the order given: each as if alone, so one that is refused stops none. Their lanes are locked first, in
-- the order in which claims meet them, so that two never wait for each other.
CREATE FUNCTION queue.act_on(jobs bigint[], states text[], verb text, person text, because text, until timestamptz,
                             now timestamptz)
    RETURNS TABLE (job bigint, refusal text, before text, after text, made bigint)
    LANGUAGE plpgsql SET search_path = queue, pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM queue.meet_lanes();
    PERFORM FROM queue.lanes AS l
      WHERE l.lane IN (SELECT j.lane FROM queue.jobs AS j WHERE j.id = ANY (jobs)) ORDER BY l.lane FOR UPDATE;
    RETURN QUERY
        SELECT one.id, done.refusal, done.before, done.after, done.made
          FROM unnest(jobs, states) WITH ORDINALITY AS one(id, state, place)
         CROSS JOIN LATERAL queue.act(one.id, verb, person, because, until, one.state, act_on.now) AS done
         ORDER BY one.place;
END
$$;

-- Stops claims from a queue, of a kind, or (queue '*') all of them. False: it was so already.
CREATE FUNCTION queue.pause(of_scope text, of_name text, person text, because text, now timestamptz) RETURNS boolean
    LANGUAGE plpgsql SET search_path = queue, pg_catalog, pg_temp
AS $$
DECLARE
    made queue.pauses;
BEGIN
    INSERT INTO queue.pauses (scope, name, paused_at, paused_by, reason)
    VALUES (of_scope, of_name, pause.now, person, because) ON CONFLICT DO NOTHING RETURNING * INTO made;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO queue.acts (actor, act, reason, after) VALUES (person, 'pause', because, to_jsonb(made));
    RETURN true;
END
$$;

-- What is paused, for metrics and the command line; the web process sees it too.
CREATE FUNCTION queue.paused() RETURNS SETOF queue.pauses
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT * FROM queue.pauses
$$;

-- Lets claims go on and wakes the workers concerned. False: it was not paused.
CREATE FUNCTION queue.resume(of_scope text, of_name text, person text, because text, now timestamptz) RETURNS boolean
    LANGUAGE plpgsql SET search_path = queue, pg_catalog, pg_temp
AS $$
DECLARE
    ended queue.pauses;
BEGIN
    DELETE FROM queue.pauses AS p WHERE p.scope = of_scope AND p.name = of_name RETURNING * INTO ended;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO queue.acts (actor, act, reason, before) VALUES (person, 'resume', because, to_jsonb(ended));
    IF of_scope = 'kind' THEN
        -- Its breaker begins anew: what it saw before would stop the kind again at once.
        UPDATE queue.kind_limits AS k SET resumed_at = resume.now WHERE k.kind = of_name;
        INSERT INTO queue.looks (kind, counted_to, amounts)
        SELECT l.kind, l.counted_to, '{}' FROM queue.looks AS l WHERE l.kind = of_name ORDER BY l.number DESC LIMIT 1;
    END IF;
    IF of_scope = 'queue' AND of_name <> '*' THEN
        PERFORM pg_notify('billwright_queue', of_name);
    ELSE
        PERFORM pg_notify('billwright_queue', w.name)
           FROM (SELECT DISTINCT unnest(queues) AS name FROM queue.workers) AS w;
    END IF;
    RETURN true;
END
$$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA queue FROM PUBLIC;
GRANT EXECUTE ON FUNCTION queue.portrait(bigint), queue.pin(bigint), queue.refusal(text, text),
    queue.retake_key(text, text, bigint, bigint, timestamptz), queue.unlane(bigint), queue.let_run(bigint),
    queue.end_waiting(bigint, text, timestamptz), queue.move_waiting(bigint, text, text, timestamptz, timestamptz),
    queue.take_from_history(bigint), queue.revive(bigint, boolean, timestamptz),
    queue.act(bigint, text, text, text, timestamptz, text, timestamptz),
    queue.act_on(bigint[], text[], text, text, text, timestamptz, timestamptz),
    queue.paused(), queue.pause(text, text, text, text, timestamptz), queue.resume(text, text, text, text, timestamptz)
    TO billwright_worker;
GRANT EXECUTE ON FUNCTION queue.paused() TO billwright_web;
