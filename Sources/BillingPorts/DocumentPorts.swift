internal import Billing
public import Dates
public import Documents
public import JobKit

/// Documents as the books know them: what is to be written, and where it was put.
public protocol DocumentBooks: Sendable {
    /// The documents of that kind that an invoice, credit note or payment makes and that are not stored yet; `number` is
    /// an invoice's for its receipts.
    func documentsToRender(
        _ kind: DocumentReference.Kind, _ number: String, of customer: CustomerKey
    ) async throws -> [DocumentReference]

    /// Writes down that a document is about to be stored, under a key that nobody can guess and that stays the same
    /// however often this is asked, and says what it says. `nil`: there is no such document, or it is stored.
    func intendDocument(
        _ reference: DocumentReference, of customer: CustomerKey
    ) async throws -> (key: DocumentKey, document: Document)?

    /// Writes down what stands under the key that was given for it.
    func recordDocument(
        _ reference: DocumentReference, of customer: CustomerKey, _ stored: StoredBytes
    ) async throws
}

/// Where a document is kept: `12/invoice-ACME-0001-8f0c….pdf`, whose first part is its seller's.
public struct DocumentKey: Hashable, Sendable, CustomStringConvertible {
    public let description: String

    /// At least two parts, each of letters, digits, `.`, `_` and `-` and none beginning with a point; `nil` for anything
    /// else, so that no key leads out of where documents are kept.
    public init?(_ text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        let isSafe = parts.allSatisfy { part in
            part.first.map { $0 != UInt8(ascii: ".") } == true && part.count <= 200 && part.allSatisfy(Self.isSafe)
        }
        guard parts.count >= 2, isSafe else { return nil }
        description = text
    }

    private static func isSafe(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}

/// What stands under a key.
public struct StoredBytes: Hashable, Sendable {
    public let sha256: [UInt8]
    public let count: Int

    public init(sha256: [UInt8], count: Int) {
        self.sha256 = sha256
        self.count = count
    }
}

/// Keeps documents. The first bytes under a key stay: what a customer was sent is never replaced.
public protocol DocumentStore: Sendable {
    /// Keeps the bytes durably unless the key is taken, and says what stands there.
    func keep(_ bytes: [UInt8], under key: DocumentKey) async throws -> StoredBytes

    /// Throws `DocumentMissing`.
    func bytes(under key: DocumentKey) async throws -> [UInt8]

    /// An address from which anybody may take it, as a file of that name, until the time is over; `nil`: this store has
    /// none to give.
    func link(to key: DocumentKey, as fileName: String, for time: Duration, now: Instant) throws -> String?
}

/// Nothing is kept under that key.
public struct DocumentMissing: Error, CustomStringConvertible {
    public let key: DocumentKey

    public init(_ key: DocumentKey) { self.key = key }

    public var description: String { "no document is kept under \(key)" }
}

/// Makes a file of a document. The same document gives the same bytes.
public protocol DocumentRenderer: Sendable {
    func pdf(of document: Document) async throws -> [UInt8]
}

/// Make a document of an invoice, a credit note or what was paid, and keep it. Enqueued with what it is about, where the
/// seller's settings ask for it.
public struct RenderDocument: JobArguments {
    public static let kind: JobKind = "render_document"
    public static let queue: QueueName = "documents"
    public static let priority = JobPriority.background
    public let customer: CustomerKey
    public let document: DocumentReference.Kind
    /// An invoice's for its receipts.
    public let number: String
    public var tenant: Int64? { customer.seller.rawValue }

    public init(_ document: DocumentReference.Kind, _ number: String, of customer: CustomerKey) {
        self.customer = customer
        self.document = document
        self.number = number
    }
}
