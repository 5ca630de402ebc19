-- The books. Every table of customer data begins its key with (seller_id, customer_id): row-level security reads the
-- first, and the schema can be distributed by both. Amounts are whole minor units of their row's currency.
CREATE SCHEMA books;
GRANT USAGE ON SCHEMA books TO billwright_worker, billwright_web;

CREATE DOMAIN books.currency AS text CHECK (VALUE ~ '^[A-Z]{3}$');

-- Who runs a catalogue. Its id is the tenant of everything below.
CREATE TABLE books.sellers (
    seller_id  bigint         GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code       text           NOT NULL UNIQUE,
    name       text           NOT NULL,
    time_zone  text           NOT NULL,
    currency   books.currency NOT NULL,
    net_days   integer        NOT NULL DEFAULT 0 CHECK (net_days BETWEEN 0 AND 366),
    numbering  text           NOT NULL DEFAULT 'customer' CHECK (numbering IN ('customer', 'seller')),
    prefix     text                                    -- of invoice numbers
);

-- A plan as it was when somebody subscribed to it: a changed plan is a new version, and subscribers keep theirs.
CREATE TABLE books.plans (
    seller_id  bigint         NOT NULL REFERENCES books.sellers,
    plan_id    bigint         GENERATED ALWAYS AS IDENTITY,
    code       text           NOT NULL,
    version    integer        NOT NULL CHECK (version >= 1),
    currency   books.currency NOT NULL,                -- of every amount in the definition
    definition jsonb          NOT NULL,                -- as in a catalogue file
    loaded_at  timestamptz    NOT NULL,
    PRIMARY KEY (seller_id, plan_id),
    UNIQUE (seller_id, code, version)
);

CREATE TABLE books.customers (
    seller_id        bigint         NOT NULL REFERENCES books.sellers,
    customer_id      bigint         GENERATED ALWAYS AS IDENTITY,
    code             text           NOT NULL CHECK (code ~ '^[A-Za-z0-9._-]{1,64}$'),
    name             text           NOT NULL,
    email            text           NOT NULL,
    currency         books.currency NOT NULL,
    time_zone        text           NOT NULL,
    country          text,
    region           text,
    postal_code      text,
    billing_day      integer        CHECK (billing_day BETWEEN 1 AND 31),
    gateway_customer text,                              -- the payment gateway's id of this customer
    created_at       timestamptz    NOT NULL,
    -- Invoice numbers print the code so; two that differ in case only would share their numbers. A column and not an
    -- index on the expression: row-level security keeps functions that are not leakproof away from indexes.
    printed_code     text           NOT NULL GENERATED ALWAYS AS (upper(code COLLATE "C")) STORED,
    PRIMARY KEY (seller_id, customer_id),
    UNIQUE (seller_id, printed_code)
);

-- What may be charged. Tokens of the gateway only: no card number comes near this table.
CREATE TABLE books.payment_methods (
    seller_id         bigint      NOT NULL,
    customer_id       bigint      NOT NULL,
    payment_method_id bigint      GENERATED ALWAYS AS IDENTITY,
    token             text        NOT NULL CHECK (token !~ '^[0-9 -]{12,}$'),
    state             text        NOT NULL CHECK (state IN ('pending', 'active', 'refused', 'removed')),
    gateway_reference text,                             -- set once the gateway has attached it
    refusal           text,
    created_at        timestamptz NOT NULL,
    PRIMARY KEY (seller_id, customer_id, payment_method_id),
    FOREIGN KEY (seller_id, customer_id) REFERENCES books.customers,
    CHECK (state <> 'active' OR gateway_reference IS NOT NULL)
);
CREATE UNIQUE INDEX one_active_payment_method ON books.payment_methods (seller_id, customer_id) WHERE state = 'active';

