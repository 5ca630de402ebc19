internal import Accounts
internal import BillingPorts
internal import Dates

/// Accounts that are to be invoiced in one transaction.
struct InvoiceBatch {
    private(set) var accounts: [OpenAccount]
    /// Those who cannot be billed, and why; nothing of theirs is changed.
    private(set) var refusals: [CannotBill] = []
    private let now: Instant
    /// The places of those who have something to invoice, in the order in which they are numbered.
    private var due: [Int] = []

    init(_ accounts: [OpenAccount], at now: Instant) {
        self.accounts = accounts
        self.now = now
    }

    var count: Int { due.count }

    /// Moves the accounts on to now and finds out who has something to invoice.
    mutating func draft() {
        var kept: [OpenAccount] = []
        for var open in accounts {
            do {
                try open.account.advance(to: now)
                let isReactivation = open.account.reactivation.map { $0.invoice == nil } ?? false
                if try isReactivation || open.account.draft(at: now) != nil { due.append(kept.count) }
                kept.append(open)
            } catch {
                refusals.append(CannotBill(customer: open.key, code: open.account.code, reason: "\(error)"))
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
    let code: String
    let reason: String
    var description: String { "customer \(customer) (\(code)) cannot be billed: \(reason)" }
}
