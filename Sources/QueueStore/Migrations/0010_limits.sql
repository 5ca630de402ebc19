-- What a kind may do in a while before it is stopped, and how often a gateway may be called. Workers write both when they
-- start, so all of them go by the same: those of the one that started last.
--
-- Nothing here is a row that is updated as jobs run. Calls granted, completions counted and sums of money are rows that are
-- added, the newest found from the end of an index, so an old snapshot makes none of it slower. Housekeeping takes the
-- others away (queue.sweep).
CREATE TABLE queue.gateways (
    name  text    PRIMARY KEY,
    cost  bigint  NOT NULL CHECK (cost > 0),          -- microseconds a call: 20,000 are 50 calls a second
    burst integer NOT NULL CHECK (burst >= 1)         -- calls that an idle gateway has saved up
);

CREATE TABLE queue.kind_limits (
    kind           text    PRIMARY KEY,
    gateway        text,                              -- whose calls an attempt takes; without a row there: as many as it likes
    calls          integer NOT NULL CHECK (calls >= 1),
    -- The breaker; a limit that is null is none.
    looks_back     interval NOT NULL,
    failed_percent integer CHECK (failed_percent BETWEEN 1 AND 100),
    sample         integer NOT NULL CHECK (sample >= 1),  -- attempts below which no percentage says anything
    unknown        integer CHECK (unknown >= 1),
    amounts        jsonb   NOT NULL,                  -- minor units by currency
    resumed_at     timestamptz                        -- what was before is forgiven
);

-- Calls as stretches of time: a gateway's time up to `spent_to` is used up, and each call takes `cost` of it.
CREATE TABLE queue.grants (
    gateway    text        NOT NULL,
    spent_to   bigint      NOT NULL,                  -- microseconds since 1970, by the server's clock
    calls      integer     NOT NULL,
    granted_at timestamptz NOT NULL,
    PRIMARY KEY (gateway, spent_to)
);

-- What workers have completed of kinds with a breaker, told every few seconds.
CREATE TABLE queue.tallies (
    kind      text        NOT NULL,
    told_at   timestamptz NOT NULL,
    completed bigint      NOT NULL
);
CREATE INDEX tallies_by_kind ON queue.tallies (kind, told_at);

-- What the breaker saw when it last looked.
CREATE TABLE queue.looks (
    number     bigint      GENERATED ALWAYS AS IDENTITY,
    kind       text        NOT NULL,
    looked_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    counted_to bigint      NOT NULL,                  -- effects up to here are in `amounts`, later ones are not
    amounts    jsonb       NOT NULL,                  -- announced and not refused, by currency
    PRIMARY KEY (kind, number)
);

-- Says what the kinds of a worker are limited to.
CREATE FUNCTION queue.limit_kinds(kinds text[], gateways text[], calls integer[], windows bigint[], failed integer[],
                                  samples integer[], unknowns integer[], amounts text[]) RETURNS void
    LANGUAGE plpgsql SET search_path = queue, pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO queue.kind_limits AS k (kind, gateway, calls, looks_back, failed_percent, sample, unknown, amounts)
    SELECT n.kind, n.gateway, n.calls, n.seconds * interval '1 second', n.failed, n.sample, n.unknown, n.amounts::jsonb
      FROM unnest(kinds, gateways, limit_kinds.calls, windows, limit_kinds.failed, samples, unknowns, limit_kinds.amounts)
           AS n(kind, gateway, calls, seconds, failed, sample, unknown, amounts) ORDER BY n.kind
        ON CONFLICT (kind) DO UPDATE
       SET gateway = excluded.gateway, calls = excluded.calls, looks_back = excluded.looks_back,
           failed_percent = excluded.failed_percent, sample = excluded.sample, unknown = excluded.unknown,
           amounts = excluded.amounts
     WHERE (k.gateway, k.calls, k.looks_back, k.failed_percent, k.sample, k.unknown, k.amounts)
           IS DISTINCT FROM (excluded.gateway, excluded.calls, excluded.looks_back, excluded.failed_percent,
                             excluded.sample, excluded.unknown, excluded.amounts);
END
$$;

CREATE FUNCTION queue.limit_gateways(names text[], costs bigint[], bursts integer[]) RETURNS void
    LANGUAGE plpgsql SET search_path = queue, pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO queue.gateways AS g (name, cost, burst)
    SELECT n.name, n.cost, n.burst FROM unnest(names, costs, bursts) AS n(name, cost, burst) ORDER BY n.name
        ON CONFLICT (name) DO UPDATE SET cost = excluded.cost, burst = excluded.burst
     WHERE (g.cost, g.burst) IS DISTINCT FROM (excluded.cost, excluded.burst);
END
$$;

-- How many calls a gateway has left at this moment, which nobody else is given until this transaction ends; none while
-- another is being given some.
CREATE FUNCTION queue.calls_left(of_gateway text) RETURNS bigint
    LANGUAGE plpgsql SET search_path = queue, pg_catalog, pg_temp
AS $$
DECLARE
    g queue.gateways;
    spent bigint;
    now_us bigint;