CREATE TABLE books.subscriptions (
    seller_id       bigint      NOT NULL,
    customer_id     bigint      NOT NULL,
    subscription_id bigint      GENERATED ALWAYS AS IDENTITY,
    code            text        NOT NULL,
    plan_id         bigint      NOT NULL,
    state           text        NOT NULL CHECK (state IN ('scheduled', 'trialing', 'active', 'past_due', 'suspended',
                                                          'paused', 'cancelled', 'expired')),
    starts_on       date        NOT NULL,
    trial_ends_on   date,                               -- the first day that is billed
    ends_on         date,                               -- the first day that is not
    end_cause       text,
    blocked_from    date,                               -- paused or suspended: periods from here are not billed
    billing_day     integer     CHECK (billing_day BETWEEN 1 AND 31),
    quantities      jsonb       NOT NULL DEFAULT '{}',
    looked_on       date,                               -- the day of Renewals' last look
    -- When Renewals must look at it again; null: never.
    next_action_on  date,
    created_at      timestamptz NOT NULL,
    PRIMARY KEY (seller_id, customer_id, subscription_id),
    UNIQUE (seller_id, code),
    FOREIGN KEY (seller_id, customer_id) REFERENCES books.customers,
    FOREIGN KEY (seller_id, plan_id) REFERENCES books.plans,
    CHECK (trial_ends_on >= starts_on),
    CHECK ((ends_on IS NULL) = (end_cause IS NULL))
);
-- Renewals page by id, and a page looks at no row that is not due: the date is tested inside the index. With the date
-- first, each page would sort all that is due, and the first of the month would cost the square of it.
CREATE INDEX subscriptions_to_renew ON books.subscriptions (seller_id, subscription_id, next_action_on)
    WHERE next_action_on IS NOT NULL;

CREATE TABLE books.subscription_transitions (
    seller_id       bigint      NOT NULL,
    customer_id     bigint      NOT NULL,
    subscription_id bigint      NOT NULL,
    transition_id   bigint      GENERATED ALWAYS AS IDENTITY,
    from_state      text,                               -- null: it came into being
    to_state        text        NOT NULL,
    cause           text        NOT NULL,
    effective_on    date        NOT NULL,               -- the customer's day on which it fell due
    at              timestamptz NOT NULL,
    PRIMARY KEY (seller_id, customer_id, subscription_id, transition_id),
    FOREIGN KEY (seller_id, customer_id, subscription_id) REFERENCES books.subscriptions
);

-- Last number given in a series. Taken last in the transaction that finalises, so that its lock is held briefly and a
-- rolled-back invoice gives its number back: the series has no gap.
CREATE TABLE books.number_series (
    seller_id bigint NOT NULL REFERENCES books.sellers,
    series    text   NOT NULL,
    last      bigint NOT NULL CHECK (last >= 0),
    PRIMARY KEY (seller_id, series)
);

CREATE TABLE books.invoices (
    seller_id   bigint         NOT NULL,
    customer_id bigint         NOT NULL,
    invoice_id  bigint         GENERATED ALWAYS AS IDENTITY,
    state       text           NOT NULL CHECK (state IN ('draft', 'open', 'paid', 'void', 'uncollectible')),
    number      text,
    issued_on   date           NOT NULL,
    due_on      date           NOT NULL,
    currency    books.currency NOT NULL,
    subtotal    bigint         NOT NULL,
    tax         bigint         NOT NULL,
    total       bigint         NOT NULL,
    paid        bigint         NOT NULL DEFAULT 0 CHECK (paid >= 0),
    created_at  timestamptz    NOT NULL,
    paid_at     timestamptz,
    PRIMARY KEY (seller_id, customer_id, invoice_id),
    UNIQUE (seller_id, number),
    FOREIGN KEY (seller_id, customer_id) REFERENCES books.customers,
    CHECK (total = subtotal + tax AND total >= 0),
    CHECK ((state = 'draft') = (number IS NULL)),
    CHECK (state <> 'paid' OR paid >= total)
);
CREATE INDEX invoices_open ON books.invoices (seller_id, customer_id, due_on) WHERE state = 'open';

CREATE TABLE books.invoice_lines (
    seller_id       bigint  NOT NULL,
    customer_id     bigint  NOT NULL,
    invoice_id      bigint  NOT NULL,
    position        integer NOT NULL,
    kind            text    NOT NULL CHECK (kind IN ('credit', 'proration', 'recurring', 'usage', 'one_time', 'minimum',
                                                     'discount', 'tax')),
    code            text    NOT NULL,
    subscription_id bigint,
    period_start    date,
    period_end      date,
    quantity        text,                               -- exact: '7' or '1/3'
    factor          text,                               -- '14/31'; null: the whole
    amount          bigint  NOT NULL,
    explanation     jsonb   NOT NULL,
    PRIMARY KEY (seller_id, customer_id, invoice_id, position),
    FOREIGN KEY (seller_id, customer_id, invoice_id) REFERENCES books.invoices,
    FOREIGN KEY (seller_id, customer_id, subscription_id) REFERENCES books.subscriptions,
    CHECK ((period_start IS NULL) = (period_end IS NULL) AND period_start < period_end),
    -- A line with a period is compared with what ought to be billed, by subscription.
    CHECK (period_start IS NULL OR subscription_id IS NOT NULL)
);
-- A period of a price is billed once, whatever bills it.
CREATE UNIQUE INDEX recurring_lines_once
    ON books.invoice_lines (seller_id, customer_id, subscription_id, code, period_start, kind)
    WHERE kind IN ('recurring', 'proration');

