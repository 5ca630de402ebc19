-- What customers asked for who came by a payment link. Written by jobs; the web reads it, and enqueues these two kinds.
CREATE TABLE books.payment_pages (
    seller_id   bigint      NOT NULL,
    customer_id bigint      NOT NULL,
    key         text        NOT NULL,                   -- of the form that was sent: pressing twice is asking once
    invoice     integer     NOT NULL,
    wish        text        NOT NULL CHECK (wish IN ('card', 'charge', 'confirm')),
    state       text        NOT NULL CHECK (state IN ('asked', 'open', 'done', 'failed')),
    address     text,                                   -- of the gateway's page
    reference   text,                                   -- the gateway's id of it, or of the charge
    attempt     integer,
    method      bigint,                                 -- the card that was given
    created_at  timestamptz NOT NULL,
    changed_at  timestamptz NOT NULL,
    PRIMARY KEY (seller_id, customer_id, key),
    FOREIGN KEY (seller_id, customer_id, invoice) REFERENCES books.invoices,
    CHECK (state <> 'open' OR address IS NOT NULL)
);
SELECT billwright.isolate_by_seller('books.payment_pages');
GRANT SELECT ON books.payment_pages TO billwright_worker, billwright_web;
GRANT INSERT, UPDATE ON books.payment_pages TO billwright_worker;
SELECT queue.grant_enqueue('billwright_web', 'open_payment_page');
SELECT queue.grant_enqueue('billwright_web', 'finish_payment_page');
