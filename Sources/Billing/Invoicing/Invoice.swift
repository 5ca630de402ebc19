public import Dates
public import Ledger
public import Money

/// Lines that are to become one invoice of a customer, and what they add up to.
public struct DraftInvoice: Hashable, Sendable {
    public let customer: Customer.ID
    public let currency: Currency
    /// At least one, in the order of the invoice.
    public let lines: [InvoiceLine]
    /// The sum of the lines before tax.
    public let subtotal: Money
    /// The sum of the tax lines.
    public let tax: Money
    public let total: Money

    /// Throws `emptyInvoice` without lines, `money` for lines of another currency, `negativeTotal`.
    public init(customer: Customer.ID, currency: Currency, lines: [InvoiceLine]) throws(BillingFault) {
        guard !lines.isEmpty else { throw .emptyInvoice }
        do throws(MoneyFault) {
            subtotal = try Money.sum(lines.filter { $0.kind != .tax }.map(\.amount), in: currency)
            tax = try Money.sum(lines.filter { $0.kind == .tax }.map(\.amount), in: currency)
            total = try subtotal + tax
        } catch {
            throw .money(error)
        }
        guard !total.isNegative else { throw .negativeTotal(total) }
        self.customer = customer
        self.currency = currency
        self.lines = lines
    }

    /// The invoice, open and unchangeable from now on, dated `date` and due `netDays` later.
    public func finalising(number: String, on date: LocalDate, netDays: Int) -> Invoice {
        Invoice(
            number: number, customer: customer, date: date, due: date.adding(days: netDays), lines: lines,
            subtotal: subtotal, tax: tax, total: total)
    }
}

/// An issued invoice. Its content never changes; corrections are new lines or credit notes.
public struct Invoice: Hashable, Sendable {
    public let number: String
    public let customer: Customer.ID
    /// Local to the customer.
    public let date: LocalDate
    public let due: LocalDate
    public let lines: [InvoiceLine]
    public let subtotal: Money
    public let tax: Money
    public let total: Money

    /// What issuing it means for the books: the customer owes it all; the net is not earned yet and the tax never is.
    /// `nil` if it adds up to nothing. Throws `ledger`.
    public func issueEntry() throws(BillingFault) -> JournalEntry? {
        do throws(LedgerFault) {
            var postings: [Posting] = []
            for (amount, account) in [(subtotal, LedgerAccount.deferredRevenue), (tax, .taxPayable)]
            where !amount.isZero {
                postings.append(try Posting(debit: .receivable, credit: account, amount: amount))
            }
            guard !postings.isEmpty else { return nil }
            return try JournalEntry(kind: .invoiceIssued, date: date, reference: number, postings: postings)
        } catch {
            throw .ledger(error)
        }
    }

    /// What a payment of an invoice means for the books; `reference` names the payment, as an invoice may have several.
    /// Throws `ledger` if the amount is not positive.
    public static func paymentEntry(
        reference: String, amount: Money, on date: LocalDate
    ) throws(BillingFault) -> JournalEntry {
        do throws(LedgerFault) {
            let posting = try Posting(debit: .cash, credit: .receivable, amount: amount)
            return try JournalEntry(kind: .paymentReceived, date: date, reference: reference, postings: [posting])
        } catch {
            throw .ledger(error)
        }
    }
}

/// How invoice numbers are made. They run without gaps in one row per customer, or one per seller.
public struct InvoiceNumbering: Hashable, Sendable {
    public enum Scheme: String, CaseIterable, Hashable, Sendable, Codable {
        /// `ACME-0001`, with a prefix `EU-ACME-0001`.
        case customer
        /// `INV-0001`, or with the seller's prefix.
        case seller
    }

    public let scheme: Scheme
    public let prefix: String?

    public init(_ scheme: Scheme = .customer, prefix: String? = nil) {
        self.scheme = scheme
        self.prefix = prefix
    }

    /// The number of the `sequence`-th invoice in its row, counted from 1, with at least four digits. `customer` is the
    /// customer's code, which is printed in upper case.
    public func number(_ sequence: Int64, customer: String) -> String {
        precondition(sequence > 0, "invoices are numbered from 1")
        let digits = String(sequence)
        let padded = String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
        switch scheme {
        case .customer: return (prefix.map { $0 + "-" } ?? "") + customer.uppercased() + "-" + padded
        case .seller: return (prefix ?? "INV") + "-" + padded
        }
    }
}