-- An issued invoice never changes, but for how much of it is paid and what became of it; nobody's privileges allow more.
CREATE FUNCTION books.refuse_change_of_issued() RETURNS trigger
    LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION 'invoice % is issued; its content never changes', OLD.number USING ERRCODE = 'BW002';
END
$$;
CREATE TRIGGER issued_is_immutable BEFORE UPDATE ON books.invoices FOR EACH ROW
    WHEN (OLD.state <> 'draft'
          AND (NEW.state = 'draft'
               OR (OLD.seller_id, OLD.customer_id, OLD.invoice_id, OLD.number, OLD.issued_on, OLD.due_on, OLD.currency,
                   OLD.subtotal, OLD.tax, OLD.total)
                  IS DISTINCT FROM
                  (NEW.seller_id, NEW.customer_id, NEW.invoice_id, NEW.number, NEW.issued_on, NEW.due_on, NEW.currency,
                   NEW.subtotal, NEW.tax, NEW.total)))
    EXECUTE FUNCTION books.refuse_change_of_issued();
CREATE TRIGGER issued_is_kept BEFORE DELETE ON books.invoices FOR EACH ROW
    WHEN (OLD.state <> 'draft') EXECUTE FUNCTION books.refuse_change_of_issued();

CREATE FUNCTION books.refuse_change_of_line() RETURNS trigger
    LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION 'line % of invoice % never changes', OLD.position, OLD.invoice_id USING ERRCODE = 'BW002';
END
$$;
CREATE TRIGGER lines_are_immutable BEFORE UPDATE OR DELETE ON books.invoice_lines FOR EACH ROW
    EXECUTE FUNCTION books.refuse_change_of_line();

-- Lines come in the statement that issues their invoice, and add up to it: a later one would change its content.
CREATE FUNCTION books.require_sum_of_lines() RETURNS trigger
    LANGUAGE plpgsql
AS $$
DECLARE
    wrong bigint;
BEGIN
    SELECT invoice.invoice_id INTO wrong
      FROM books.invoices AS invoice
     WHERE invoice.state <> 'draft'
       AND (invoice.seller_id, invoice.customer_id, invoice.invoice_id)
           IN (SELECT seller_id, customer_id, invoice_id FROM added)
       AND invoice.total IS DISTINCT FROM
           (SELECT sum(line.amount) FROM books.invoice_lines AS line
             WHERE (line.seller_id, line.customer_id, line.invoice_id)
                   = (invoice.seller_id, invoice.customer_id, invoice.invoice_id))
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the lines of invoice % do not add up to its total', wrong USING ERRCODE = 'BW002';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER lines_add_up AFTER INSERT ON books.invoice_lines REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION books.require_sum_of_lines();

-- One try at collecting an invoice. The row is committed before the gateway is called, and its effect carries the key.
CREATE TABLE books.payment_attempts (
    seller_id         bigint         NOT NULL,
    customer_id       bigint         NOT NULL,
    attempt_id        bigint         GENERATED ALWAYS AS IDENTITY,
    invoice_id        bigint         NOT NULL,
    number            integer        NOT NULL CHECK (number >= 1),
    payment_method_id bigint         NOT NULL,
    amount            bigint         NOT NULL CHECK (amount > 0),
    currency          books.currency NOT NULL,
    state             text           NOT NULL CHECK (state IN ('intended', 'sent', 'processing', 'requires_action',
                                                               'unknown', 'succeeded', 'declined', 'cancelled')),
    gateway_reference text,
    decline_code      text,
    decline           text           CHECK (decline IN ('hard', 'soft', 'needs_action', 'configuration')),
    created_at        timestamptz    NOT NULL,
    sent_at           timestamptz    NOT NULL,
    settled_at        timestamptz,
    PRIMARY KEY (seller_id, customer_id, attempt_id),
    UNIQUE (seller_id, customer_id, invoice_id, number),
    UNIQUE (seller_id, gateway_reference),
    FOREIGN KEY (seller_id, customer_id, invoice_id) REFERENCES books.invoices,
    FOREIGN KEY (seller_id, customer_id, payment_method_id) REFERENCES books.payment_methods
);
-- While one attempt is under way or its outcome unknown there is no second.
CREATE UNIQUE INDEX one_open_attempt ON books.payment_attempts (seller_id, customer_id, invoice_id)
    WHERE state IN ('intended', 'sent', 'processing', 'requires_action', 'unknown');

