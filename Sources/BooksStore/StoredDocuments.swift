internal import Accounts
public import Billing
public import BillingPorts
public import Dates
public import Documents
internal import JSONText
internal import JobKit
internal import Money
internal import Postgres
internal import QueueStore

extension PostgresBooks {
    public func documentsToRender(
        _ kind: DocumentReference.Kind, _ number: String, of customer: CustomerKey
    ) async throws -> [DocumentReference] {
        guard let writer = try await documentWriter(of: customer) else { return [] }
        let references = writer.references(kind, number)
        let stored = try await transaction.query(DocumentSQL.stored(kind, of: customer)).decode(String.self)
        return references.filter { !stored.contains($0.number) }
    }

    public func intendDocument(
        _ reference: DocumentReference, of customer: CustomerKey
    ) async throws -> (key: DocumentKey, document: Document)? {
        guard let document = try await documentWriter(of: customer)?.document(reference) else { return nil }
        _ = try await transaction.query(DocumentSQL.intend(reference, of: customer, at: now))
        let (text, isStored) = try await transaction.query(DocumentSQL.key(of: reference, customer))
            .only(String.self, Bool.self)
        if isStored { return nil }
        guard let key = DocumentKey(text) else { throw Stored("documents", reference).fault("'\(text)' is no key") }
        return (key, document)
    }

    public func recordDocument(
        _ reference: DocumentReference, of customer: CustomerKey, _ stored: StoredBytes
    ) async throws {
        try await transaction.query(DocumentSQL.record(reference, of: customer, stored, at: now))
            .require(1, "\(reference) of \(customer)")
    }

    /// Reads the customer under its lock, so that all of it is of one moment.
    private func documentWriter(of customer: CustomerKey) async throws -> DocumentWriter? {
        try await reader(of: customer.seller).documentWriter(of: customer.customer, locking: true)
    }
}

extension OpenAccount {
    /// A job for each document that what has changed since it was read makes, where its seller asks for it.
    var documentJobs: [NewJob] {
        get throws {
            guard account.settings.rendersDocuments else { return [] }
            return try DocumentWriter.occasions(in: account, since: before).map { kind, number in
                try NewJob(RenderDocument(kind, number, of: key))
            }
        }
    }
}

extension AccountReader {
    /// `nil`: there is no such customer.
    func documentWriter(
        of customer: Customer.ID, locking: Bool, paymentLink: String? = nil
    ) async throws -> DocumentWriter? {
        guard let open = try await whole([customer], locking: locking).first else { return nil }
        let definition = try await transaction.query(DocumentSQL.branding(of: seller)).only(PostgresJSON.self)
        let branding = try Stored("sellers", seller).reading(definition) { (node) throws(JSONFault) in
            try Branding(reading: node)
        }
        return DocumentWriter(
            open.account, customerName: open.profile.name, sellerName: open.profile.sellerName, branding: branding,
            paymentLink: paymentLink)
    }
}

extension BooksInspection {
    /// A document as it would be made now. `nil`: there is none of that number.
    public func document(
        _ reference: DocumentReference, of seller: Seller.ID, paymentLink: String? = nil
    ) async throws -> Document? {
        try await read(seller) { transaction in
            guard
                let customer = try await transaction.query(DocumentSQL.owner(of: reference, seller)).first(
                    Customer.ID.self)
            else { return nil }
            return try await reader(seller, transaction).documentWriter(
                of: customer, locking: false, paymentLink: paymentLink)?.document(reference)
        }
    }

    /// A document that was stored.
    public struct DocumentFacts: Hashable, Sendable {
        public let reference: DocumentReference
        public let key: DocumentKey
        public let sha256: [UInt8]
        public let bytes: Int
        public let renderedAt: Instant
    }

    /// `nil`: it was not.
    public func storedDocument(
        _ reference: DocumentReference, of seller: Seller.ID
    ) async throws -> DocumentFacts? {
        try await read(seller) { transaction in
            let row = try await transaction.query(DocumentSQL.facts(of: reference, seller)).first
            guard let (text, sha256, bytes, at) = try row?.decode(String.self, [UInt8].self, Int.self, Instant.self)
            else { return nil }
            guard let key = DocumentKey(text) else { throw Stored("documents", reference).fault("'\(text)' is no key") }
            return DocumentFacts(reference: reference, key: key, sha256: sha256, bytes: bytes, renderedAt: at)
        }
    }
}

/// Every statement about documents.
enum DocumentSQL {
    static func branding(of seller: Seller.ID) -> SQL {
        "SELECT branding FROM books.sellers WHERE seller_id = \(seller)"
    }

    /// Numbers of those of a kind that are stored.
    static func stored(_ kind: DocumentReference.Kind, of key: CustomerKey) -> SQL {
        """
        SELECT number FROM books.documents
         WHERE seller_id = \(key.seller) AND customer_id = \(key.customer) AND kind = \(kind.rawValue)
           AND rendered_at IS NOT NULL
        """
    }

    /// The key is drawn once. `gen_random_uuid` takes its 122 random bits from the system's generator.
    static func intend(_ reference: DocumentReference, of key: CustomerKey, at now: Instant) -> SQL {
        """
        INSERT INTO books.documents (seller_id, customer_id, kind, number, storage_key, intended_at)
        VALUES (\(key.seller), \(key.customer), \(reference.kind.rawValue), \(reference.number),
                \(prefix(of: reference, key)) || replace(gen_random_uuid()::text, '-', '') || '.pdf', \(now))
            ON CONFLICT (seller_id, customer_id, kind, number) DO NOTHING
        """
    }

    private static func prefix(of reference: DocumentReference, _ key: CustomerKey) -> String {
        "\(key.seller)/\(reference.kind.rawValue)-\(reference.number)-"
    }

    static func key(of reference: DocumentReference, _ key: CustomerKey) -> SQL {
        """
        SELECT storage_key, rendered_at IS NOT NULL FROM books.documents
         WHERE seller_id = \(key.seller) AND customer_id = \(key.customer) AND kind = \(reference.kind.rawValue)
           AND number = \(reference.number)
        """
    }

    static func record(
        _ reference: DocumentReference, of key: CustomerKey, _ stored: StoredBytes, at now: Instant
    ) -> SQL {
        """
        UPDATE books.documents
           SET sha256 = \(stored.sha256), bytes = \(Int64(stored.count)), rendered_at = \(now)
         WHERE seller_id = \(key.seller) AND customer_id = \(key.customer) AND kind = \(reference.kind.rawValue)
           AND number = \(reference.number) AND rendered_at IS NULL
        """
    }

    /// Whose document that is: an invoice's or a credit note's customer.
    static func owner(of reference: DocumentReference, _ seller: Seller.ID) -> SQL {
        switch reference.kind {
        case .invoice: InspectionSQL.customer(of: reference.number, seller)
        case .receipt: InspectionSQL.customer(of: reference.receiptParts?.invoice ?? "", seller)
        case .creditNote:
            "SELECT customer_id FROM books.credit_notes WHERE seller_id = \(seller) AND number = \(reference.number)"
        }
    }

    static func facts(of reference: DocumentReference, _ seller: Seller.ID) -> SQL {
        """
        SELECT storage_key, sha256, bytes, rendered_at
          FROM books.documents
         WHERE seller_id = \(seller) AND customer_id = (\(owner(of: reference, seller)))
           AND kind = \(reference.kind.rawValue) AND number = \(reference.number) AND rendered_at IS NOT NULL
        """
    }
}
