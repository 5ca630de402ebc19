public import Dates
public import Money

/// One movement of value: the same positive amount taken to one account and from another, so it always balances.
public struct Posting: Hashable, Sendable {
    public let debit: LedgerAccount
    public let credit: LedgerAccount
    /// More than zero.
    public let amount: Money

    /// Throws unless the amount is positive and the accounts differ.
    public init(debit: LedgerAccount, credit: LedgerAccount, amount: Money) throws(LedgerFault) {
        guard amount.isPositive else { throw .amountNotPositive(amount) }
        guard debit != credit else { throw .sameAccount(debit) }
        self.debit = debit
        self.credit = credit
        self.amount = amount
    }
}

/// Why something was posted: one event of billing on one date, with at least one posting, all in one currency.
///
/// Entries are never changed; what was wrong is posted the other way.
public struct JournalEntry: Hashable, Sendable {
    /// What happened; the stored names are the raw values.
    public enum Kind: String, CaseIterable, Hashable, Sendable, Codable {
        case invoiceIssued = "invoice_issued"
        case paymentReceived = "payment_received"
        /// A chargeback, or a bank debit returned.
        case paymentReturned = "payment_returned"
        case creditGranted = "credit_granted"
        /// The customer's credit settles an invoice.
        case creditApplied = "credit_applied"
        case creditNoteIssued = "credit_note_issued"
        /// Credit is paid out.
        case creditRefunded = "credit_refunded"
        case invoiceVoided = "invoice_voided"
        case writtenOff = "written_off"
        /// What is earned in a month of what was billed.
        case revenueRecognized = "revenue_recognized"
    }

    public let kind: Kind
    /// Local to the seller.
    public let date: LocalDate
    /// What it is about: an invoice's number, a credit note's.
    public let reference: String
    public let postings: [Posting]

    /// Throws if there are no postings or they are of several currencies.
    public init(kind: Kind, date: LocalDate, reference: String, postings: [Posting]) throws(LedgerFault) {
        guard let currency = postings.first?.amount.currency else { throw .noPostings(kind) }
        for posting in postings where posting.amount.currency != currency {
            throw .severalCurrencies(currency, posting.amount.currency)
        }
        self.kind = kind
        self.date = date
        self.reference = reference
        self.postings = postings
    }

    public var currency: Currency { postings[0].amount.currency }
}

/// Why a posting or entry cannot be written down.
public enum LedgerFault: Error, Hashable, Sendable, CustomStringConvertible {
    case amountNotPositive(Money)
    case sameAccount(LedgerAccount)
    case noPostings(JournalEntry.Kind)
    case severalCurrencies(Currency, Currency)

    public var description: String {
        switch self {
        case .amountNotPositive(let amount): "a posting of \(amount) is not positive"
        case .sameAccount(let account): "a posting from \(account.rawValue) to itself moves nothing"
        case .noPostings(let kind): "an entry \(kind.rawValue) has no postings"
        case .severalCurrencies(let first, let second): "an entry has postings in \(first) and \(second)"
        }
    }
}
