-- Enqueueing from programs that are not ours, in their own transaction: queue.enqueue(kind, arguments, …). See docs/queue.md.
--
-- Who may enqueue a kind is decided by Postgres itself: each kind that was granted has a function of its own that runs as
-- the owner, and the right is EXECUTE on it. So it is the role in force that counts: SET ROLE, membership in groups, and
-- functions that run as somebody else mean here what they mean for every right. No table of grants could do that: inside
-- a function that runs as its owner the caller's role is gone, and session_user is who logged in, whoever acts now.

-- What a caller asks for. One type, so that the functions of the kinds stay as they are when it grows.
CREATE TYPE queue.request AS (
    arguments     jsonb,
    queue         text,
    priority      integer,
    due_at        timestamptz,
    tenant        bigint,
    serial_key    text,
    unique_key    text,
    unique_window interval,
    version       integer,
    trace         text
);

CREATE FUNCTION queue.sleep_lock(of_queue text) RETURNS bigint
    LANGUAGE sql IMMUTABLE
    RETURN hashtextextended('billwright sleeps in ' || of_queue, 0);

-- Whether a worker of the queue has declared itself asleep: its session shares a lock then, which ends with the session.
-- Taken and let go at once, and never waited for: nothing is written, and a busy system pays no NOTIFY. Two callers at
-- the same instant may take each other for a sleeper; that is one NOTIFY too many.
CREATE FUNCTION queue.is_anyone_asleep(of_queue text) RETURNS boolean
    LANGUAGE plpgsql SET search_path = queue, pg_catalog, pg_temp
AS $$
BEGIN
    RETURN NOT (pg_try_advisory_lock(queue.sleep_lock(of_queue)) AND pg_advisory_unlock(queue.sleep_lock(of_queue)));
END
$$;

-- Why a request is not stored, and what to do; null: it is.
CREATE FUNCTION queue.objection(of_kind text, asked queue.request, known queue.kinds) RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN CASE
        WHEN asked.arguments IS NULL OR jsonb_typeof(asked.arguments) <> 'object'
            THEN 'arguments must be a JSON object'
        -- The limit is NewJob.argumentLimit.
        WHEN octet_length(asked.arguments::text) > 65536
            THEN 'arguments are ' || octet_length(asked.arguments::text)
                 || ' bytes, over the limit of 65536: store the data, enqueue its id'
        WHEN known.kind IS NULL AND asked.queue IS NULL
            THEN 'no worker has told of kind ' || of_kind || ' yet: name its queue'
        WHEN asked.queue = '' THEN 'the queue has an empty name'
        WHEN asked.queue <> known.queue
            THEN of_kind || ' is run from queue ' || known.queue || ', nobody would look in ' || asked.queue
        WHEN asked.priority NOT BETWEEN -32768 AND 32767 THEN 'the priority is not from -32768 to 32767'
        WHEN asked.version < 1 THEN 'the version is not 1 or more'
        WHEN NOT isfinite(asked.due_at) THEN 'due_at is not a time'
        WHEN asked.serial_key = '' OR asked.unique_key = '' THEN 'a key is empty: leave it out'
        -- What an index entry holds.
        WHEN octet_length(asked.serial_key) > 1000 OR octet_length(asked.unique_key) > 1000
            THEN 'a key is over the limit of 1000 bytes'
        WHEN asked.unique_window IS NOT NULL AND asked.unique_key IS NULL THEN 'a window without a unique key'
        WHEN asked.unique_window <= '0' THEN 'the window of the unique key is not positive'
    END;

-- Stores one job as Swift's `enqueue` does. Business time is the database's clock. Runs as the owner; who called was asked
-- by whatever calls this.
CREATE FUNCTION queue.enqueue_granted(of_kind text, asked queue.request) RETURNS bigint
    LANGUAGE plpgsql SET search_path = queue, pg_catalog, pg_temp
AS $$
DECLARE
    known queue.kinds;
    objection text;
    moment timestamptz := clock_timestamp();
    of_queue text;
    made bigint;
BEGIN
    SELECT * INTO known FROM queue.kinds AS k WHERE k.kind = of_kind;
    objection := queue.objection(of_kind, asked, known);
    IF objection IS NOT NULL THEN
        RAISE EXCEPTION 'not enqueued: %', objection USING ERRCODE = 'invalid_parameter_value';
    END IF;
    of_queue := coalesce(asked.queue, known.queue);
    SELECT * INTO made FROM queue.store(
        ARRAY[of_kind], ARRAY[coalesce(asked.version, 1)], ARRAY[of_queue],
        ARRAY[coalesce(asked.priority, known.priority, 50)::smallint], ARRAY[asked.tenant], ARRAY[asked.unique_key],
        ARRAY[moment + asked.unique_window], ARRAY[asked.serial_key], ARRAY[asked.due_at],
        -- One that is none is no reason to refuse a job: whoever reads it treats it as absent.
        ARRAY[CASE WHEN octet_length(asked.trace) <= 200 THEN asked.trace END], ARRAY[NULL::bigint],
        ARRAY[asked.arguments::json], moment);
    -- Also for what is due soon: a worker sleeps until the next job it knows of.
    IF made IS NOT NULL AND coalesce(asked.due_at <= moment + interval '10 seconds', true)
       AND queue.is_anyone_asleep(of_queue) THEN
        PERFORM pg_notify('billwright_queue', of_queue);
    END IF;
    RETURN made;
