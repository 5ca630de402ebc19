-- What payment gateways tell by themselves. An event does not say whose it is, so these rows belong to no seller: only
-- workers read them, and the web process adds to them without being able to read any but what it has just added.
CREATE TABLE books.gateway_events (
    id             bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    gateway        text        NOT NULL,
    reference      text        NOT NULL CHECK (octet_length(reference) BETWEEN 1 AND 255),  -- the gateway's id of it
    type           text        NOT NULL,
    live           boolean     NOT NULL,                -- whether it is about real money
    made_at        timestamptz NOT NULL,                -- by the gateway's clock
    received_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    source         text        NOT NULL CHECK (source IN ('webhook', 'sweep')),
    body           bytea       NOT NULL CHECK (octet_length(body) <= 1048576),  -- as it came, to the byte
    state          text        NOT NULL DEFAULT 'stored' CHECK (state IN ('stored', 'done', 'ignored')),
    note           text        NOT NULL DEFAULT '',
    settled_at     timestamptz,
    about_seller   bigint,
    about_customer bigint,
    job            bigint,                              -- that works it off; a replay's is the newest
    -- Stored once, however often it is sent: this outlives every job.
    UNIQUE (gateway, reference),
    CHECK ((state = 'stored') = (settled_at IS NULL))
);
CREATE INDEX gateway_events_open ON books.gateway_events (id) WHERE state = 'stored';
CREATE INDEX gateway_events_by_type ON books.gateway_events (type, id);

GRANT SELECT, INSERT, UPDATE ON books.gateway_events TO billwright_worker;

-- Stores an event with the job that works it off, if it is of a type that is acted on; null: it was there. Runs as the
-- owner, so that the web process needs no right on the table: it can add events, and nothing else can it do.
CREATE FUNCTION books.take_gateway_event(of_gateway text, of_reference text, of_type text, is_live boolean,
                                         of_made_at timestamptz, of_source text, of_body bytea, is_acted_on boolean)
    RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    made bigint;
BEGIN
    INSERT INTO books.gateway_events (gateway, reference, type, live, made_at, source, body, state, note, settled_at)
    VALUES (of_gateway, of_reference, of_type, is_live, of_made_at, of_source, of_body,
            CASE WHEN is_acted_on THEN 'stored' ELSE 'ignored' END,
            CASE WHEN is_acted_on THEN '' ELSE 'not acted on' END,
            CASE WHEN NOT is_acted_on THEN clock_timestamp() END)
        ON CONFLICT (gateway, reference) DO NOTHING
    RETURNING id INTO made;
    IF made IS NOT NULL AND is_acted_on THEN
        UPDATE books.gateway_events SET job = books.enqueue_reaction(made) WHERE id = made;
    END IF;
    RETURN made;
END
$$;

-- The job of an event, enqueued as from outside, in the transaction at hand.
CREATE FUNCTION books.enqueue_reaction(of_event bigint) RETURNS bigint
    LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $$
    SELECT queue.enqueue('react_to_gateway_event', jsonb_build_object('event', of_event), queue => 'webhooks')
$$;

DO $$
DECLARE
    -- Whoever owns the functions above calls it.
    owner name := (SELECT nspowner::regrole::name FROM pg_namespace WHERE nspname = 'books');
BEGIN
    PERFORM queue.grant_enqueue(owner, 'react_to_gateway_event');
END
$$;

REVOKE ALL ON FUNCTION books.enqueue_reaction(bigint),
    books.take_gateway_event(text, text, text, boolean, timestamptz, text, bytea, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION books.take_gateway_event(text, text, text, boolean, timestamptz, text, bytea, boolean)
    TO billwright_web, billwright_worker;

-- How far a gateway's list of events has been read.
CREATE TABLE books.gateway_sweeps (
    gateway   text        PRIMARY KEY,
    swept_to  timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON books.gateway_sweeps TO billwright_worker;

-- What a person did to webhooks, theirs and ours.
CREATE TABLE books.webhook_acts (
    id      bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL,
    by      text        NOT NULL,
    why     text        NOT NULL CHECK (why <> ''),
    verb    text        NOT NULL,
    subject text        NOT NULL,                       -- event/17, endpoint/3
    before  text,
    after   text
);
CREATE INDEX webhook_acts_by_subject ON books.webhook_acts (subject, id);
GRANT SELECT, INSERT ON books.webhook_acts TO billwright_worker;

-- Works an event off once more, by a new job, unless one is at it. What the books know is not booked again. Null: there is
-- no such event.
CREATE FUNCTION books.replay_gateway_event(of_event bigint, person text, reason text)
    RETURNS TABLE (before text, made bigint, refusal text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    event books.gateway_events;
    live text;
BEGIN
    SELECT * INTO event FROM books.gateway_events AS e WHERE e.id = of_event FOR UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT j.state INTO live FROM queue.all_jobs AS j WHERE j.id = event.job AND j.ended_at IS NULL;
    IF live IS NOT NULL THEN
        RETURN QUERY SELECT event.state, event.job, format(
            'job %s is at it, %s: billwright jobs %s %s', event.job, live,
            CASE live WHEN 'held' THEN 'release' ELSE 'show' END, event.job);
        RETURN;
    END IF;
    UPDATE books.gateway_events AS e
       SET state = 'stored', note = '', settled_at = NULL, job = books.enqueue_reaction(of_event)
     WHERE e.id = of_event
    RETURNING e.job INTO made;
    INSERT INTO books.webhook_acts (at, by, why, verb, subject, before, after)
    VALUES (clock_timestamp(), person, reason, 'replay', 'event/' || of_event, event.state, 'job ' || made);
    before := event.state;
    RETURN NEXT;
END
$$;
REVOKE ALL ON FUNCTION books.replay_gateway_event(bigint, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION books.replay_gateway_event(bigint, text, text) TO billwright_worker;

-- Disputes as far as they are booked, each once by the gateway's id of it.
CREATE TABLE books.disputes (
    seller_id   bigint         NOT NULL,
    customer_id bigint         NOT NULL,
    reference   text           NOT NULL,
    attempt     integer        NOT NULL,
    invoice     integer        NOT NULL,
    amount      bigint         NOT NULL CHECK (amount > 0),
    currency    books.currency NOT NULL,
    reason      text           NOT NULL,
    state       text           NOT NULL CHECK (state IN ('booked', 'lost', 'reversed')),
    booked_at   timestamptz    NOT NULL,
    changed_at  timestamptz    NOT NULL,
    PRIMARY KEY (seller_id, customer_id, reference),
    FOREIGN KEY (seller_id, customer_id, attempt) REFERENCES books.payment_attempts
);
SELECT billwright.isolate_by_seller('books.disputes');
GRANT SELECT, INSERT, UPDATE ON books.disputes TO billwright_worker;
GRANT SELECT ON books.disputes TO billwright_web;

-- How often the gateway has forgotten a customer: the next creation there is another effect than the last.
ALTER TABLE books.customers ADD COLUMN gateway_losses integer NOT NULL DEFAULT 0 CHECK (gateway_losses >= 0);

-- Found by the gateway's ids. They are the gateway's and not the seller's, so no index begins with him.
CREATE INDEX customers_at_gateway ON books.customers (gateway_customer, seller_id) WHERE gateway_customer IS NOT NULL;
CREATE INDEX payment_methods_at_gateway ON books.payment_methods (gateway_reference, seller_id)
    WHERE gateway_reference IS NOT NULL;