BEGIN
    SELECT * INTO g FROM queue.gateways AS w WHERE w.name = of_gateway FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    -- Under the lock, so with the grant that was committed last.
    SELECT e.spent_to INTO spent FROM queue.grants AS e WHERE e.gateway = of_gateway ORDER BY e.spent_to DESC LIMIT 1;
    now_us := extract(epoch FROM clock_timestamp()) * 1000000;
    RETURN greatest(0, now_us - greatest(coalesce(spent, 0), now_us - g.burst * g.cost)) / g.cost;
END
$$;

-- Takes calls that `calls_left` has just found.
CREATE FUNCTION queue.take_calls(of_gateway text, wanted bigint) RETURNS void
    LANGUAGE plpgsql SET search_path = queue, pg_catalog, pg_temp
AS $$
DECLARE
    at timestamptz := clock_timestamp();
    now_us bigint := extract(epoch FROM at) * 1000000;
BEGIN
    INSERT INTO queue.grants (gateway, spent_to, calls, granted_at)
    SELECT g.name, greatest(coalesce((SELECT e.spent_to FROM queue.grants AS e WHERE e.gateway = g.name
                                       ORDER BY e.spent_to DESC LIMIT 1), 0), now_us - g.burst * g.cost) + wanted * g.cost,
           wanted, at
      FROM queue.gateways AS g WHERE g.name = of_gateway;
END
$$;

-- When a claim for jobs that wait for nothing but calls is worth while; null: none do. Not for each call alone: a claim
-- every 50 ms is as good.
CREATE FUNCTION queue.call_wait(of_worker uuid, from_queue text, kinds text[]) RETURNS interval
    LANGUAGE plpgsql SET search_path = queue, pg_catalog, pg_temp
AS $$
DECLARE
    now_us bigint := extract(epoch FROM clock_timestamp()) * 1000000;
    wait bigint;
BEGIN
    SELECT min(greatest(5000, coalesce(spent.spent_to, 0)
               + least(g.burst, greatest(k.calls, (50000 + g.cost - 1) / g.cost)) * g.cost - now_us)) INTO wait
      FROM queue.kind_limits AS k
      JOIN queue.gateways AS g ON g.name = k.gateway
      JOIN queue.lanes AS l ON l.kind = k.kind AND l.queue = from_queue
      LEFT JOIN LATERAL (SELECT e.spent_to FROM queue.grants AS e WHERE e.gateway = g.name
                          ORDER BY e.spent_to DESC LIMIT 1) AS spent ON true
      LEFT JOIN LATERAL (SELECT n.upto_xid, n.upto_position, n.pending, n.pending_after FROM queue.leases AS n
                          WHERE n.lane = l.lane ORDER BY n.number DESC LIMIT 1) AS newest ON true
     WHERE k.kind = ANY (kinds)
       -- What queue.claim asks of a lane.
       AND NOT (l.suspect AND queue.has_suspect(of_worker))
       AND NOT EXISTS (SELECT FROM queue.pauses AS p
                        WHERE p.scope = 'queue' AND p.name IN (from_queue, '*')
                           OR p.scope = 'kind' AND p.name = l.kind
                           OR p.scope = 'run' AND p.name = l.run::text)
       AND (EXISTS (SELECT FROM queue.jobs AS j WHERE j.lane = l.lane
                       AND (j.xid, j.position) > (coalesce(newest.upto_xid, '0'), coalesce(newest.upto_position, 0)))
            OR EXISTS (SELECT FROM unnest(newest.pending, newest.pending_after) AS late(x, after)
                         JOIN queue.jobs AS j ON j.lane = l.lane AND j.xid = x AND j.position > after));
    RETURN wait * interval '1 microsecond';
END
$$;

-- Whether a kind may announce so much more now. Sees what has been committed: what others are announcing at this moment may
-- come on top.
CREATE FUNCTION queue.may_move(of_kind text, more bigint, in_currency text) RETURNS boolean
    LANGUAGE plpgsql SET search_path = queue, pg_catalog, pg_temp
AS $$
DECLARE
    most bigint;
    since timestamptz;
    seen queue.looks;
BEGIN
    SELECT (k.amounts ->> in_currency)::bigint, coalesce(k.resumed_at, '-infinity') INTO most, since
      FROM queue.kind_limits AS k WHERE k.kind = of_kind;
    IF most IS NULL THEN
        RETURN true;
    END IF;
    SELECT * INTO seen FROM queue.looks AS l WHERE l.kind = of_kind ORDER BY l.number DESC LIMIT 1;
    RETURN more <= most - coalesce((seen.amounts ->> in_currency)::bigint, 0) - coalesce((
        SELECT sum(e.amount) FROM queue.effects AS e
         WHERE e.id > coalesce(seen.counted_to, 0) AND e.kind = of_kind AND e.currency = in_currency
           AND e.announced_at > since AND e.state <> 'refused'), 0);
END
$$;

