-- Where this database's transactions are counted. The places of lanes are told by transaction ids, which belong to a
-- cluster: rows that a logical restore brings into a younger one carry larger ids than it will give out for long, so
-- whatever is enqueued there would stand before each lane's place and never be claimed.
CREATE TABLE queue.cluster (
    is_only           boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    system_identifier bigint  NOT NULL
);
INSERT INTO queue.cluster (system_identifier) SELECT system_identifier FROM pg_control_system();

CREATE FUNCTION queue.is_at_home() RETURNS boolean
    LANGUAGE sql STABLE SET search_path = queue, pg_catalog, pg_temp
AS $$
    SELECT EXISTS (SELECT FROM queue.cluster AS c JOIN pg_control_system() AS here USING (system_identifier))
$$;

-- Called by every worker that begins a life.
CREATE FUNCTION queue.require_home() RETURNS void
    LANGUAGE plpgsql SET search_path = queue, pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT queue.is_at_home() THEN
        RAISE EXCEPTION 'this database was restored from another cluster, or upgraded; its jobs must be re-laned first'
            USING ERRCODE = 'BW002', HINT = 'stop all workers and run: billwright queues relane --reason TEXT';
    END IF;
END
$$;

-- Puts every claimable job where this cluster's claims find it, in its order, and forgets all leases: what ran when the
-- dump was made runs again, and its attempt does not count. All or nothing, and only while no worker lives. Lanes are met
-- anew, since a hash need not be the same on another machine.
CREATE FUNCTION queue.relane(person text, because text, OUT refusal text, OUT jobs bigint, OUT interrupted bigint)
    LANGUAGE plpgsql SET search_path = queue, pg_catalog, pg_temp
AS $$
DECLARE
    was jsonb := (SELECT to_jsonb(c) - 'is_only' FROM queue.cluster AS c);
    alive bigint;
BEGIN
    LOCK TABLE queue.workers, queue.lanes, queue.leases, queue.jobs IN SHARE ROW EXCLUSIVE MODE;
    SELECT count(*) INTO alive FROM queue.workers AS w WHERE w.beat_at > clock_timestamp() - interval '20 seconds';
    IF alive > 0 THEN
        refusal := alive || ' workers have beaten within 20 seconds; stop them, wait as long and try again';
        RETURN;
    END IF;
    SELECT count(*) INTO interrupted
      FROM queue.leases AS l CROSS JOIN unnest(l.jobs, l.positions) AS held(id, place)
      JOIN queue.jobs AS j ON j.id = held.id AND j.position = held.place
     WHERE l.worker IS NOT NULL;
    DELETE FROM queue.workers;
    DELETE FROM queue.leases;
    DELETE FROM queue.lanes;
    UPDATE queue.jobs SET xid = DEFAULT;
    GET DIAGNOSTICS jobs = ROW_COUNT;
    UPDATE queue.cluster SET system_identifier = (SELECT here.system_identifier FROM pg_control_system() AS here);
    INSERT INTO queue.acts (actor, act, reason, before, after)
    VALUES (person, 'relane', because, was,
            (SELECT to_jsonb(c) - 'is_only' FROM queue.cluster AS c)
                || jsonb_build_object('jobs', jobs, 'interrupted', interrupted));
END
$$;

GRANT SELECT, UPDATE ON queue.cluster TO billwright_worker;
REVOKE ALL ON FUNCTION queue.is_at_home(), queue.require_home(), queue.relane(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION queue.is_at_home(), queue.require_home(), queue.relane(text, text) TO billwright_worker;
