-- What sellers are told of by webhook: events written in the transaction that causes them, and their deliveries. A seller
-- without an enabled endpoint has no row here, and whoever writes its books does not look.
ALTER TABLE books.sellers ADD COLUMN tells_events boolean NOT NULL DEFAULT false;

CREATE TABLE books.webhook_endpoints (
    seller_id       bigint      NOT NULL REFERENCES books.sellers,
    endpoint_id     bigint      GENERATED ALWAYS AS IDENTITY,
    url             text        NOT NULL CHECK (octet_length(url) <= 2048),
    types           text[]      NOT NULL CHECK (types <> '{}'),     -- 'invoice.paid', 'invoice.*', '*'
    secret          text        NOT NULL,               -- signs; all of it is the key
    old_secret      text,                               -- signs as well until then, so that a secret can be replaced
    old_until       timestamptz,
    state           text        NOT NULL DEFAULT 'enabled' CHECK (state IN ('enabled', 'disabled')),
    disabled_why    text,
    failing_since   timestamptz,                        -- since the first delivery after the last that succeeded
    created_at      timestamptz NOT NULL,
    PRIMARY KEY (seller_id, endpoint_id),
    CHECK ((old_secret IS NULL) = (old_until IS NULL)),
    CHECK ((state = 'disabled') = (disabled_why IS NOT NULL))
);

CREATE TABLE books.outbound_events (
    seller_id   bigint      NOT NULL REFERENCES books.sellers,
    event_id    bigint      GENERATED ALWAYS AS IDENTITY,
    reference   text        NOT NULL DEFAULT 'evt_' || replace(gen_random_uuid()::text, '-', ''),
    type        text        NOT NULL,
    customer_id bigint,
    object      text        NOT NULL,                   -- as it was then, JSON, byte by byte as it is sent
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (seller_id, event_id)
);

CREATE TABLE books.outbound_deliveries (
    seller_id    bigint      NOT NULL,
    event_id     bigint      NOT NULL,
    endpoint_id  bigint      NOT NULL,
    state        text        NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'failed', 'skipped')),
    tries        integer     NOT NULL DEFAULT 0 CHECK (tries >= 0),
    begun_at     timestamptz NOT NULL,                  -- three days from here it is given up; a replay begins anew
    last_status  integer,
    last_error   text,
    settled_at   timestamptz,
    PRIMARY KEY (seller_id, event_id, endpoint_id),
    FOREIGN KEY (seller_id, event_id) REFERENCES books.outbound_events,
    FOREIGN KEY (seller_id, endpoint_id) REFERENCES books.webhook_endpoints,
    CHECK ((state = 'pending') = (settled_at IS NULL))
);
CREATE INDEX outbound_deliveries_of_endpoint ON books.outbound_deliveries (endpoint_id, event_id, seller_id);

SELECT billwright.isolate_by_seller(name)
  FROM unnest(ARRAY['books.webhook_endpoints', 'books.outbound_events', 'books.outbound_deliveries']::regclass[])
       AS isolated(name);
GRANT SELECT, INSERT, UPDATE ON books.webhook_endpoints, books.outbound_deliveries TO billwright_worker;
GRANT SELECT, INSERT ON books.outbound_events TO billwright_worker;

-- Events never change.
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON books.outbound_events FOR EACH ROW
    EXECUTE FUNCTION books.refuse_change();

-- Whether a seller's events are to be written is told by its own row, which every transaction reads anyway.
CREATE FUNCTION books.note_enabled_endpoints() RETURNS trigger
    LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE books.sellers AS s
       SET tells_events = enabled.any
      FROM (SELECT EXISTS (SELECT FROM books.webhook_endpoints
                            WHERE seller_id = NEW.seller_id AND state = 'enabled') AS any) AS enabled
     WHERE s.seller_id = NEW.seller_id AND s.tells_events <> enabled.any;
    RETURN NULL;
END
$$;
CREATE TRIGGER seller_tells AFTER INSERT OR UPDATE OF state ON books.webhook_endpoints FOR EACH ROW
    EXECUTE FUNCTION books.note_enabled_endpoints();
