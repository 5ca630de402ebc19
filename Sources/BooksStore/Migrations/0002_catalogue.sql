-- What a catalogue holds beside its plans. As with these, whatever changes is a new version, and the latest is sold.

-- How a seller charges again what failed. Days count from the first failure.
ALTER TABLE books.sellers
    ADD COLUMN retry_days integer[] NOT NULL DEFAULT '{1,3,7}' CHECK (1 <= ALL (retry_days) AND 365 >= ALL (retry_days)),
    ADD COLUMN grace_days integer   NOT NULL DEFAULT 15 CHECK (grace_days BETWEEN 0 AND 365),
    ADD COLUMN final_step text      NOT NULL DEFAULT 'suspend' CHECK (final_step IN ('suspend', 'cancel'));

CREATE TABLE books.metrics (
    seller_id   bigint      NOT NULL REFERENCES books.sellers,
    metric_id   bigint      GENERATED ALWAYS AS IDENTITY,
    code        text        NOT NULL,
    version     integer     NOT NULL CHECK (version >= 1),
    aggregation text        NOT NULL CHECK (aggregation IN ('sum', 'count', 'max', 'last', 'unique', 'time_weighted')),
    field       text        CHECK (field IS NOT NULL OR aggregation <> 'unique'),
    loaded_at   timestamptz NOT NULL,
    PRIMARY KEY (seller_id, metric_id),
    UNIQUE (seller_id, code, version)
);

CREATE TABLE books.coupons (
    seller_id  bigint         NOT NULL REFERENCES books.sellers,
    coupon_id  bigint         GENERATED ALWAYS AS IDENTITY,
    code       text           NOT NULL,
    version    integer        NOT NULL CHECK (version >= 1),
    currency   books.currency NOT NULL,                -- of every amount in the definition
    definition jsonb          NOT NULL,                -- as in a catalogue file
    loaded_at  timestamptz    NOT NULL,
    PRIMARY KEY (seller_id, coupon_id),
    UNIQUE (seller_id, code, version)
);

SELECT billwright.isolate_by_seller(name)
  FROM unnest(ARRAY['books.metrics', 'books.coupons']::regclass[]) AS isolated(name);

GRANT SELECT ON books.metrics, books.coupons TO billwright_worker, billwright_web;
GRANT INSERT ON books.metrics, books.coupons TO billwright_worker;
