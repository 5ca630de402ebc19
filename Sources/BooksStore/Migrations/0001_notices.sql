-- What a customer is told in the seller's application: whatever was written to it, as long as it has not been seen. The mail's
-- own row is the outbox: it is there or not with what it tells about, and a portal that was away finds it when it is back.
CREATE TABLE books.notices_seen (
    seller_id   bigint      NOT NULL,
    customer_id bigint      NOT NULL,
    mail        integer     NOT NULL,
    seen_at     timestamptz NOT NULL,
    PRIMARY KEY (seller_id, customer_id, mail),
    FOREIGN KEY (seller_id, customer_id, mail) REFERENCES books.mails
);
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON books.notices_seen FOR EACH ROW
    EXECUTE FUNCTION books.refuse_change();
SELECT billwright.isolate_by_seller('books.notices_seen');

-- By the rights and the tenant of whoever asks.
CREATE VIEW books.notices WITH (security_invoker = true) AS
    SELECT mail.seller_id, mail.customer_id, mail.ordinal AS notice, mail.template, mail.subject, mail.at, seen.seen_at
      FROM books.mails AS mail
      LEFT JOIN books.notices_seen AS seen
             ON (seen.seller_id, seen.customer_id, seen.mail) = (mail.seller_id, mail.customer_id, mail.ordinal);

GRANT SELECT ON books.notices_seen, books.notices TO billwright_worker, billwright_web;
GRANT INSERT ON books.notices_seen TO billwright_worker, billwright_web;