-- Looks at what a kind has done since `since` and notes the sums. Returns why it must be stopped; null: it need not.
CREATE FUNCTION queue.look_at(watched queue.kind_limits, since timestamptz, now timestamptz) RETURNS text
    LANGUAGE plpgsql SET search_path = queue, pg_catalog, pg_temp
AS $$
DECLARE
    failed bigint;
    ended bigint;
    lost bigint;
    settled bigint;
    sums jsonb;
    over record;
BEGIN
    -- Not the last ten seconds: an effect with a smaller id may still be on its way to its commit.
    SELECT e.id INTO settled FROM queue.effects AS e
     WHERE e.kind = watched.kind AND e.announced_at <= look_at.now - interval '10 seconds'
     ORDER BY e.announced_at DESC LIMIT 1;
    settled := coalesce(settled, 0);
    SELECT coalesce(jsonb_object_agg(s.currency, s.total), '{}') INTO sums FROM (
        SELECT e.currency, sum(e.amount) AS total FROM queue.effects AS e
         WHERE e.kind = watched.kind AND e.announced_at > since AND e.id <= settled AND e.amount IS NOT NULL
           AND e.state <> 'refused' GROUP BY e.currency) AS s;
    INSERT INTO queue.looks (kind, counted_to, amounts) VALUES (watched.kind, settled, sums);
    SELECT a.currency, a.most INTO over FROM jsonb_each_text(watched.amounts) AS a(currency, most)
     WHERE NOT queue.may_move(watched.kind, 0, a.currency) LIMIT 1;
    IF FOUND THEN
        RETURN format('more than %s minor units of %s in %s', over.most, over.currency, watched.looks_back);
    END IF;
    IF watched.unknown IS NOT NULL THEN
        SELECT count(*) INTO lost FROM queue.effects AS e
         WHERE e.state = 'unknown' AND e.kind = watched.kind AND e.announced_at > since;
        IF lost >= watched.unknown THEN
            RETURN format('%s effects of unknown outcome in %s', lost, watched.looks_back);
        END IF;
    END IF;
    IF watched.failed_percent IS NOT NULL THEN
        SELECT count(*) INTO failed FROM queue.failures AS f WHERE f.kind = watched.kind AND f.failed_at > since;
        SELECT failed + coalesce(sum(t.completed), 0) INTO ended FROM queue.tallies AS t
         WHERE t.kind = watched.kind AND t.told_at > since;
        IF ended >= watched.sample AND failed * 100 >= watched.failed_percent * ended THEN
            RETURN format('%s of %s attempts failed in %s', failed, ended, watched.looks_back);
        END IF;
    END IF;
    RETURN NULL;
END
$$;

-- Notes what a worker has completed of its kinds, and stops those that are over a limit. Kinds that somebody looked at less
-- than `interval` ago are left. Returns those stopped by this.
CREATE FUNCTION queue.watch(kinds text[], completed bigint[], every interval, now timestamptz)
    RETURNS TABLE (kind text, reason text)
    LANGUAGE plpgsql SET search_path = queue, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    watched queue.kind_limits;
BEGIN
    INSERT INTO queue.tallies (kind, told_at, completed)
    SELECT t.kind, watch.now, t.completed
      FROM unnest(kinds, watch.completed) AS t(kind, completed) JOIN queue.kind_limits AS k USING (kind)
     WHERE t.completed > 0 AND k.failed_percent IS NOT NULL;
    FOR watched IN
        SELECT k.* FROM queue.kind_limits AS k
         WHERE k.kind = ANY (kinds) AND (k.failed_percent, k.unknown, nullif(k.amounts, '{}')) IS DISTINCT FROM (NULL, NULL, NULL)
           AND NOT EXISTS (SELECT FROM queue.looks AS l WHERE l.kind = k.kind AND l.looked_at > clock_timestamp() - every)
         ORDER BY k.kind
    LOOP
        CONTINUE WHEN NOT pg_try_advisory_xact_lock(hashtextextended('queue.watch ' || watched.kind, 0));
        kind := watched.kind;
        reason := queue.look_at(
            watched, greatest(watch.now - watched.looks_back, watched.resumed_at), watch.now);
        IF reason IS NOT NULL AND queue.pause('kind', kind, 'breaker', reason, watch.now) THEN
            RETURN NEXT;
        END IF;
    END LOOP;
END
$$;

GRANT SELECT, INSERT, UPDATE ON queue.gateways, queue.kind_limits TO billwright_worker;
GRANT SELECT, INSERT ON queue.grants, queue.tallies, queue.looks TO billwright_worker;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA queue FROM PUBLIC;
GRANT EXECUTE ON FUNCTION queue.limit_kinds(text[], text[], integer[], bigint[], integer[], integer[], integer[], text[]),
    queue.limit_gateways(text[], bigint[], integer[]), queue.calls_left(text), queue.take_calls(text, bigint),
    queue.call_wait(uuid, text, text[]), queue.may_move(text, bigint, text),
    queue.look_at(queue.kind_limits, timestamptz, timestamptz), queue.watch(text[], bigint[], interval, timestamptz)
    TO billwright_worker;
