public import Billing
public import Dates

/// One paper for a customer, every word of it: what it says and in which order, nothing of where it stands on a page.
public struct Document: Hashable, Sendable {
    public let reference: DocumentReference
    public let metadata: Metadata
    public let look: Look
    /// Who issues it: the name, and below it address and numbers.
    public let seller: Party
    public let recipient: Party
    /// Number, dates: a label and a value each.
    public let facts: [Entry]
    /// What the reader looks for first.
    public let headline: Headline
    public let table: Table
    /// What the table comes to, one amount below the other.
    public let totals: [Total]
    /// Nil where there is no tax.
    public let taxes: Table?
    /// Nil where there is nothing to be paid, or no way is told.
    public let payment: Payment?
    /// Below the content of the last page, one paragraph each.
    public let closing: [String]
    /// At the foot of each page.
    public let footer: String
    public let pageLabel: PageLabel

    /// What a reader's program is told of it.
    public struct Metadata: Hashable, Sendable {
        public let title: String
        public let author: String
        public let subject: String
        public let keywords: String
        /// BCP 47, as `de-DE`.
        public let language: String
        /// When what it is about came to be, and not when it was printed: printed again it is the same file.
        public let createdAt: Instant
    }

    public struct Look: Hashable, Sendable {
        public let paper: Branding.Paper
        public let colour: Branding.Colour
        public let logo: PNGImage?
    }

    public struct Party: Hashable, Sendable {
        public let heading: String
        public let name: String
        public let lines: [String]
    }

    public struct Entry: Hashable, Sendable {
        public let label: String
        public let value: String
    }

    public struct Headline: Hashable, Sendable {
        public let label: String
        public let value: String
        public let note: String
    }

    public struct Table: Hashable, Sendable {
        public let heading: String
        /// The first is for words, the others for figures.
        public let columns: [String]
        public let rows: [Row]
        /// What stands where there are no rows.
        public let empty: String
    }

    public struct Row: Hashable, Sendable {
        public let title: String
        /// Below the title: what it is for, then how it came to be.
        public let details: [String]
        public let explanation: String?
        /// As many as the table has columns for figures.
        public let figures: [String]
    }

    public struct Total: Hashable, Sendable {
        public enum Weight: Sendable { case plain, sum, due }

        public let label: String
        public let value: String
        public let weight: Weight
    }

    public struct Payment: Hashable, Sendable {
        public let heading: String
        public let lines: [String]
        /// Shown as a QR code too.
        public let link: String?
        public let linkLabel: String
    }

    /// `Page {page} of {pages}`.
    public struct PageLabel: Hashable, Sendable {
        let pattern: String

        public func text(page: Int, of pages: Int) -> String {
            // Numbers cannot hold the other placeholder.
            pattern.replacing("{pages}", with: "\(pages)").replacing("{page}", with: "\(page)")
        }
    }
}

/// Which document is meant: what it is and its number.
public struct DocumentReference: Hashable, Sendable, Codable {
    public enum Kind: String, CaseIterable, Hashable, Sendable, Codable {
        case invoice
        case creditNote = "credit_note"
        /// Of one payment of an invoice. Its number is the invoice's and the payment's place among them: `ACME-0001-R1`.
        case receipt
    }

    public let kind: Kind
    public let number: String

    public init(_ kind: Kind, _ number: String) {
        self.kind = kind
        self.number = number
    }

    /// The receipt of an invoice's `payment`-th payment, counted from 1.
    public static func receipt(ofInvoice number: String, payment: Int) -> DocumentReference {
        DocumentReference(.receipt, "\(number)-R\(payment)")
    }

    /// A receipt's invoice and the place of the payment, counted from 1.
    public var receiptParts: (invoice: String, payment: Int)? {
        guard kind == .receipt, let mark = number.lastIndex(of: "-") else { return nil }
        let place = number[number.index(after: mark)...]
        guard place.first == "R", let payment = Int(place.dropFirst()), payment > 0 else { return nil }
        return (String(number[..<mark]), payment)
    }
}

extension DocumentReference: CustomStringConvertible {
    public var description: String {
        switch kind {
        case .invoice: "invoice \(number)"
        case .creditNote: "credit note \(number)"
        case .receipt: "receipt \(number)"
        }
    }
}
