public import Billing
public import Dates
public import Money

/// A customer whose next invoice a person must look at before it goes out.
public struct Parking: Hashable, Sendable {
    public let since: Instant
    /// For that person.
    public let reason: String
    /// Of the invoice that is held.
    public let total: Money
    /// Of the invoice that is held; another one is looked at again.
    public let fingerprint: String
    /// Whether that person has let it go out as it is.
    public internal(set) var isReleased: Bool

    public init(since: Instant, reason: String, total: Money, fingerprint: String, isReleased: Bool = false) {
        self.since = since
        self.reason = reason
        self.total = total
        self.fingerprint = fingerprint
        self.isReleased = isReleased
    }
}

/// What is to be done with what an account owes.
public enum BillingDecision: Hashable, Sendable {
    case nothing
    case issue(DraftInvoice)
    case hold(Parking)
}

extension Account {
    /// Decides what is to be invoiced at an instant to which the account was moved on, and parks it if a brake holds
    /// that. A reactivation that costs nothing is done with that. Preview and bill are this one path.
    public mutating func decideBilling(at instant: Instant) throws -> BillingDecision {
        // While the charge for a reactivation is waited for, nothing else is invoiced.
        if let reactivation, reactivation.invoice != nil { return .nothing }
        if let reactivation, try draft(at: reactivation.at) == nil {
            _ = try invoiceReactivation { _ in preconditionFailure("a number for nothing") }
        }
        let at = reactivation?.at ?? instant
        guard let draft = try draft(at: at) else {
            parking = nil
            return .nothing
        }
        guard let reason = try brake(on: draft, at: calendar.date(of: at)) else {
            parking = nil
            return .issue(draft)
        }
        let fingerprint = draft.fingerprint
        if let parking, parking.fingerprint == fingerprint {
            return parking.isReleased ? .issue(draft) : .hold(parking)
        }
        let parking = Parking(since: instant, reason: reason, total: draft.total, fingerprint: fingerprint)
        self.parking = parking
        return .hold(parking)
    }

    /// Whether somebody must be told to invoice it: not what is parked already.
    public func wantsInvoice(at instant: Instant) throws -> Bool {
        var decided = self
        switch try decided.decideBilling(at: instant) {
        case .nothing: return decided.reactivation != reactivation
        case .issue: return true
        case .hold: return decided.parking != parking
        }
    }

    /// Issues what was decided to be issued, under the number that `numbering` gives.
    public mutating func issueDecided(
        _ draft: DraftInvoice, at instant: Instant, number: (InvoiceNumbering) throws -> String
    ) throws {
        if reactivation != nil {
            _ = try invoiceReactivation(draft, number: number)
        } else {
            try issueDue(draft, at: instant, number: number)
        }
    }

    /// Why that invoice must not go out by itself on that date; `nil`: it may.
    public func brake(on draft: DraftInvoice, at date: LocalDate) throws -> String? {
        guard let brakes = settings.brakes else { return nil }
        if let most = brakes.maximumLines {
            for subscription in subscriptions {
                let count = draft.lines.count { $0.subscription == subscription.code && $0.isCharge }
                if count > most {
                    return "subscription \(subscription.code) has \(count) lines on one invoice, more than \(most)"
                }
            }
        }
        guard let growth = brakes.maximumGrowth, let before = try invoicedBefore(draft, at: date) else { return nil }
        guard Rational(draft.total.minorUnits).magnitude > (try growth * Rational(before.minorUnits)) else {
            return nil
        }
        return "its total of \(draft.total) is more than \(growth) times the \(before) of the period before"
    }

    /// What the customer was invoiced for from one period before those lines fell due until now; `nil` if that is
    /// nothing. Void invoices do not count; the period is the longest of those that the lines bill.
    public func invoicedBefore(_ draft: DraftInvoice, at date: LocalDate) throws -> Money? {
        let charges = draft.lines.compactMap { line in line.charge.map { ($0.basis, line.span) } }
        let due = charges.compactMap { basis, span in
            basis.timing == .inArrears || basis.model.metric != nil ? span?.end.date : span?.start.date
        }
        let interval = charges.map(\.0.interval).max { $0.days < $1.days } ?? .month
        let start = interval.back(from: min(due.min() ?? date, date))
        let standing = invoices.filter { $0.date >= start && $0.state != .void && !$0.isWithdrawn }
        let total = try Money.sum(standing.map(\.total), in: currency)
        return total.isPositive ? total : nil
    }

    /// Throws `illegal_transition` unless the customer is parked.
    mutating func release() throws(OperationFault) {
        guard parking != nil else { throw OperationFault(.illegalTransition, "customer \(code) is not parked") }
        parking?.isReleased = true
    }
}

extension DraftInvoice {
    /// The same for the same lines: FNV-1a over their texts. It tells drafts of one customer apart; nothing is safe by it.
    public var fingerprint: String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for line in lines {
            let start = line.span.map { "\($0.start.date)/\($0.start.second)/\($0.end.date)/\($0.end.second)" } ?? ""
            let text =
                "\(line.kind.rawValue) \(line.code) \(line.subscription ?? "") \(start) \(line.quantity ?? .zero) \(line.amount);"
            for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

extension BillingInterval {
    /// About how long it is, to compare two.
    fileprivate var days: Int {
        switch self {
        case .months(let count): count * 30
        case .weeks(let count): count * 7
        case .days(let count): count
        }
    }

    fileprivate func back(from date: LocalDate) -> LocalDate {
        switch self {
        case .months(let count): date.adding(months: -count)
        case .weeks(let count): date.adding(days: -7 * count)
        case .days(let count): date.adding(days: -count)
        }
    }
}
