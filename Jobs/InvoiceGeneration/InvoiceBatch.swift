internal import Accounts
internal import BillingPorts
internal import Dates
internal import JobKit

/// Accounts that are to be invoiced in one transaction.
struct InvoiceBatch {
    private(set) var accounts: [OpenAccount]
    /// Those whom a person must look at: who cannot be billed, of whom nothing is changed, and whom a brake has parked.
    private(set) var refusals: [CannotBill] = []
    private let now: Instant
    /// Those who have something to invoice, by their places, in the order in which they are numbered.
    private var due: [(place: Int, draft: DraftInvoice)] = []

    init(_ keys: [CustomerKey], of books: any BillingWork) async throws {
        let read = try await books.readableAccounts(keys)
        accounts = read.accounts
        refusals = read.faults.map { CannotBill(customer: $0.key, reason: $0.reason, cause: .inconsistent) }
        now = books.now
    }

    var count: Int { due.count }

    /// Moves the accounts on to now and finds out who has something to invoice.
    mutating func draft() {
        var kept: [OpenAccount] = []
        for var open in accounts {
            do {
                try open.account.advance(to: now)
                switch try open.account.decideBilling(at: now) {
                case .nothing: break
                case .issue(let draft): due.append((kept.count, draft))
                case .hold(let parking):
                    let isKnown = open.account.parking == open.before.parking
                    refuse(open, "parked: \(parking.reason)", as: isKnown ? .parkedBefore : .parked)
                }
                kept.append(open)
            } catch {
                refuse(open, "\(error)", as: .inconsistent)
            }
        }
        accounts = kept
        due.sort {
            let (first, second) = (accounts[$0.place], accounts[$1.place])
            let dates = (first.account.calendar.date(of: now), second.account.calendar.date(of: now))
            return dates.0 != dates.1 ? dates.0 < dates.1 : first.key < second.key
        }
    }

    private mutating func refuse(_ open: OpenAccount, _ reason: String, as cause: CannotBill.Cause) {
        refusals.append(CannotBill(customer: open.key, reason: "\(open.account.code): \(reason)", cause: cause))
    }

    /// Issues their invoices under the numbers given, counted in the order in which they are numbered.
    mutating func issue(_ number: (Int, Account) throws -> String) throws {
        for (place, (index, draft)) in due.enumerated() {
            let number = try number(place, accounts[index].account)
            try accounts[index].account.issueDecided(draft, at: now) { _ in number }
        }
    }
}

/// Why a customer is not billed now; the others go on.
struct CannotBill: Error, CustomStringConvertible {
    enum Cause {
        /// Its history contradicts itself, or an amount cannot be worked out.
        case inconsistent
        case parked
        /// A job is, or was, held for it already.
        case parkedBefore
    }

    let customer: CustomerKey
    let reason: String
    let cause: Cause

    var description: String { "customer \(customer) cannot be billed: \(reason)" }
}