CREATE TABLE books.payments (
    seller_id   bigint         NOT NULL,
    customer_id bigint         NOT NULL,
    payment_id  bigint         GENERATED ALWAYS AS IDENTITY,
    invoice_id  bigint         NOT NULL,
    attempt_id  bigint,
    amount      bigint         NOT NULL CHECK (amount > 0),
    currency    books.currency NOT NULL,
    received_at timestamptz    NOT NULL,
    PRIMARY KEY (seller_id, customer_id, payment_id),
    UNIQUE (seller_id, customer_id, attempt_id),
    FOREIGN KEY (seller_id, customer_id, invoice_id) REFERENCES books.invoices,
    FOREIGN KEY (seller_id, customer_id, attempt_id) REFERENCES books.payment_attempts
);
CREATE INDEX payments_by_invoice ON books.payments (seller_id, customer_id, invoice_id);

-- The ledger. A posting is one row with both sides and a positive amount: an unbalanced entry cannot be written.
CREATE TABLE books.journal_entries (
    seller_id   bigint      NOT NULL,
    customer_id bigint      NOT NULL,
    entry_id    bigint      GENERATED ALWAYS AS IDENTITY,
    kind        text        NOT NULL,
    reference   text        NOT NULL,                   -- what it books: an invoice's number, 'payment/3'
    booked_on   date        NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (seller_id, customer_id, entry_id),
    UNIQUE (seller_id, customer_id, kind, reference),   -- nothing is booked twice
    FOREIGN KEY (seller_id, customer_id) REFERENCES books.customers
);
CREATE TABLE books.postings (
    seller_id   bigint         NOT NULL,
    customer_id bigint         NOT NULL,
    entry_id    bigint         NOT NULL,
    position    integer        NOT NULL,
    debit       text           NOT NULL,
    credit      text           NOT NULL CHECK (credit <> debit),
    amount      bigint         NOT NULL CHECK (amount > 0),
    currency    books.currency NOT NULL,
    PRIMARY KEY (seller_id, customer_id, entry_id, position),
    FOREIGN KEY (seller_id, customer_id, entry_id) REFERENCES books.journal_entries
);

-- One mail a step: a template about one thing goes out once, whatever is retried.
CREATE TABLE books.mails (
    seller_id   bigint      NOT NULL,
    customer_id bigint      NOT NULL,
    mail_id     bigint      GENERATED ALWAYS AS IDENTITY,
    template    text        NOT NULL,
    reference   text        NOT NULL,
    recipient   text        NOT NULL,
    message_id  text        NOT NULL UNIQUE DEFAULT gen_random_uuid()::text,
    state       text        NOT NULL CHECK (state IN ('intended', 'sent', 'refused', 'unknown')),
    reply       text,
    created_at  timestamptz NOT NULL,
    settled_at  timestamptz,
    PRIMARY KEY (seller_id, customer_id, mail_id),
    UNIQUE (seller_id, customer_id, template, reference),
    FOREIGN KEY (seller_id, customer_id) REFERENCES books.customers
);

SELECT billwright.isolate_by_seller(name)
  FROM unnest(ARRAY['books.sellers', 'books.plans', 'books.customers', 'books.payment_methods', 'books.subscriptions',
                    'books.subscription_transitions', 'books.number_series', 'books.invoices', 'books.invoice_lines',
                    'books.payment_attempts', 'books.payments', 'books.journal_entries', 'books.postings',
                    'books.mails']::regclass[]) AS isolated(name);

GRANT SELECT ON ALL TABLES IN SCHEMA books TO billwright_worker, billwright_web;
GRANT INSERT ON ALL TABLES IN SCHEMA books TO billwright_worker;
-- The ledger, transitions and lines only grow; the rest changes where its life says so.
GRANT UPDATE ON books.sellers, books.customers, books.payment_methods, books.subscriptions, books.number_series,
                books.invoices, books.payment_attempts, books.mails TO billwright_worker;
