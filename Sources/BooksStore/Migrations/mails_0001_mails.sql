-- What mails are written in, what became of each, and addresses that nothing is written to any more. After the books.
ALTER TABLE books.sellers ADD COLUMN language text CHECK (language ~ '^[a-z]{2,3}(-[A-Z]{2})?$');
ALTER TABLE books.customers ADD COLUMN language text CHECK (language ~ '^[a-z]{2,3}(-[A-Z]{2})?$');

ALTER TABLE books.mails
    ADD COLUMN tries integer NOT NULL DEFAULT 0 CHECK (tries >= 0), -- whose end was written down
    DROP CONSTRAINT mails_state_check,
    ADD CONSTRAINT mails_state_check CHECK (state IN ('intended', 'sent', 'refused', 'unknown', 'suppressed', 'bounced'));

-- Addresses from which mail came back. Letters' case makes no difference, as at every mail server one meets.
CREATE TABLE books.bounced_addresses (
    seller_id  bigint      NOT NULL REFERENCES books.sellers,
    address    text        NOT NULL CHECK (address = lower(address)),
    reason     text        NOT NULL,
    marked_by  text        NOT NULL,
    marked_at  timestamptz NOT NULL,
    lifted_by  text,
    lifted_at  timestamptz,                             -- null: nothing is written to it
    PRIMARY KEY (seller_id, address),
    CHECK ((lifted_by IS NULL) = (lifted_at IS NULL))
);

-- What people did about mails.
CREATE TABLE books.mail_acts (
    seller_id   bigint      NOT NULL,
    customer_id bigint      NOT NULL,
    mail        integer     NOT NULL,
    act_id      bigint      GENERATED ALWAYS AS IDENTITY,
    act         text        NOT NULL CHECK (act IN ('resend', 'bounce')),
    person      text        NOT NULL,
    reason      text        NOT NULL,
    at          timestamptz NOT NULL,
    PRIMARY KEY (seller_id, customer_id, mail, act_id),
    FOREIGN KEY (seller_id, customer_id, mail) REFERENCES books.mails
);
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON books.mail_acts FOR EACH ROW
    EXECUTE FUNCTION books.refuse_change();

SELECT billwright.isolate_by_seller('books.bounced_addresses');
SELECT billwright.isolate_by_seller('books.mail_acts');
GRANT SELECT ON books.bounced_addresses, books.mail_acts TO billwright_worker, billwright_web;
GRANT INSERT ON books.bounced_addresses, books.mail_acts TO billwright_worker;
GRANT UPDATE ON books.bounced_addresses TO billwright_worker;
