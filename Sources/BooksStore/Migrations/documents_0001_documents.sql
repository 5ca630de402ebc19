-- Documents: what a seller's say of it, and where each that was made is kept.

-- Name, address, tax ids, logo, language: as the seller's block of a catalogue has it. Read only to write documents.
ALTER TABLE books.sellers ADD COLUMN branding jsonb NOT NULL DEFAULT '{}';

-- The key is committed before the file is stored, and what stands under it afterwards. Then it never changes: the file may
-- have been sent.
CREATE TABLE books.documents (
    seller_id   bigint      NOT NULL,
    customer_id bigint      NOT NULL,
    kind        text        NOT NULL CHECK (kind IN ('invoice', 'credit_note', 'receipt')),
    number      text        NOT NULL,
    storage_key text        NOT NULL UNIQUE,            -- with 128 random bits: whoever has it may be shown the document
    intended_at timestamptz NOT NULL,
    sha256      bytea       CHECK (octet_length(sha256) = 32),
    bytes       bigint      CHECK (bytes > 0),
    rendered_at timestamptz,
    PRIMARY KEY (seller_id, customer_id, kind, number),
    FOREIGN KEY (seller_id, customer_id) REFERENCES books.customers,
    CHECK ((sha256 IS NULL) = (rendered_at IS NULL) AND (bytes IS NULL) = (rendered_at IS NULL))
);

CREATE FUNCTION books.refuse_change_of_document() RETURNS trigger
    LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION '% % is stored under its key; that never changes', OLD.kind, OLD.number USING ERRCODE = 'BW002';
END
$$;
CREATE TRIGGER stored_is_immutable BEFORE UPDATE ON books.documents FOR EACH ROW
    WHEN (OLD.rendered_at IS NOT NULL
          OR (OLD.seller_id, OLD.customer_id, OLD.kind, OLD.number, OLD.storage_key, OLD.intended_at)
             IS DISTINCT FROM
             (NEW.seller_id, NEW.customer_id, NEW.kind, NEW.number, NEW.storage_key, NEW.intended_at))
    EXECUTE FUNCTION books.refuse_change_of_document();
CREATE TRIGGER stored_is_kept BEFORE DELETE ON books.documents FOR EACH ROW
    EXECUTE FUNCTION books.refuse_change_of_document();

SELECT billwright.isolate_by_seller('books.documents');
GRANT SELECT ON books.documents TO billwright_worker, billwright_web;
GRANT INSERT, UPDATE ON books.documents TO billwright_worker;
