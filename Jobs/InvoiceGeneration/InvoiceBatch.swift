internal import Accounts
internal import BillingPorts
internal import Dates
internal import JobKit

/// Accounts that are to be invoiced in one transaction.
struct InvoiceBatch {
    private(set) var accounts: [OpenAccount]
    /// Those who cannot be billed, and why; nothing of theirs is changed.
    private(set) var refusals: [CannotBill] = []
    private let now: Instant
    /// The places of those who have something to invoice, in the order in which they are numbered.
    private var due: [Int] = []

    init(_ keys: [CustomerKey], of books: any BillingWork) async throws {
        let read = try await books.readableAccounts(keys)
        accounts = read.accounts
        refusals = read.faults.map { CannotBill(customer: $0.key, reason: $0.reason) }
        now = books.now
    }

    var count: Int { due.count }

    /// Moves the accounts on to now and finds out who has something to invoice.
    mutating func draft() {
        var kept: [OpenAccount] = []
        for var open in accounts {
            do {
                try open.account.advance(to: now)
                if try open.account.owesInvoice(at: now) { due.append(kept.count) }
                kept.append(open)
            } catch {
                refusals.append(CannotBill(customer: open.key, reason: "\(open.account.code): \(error)"))
            }
        }
        accounts = kept
        due.sort {
            let dates = (accounts[$0].account.calendar.date(of: now), accounts[$1].account.calendar.date(of: now))
            return dates.0 != dates.1 ? dates.0 < dates.1 : accounts[$0].key < accounts[$1].key
        }
    }

    /// Issues their invoices under the numbers given, counted in the order in which they are numbered.
    mutating func issue(_ number: (Int, Account) throws -> String) throws {
        for (place, index) in due.enumerated() {
            let number = try number(place, accounts[index].account)
            if accounts[index].account.reactivation != nil {
                _ = try accounts[index].account.invoiceReactivation { _ in number }
            } else {
                _ = try accounts[index].account.invoice(at: now) { _ in number }
            }
        }
    }
}

/// Why a customer cannot be billed now; the others go on.
struct CannotBill: Error, CustomStringConvertible {
    let customer: CustomerKey
    let reason: String
    var description: String { "customer \(customer) cannot be billed: \(reason)" }
}

extension Account {
    /// Whether there is something to be numbered. A reactivation that costs nothing is done with that; while the charge
    /// for one is waited for, nothing else is invoiced.
    fileprivate mutating func owesInvoice(at now: Instant) throws -> Bool {
        guard let reactivation else { return try draft(at: now) != nil }
        guard reactivation.invoice == nil else { return false }
        if try draft(at: reactivation.at) != nil { return true }
        _ = try invoiceReactivation { _ in preconditionFailure("a number for nothing") }
        return try draft(at: now) != nil
    }
}