END
$$;

-- The function of a kind, through which it is enqueued. Null: a kind without a name, or one that is cut to be an identifier.
CREATE FUNCTION queue.door(of_kind text) RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN octet_length(of_kind) BETWEEN 1 AND 55 THEN format('queue.%I', 'enqueue ' || of_kind) END;

-- Stores a job in the caller's transaction; it exists when that commits. Returns its id, null when its unique key is taken.
-- What is left out is the kind's own: queue and priority. The version is that of the arguments' shape, 1 unless stated.
CREATE FUNCTION queue.enqueue(kind text, arguments jsonb DEFAULT '{}', queue text DEFAULT NULL, priority integer DEFAULT NULL,
                              due_at timestamptz DEFAULT NULL, tenant bigint DEFAULT NULL, serial_key text DEFAULT NULL,
                              unique_key text DEFAULT NULL, unique_window interval DEFAULT NULL, version integer DEFAULT 1,
                              trace text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    door regprocedure := to_regprocedure(queue.door(kind) || '(queue.request)');
    made bigint;
BEGIN
    -- Only for the words: without the right the call below fails as well.
    IF door IS NULL OR NOT has_function_privilege(door, 'EXECUTE') THEN
        RAISE EXCEPTION 'role % may not enqueue %', current_user, coalesce(kind, 'null')
            USING ERRCODE = 'insufficient_privilege', HINT = 'The schema''s owner grants it with queue.grant_enqueue.';
    END IF;
    EXECUTE 'SELECT ' || queue.door(kind) || '($1)' INTO made
      USING ROW(arguments, queue, priority, due_at, tenant, serial_key, unique_key, unique_window, version,
                trace)::queue.request;
    RETURN made;
END
$$;

-- Lets a role, and whoever inherits its rights, enqueue jobs of a kind and do nothing else here. For the schema's owner.
CREATE FUNCTION queue.grant_enqueue(to_role name, of_kind text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF queue.door(of_kind) IS NULL THEN
        RAISE EXCEPTION 'a kind that is granted has a name of 1 to 55 bytes' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF to_regprocedure(queue.door(of_kind) || '(queue.request)') IS NULL THEN
        EXECUTE format('CREATE FUNCTION %s(asked queue.request) RETURNS bigint
                            LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS %L',
                       queue.door(of_kind), format('BEGIN RETURN queue.enqueue_granted(%L, asked); END', of_kind));
        EXECUTE format('REVOKE ALL ON FUNCTION %s(queue.request) FROM PUBLIC', queue.door(of_kind));
        EXECUTE format('ALTER FUNCTION %s(queue.request) OWNER TO %I', queue.door(of_kind),
                       (SELECT n.nspowner::regrole::name FROM pg_namespace AS n WHERE n.nspname = 'queue'));
    END IF;
    EXECUTE format('GRANT USAGE ON SCHEMA queue TO %I', to_role);
    EXECUTE format('GRANT EXECUTE ON FUNCTION queue.enqueue, queue.door TO %I', to_role);
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s(queue.request) TO %I', queue.door(of_kind), to_role);
END
$$;

-- Takes the right back. What the role has enqueued stays. Its use of the schema ends with its last kind.
CREATE FUNCTION queue.revoke_enqueue(from_role name, of_kind text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF to_regprocedure(queue.door(of_kind) || '(queue.request)') IS NOT NULL THEN
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s(queue.request) FROM %I', queue.door(of_kind), from_role);
    END IF;
    IF NOT EXISTS (SELECT FROM queue.enqueue_grants AS g WHERE g.role = from_role) THEN
        EXECUTE format('REVOKE EXECUTE ON FUNCTION queue.enqueue, queue.door FROM %I', from_role);
        IF from_role NOT IN ('billwright_worker', 'billwright_web') THEN  -- who have more to do here
            EXECUTE format('REVOKE USAGE ON SCHEMA queue FROM %I', from_role);
        END IF;
    END IF;
END
$$;

-- Who may enqueue what from outside.
CREATE VIEW queue.enqueue_grants AS
    SELECT r.rolname AS role, substr(p.proname, length('enqueue ') + 1) AS kind
      FROM pg_proc AS p CROSS JOIN LATERAL aclexplode(p.proacl) AS a JOIN pg_roles AS r ON r.oid = a.grantee
     WHERE p.pronamespace = 'queue'::regnamespace AND p.proname LIKE 'enqueue %' AND a.grantee <> p.proowner;

REVOKE ALL ON FUNCTION queue.sleep_lock(text), queue.is_anyone_asleep(text),
    queue.objection(text, queue.request, queue.kinds), queue.enqueue_granted(text, queue.request), queue.door(text),
    queue.enqueue(text, jsonb, text, integer, timestamptz, bigint, text, text, interval, integer, text),
    queue.grant_enqueue(name, text), queue.revoke_enqueue(name, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION queue.sleep_lock(text) TO billwright_worker;
GRANT SELECT ON queue.enqueue_grants TO billwright_worker;
