internal import Billing
public import Dates
internal import Ledger
internal import Money

extension Account {
    /// The invoices to be charged at that instant, by their places: those that have fallen due, and those whose retry
    /// has. An invoice with an attempt that nobody has answered is never charged again.
    public func chargesDue(at instant: Instant) throws -> [Int] {
        guard canCharge else { return [] }
        let today = calendar.date(of: instant)
        return try invoices.indices.filter { index in
            let invoice = invoices[index]
            guard invoice.state == .open, try invoice.amountDue.isPositive, !hasPendingAttempt(on: index) else {
                return false
            }
            if collectsNow.contains(index) { return true }
            guard let dunning = invoice.dunning else { return invoice.due <= today }
            return dunning.retries && dunningPausedSince == nil
                && step(of: dunning).map { $0.isTry && $0.at <= instant } ?? false
        }
    }

    /// Whether there is something to charge, and not only to wait for.
    var canCharge: Bool { arrangement.map { $0.method != .wire } ?? false }

    func hasPendingAttempt(on invoice: Int) -> Bool {
        attempts.contains { $0.invoice == invoice && $0.outcome?.isPending ?? true }
    }

    /// The attempts about which nothing final is known, by their places.
    public var pendingAttempts: [Int] { attempts.indices.filter { attempts[$0].outcome?.isPending ?? true } }

    /// An attempt is on its way, or again.
    public mutating func send(attempt place: Int, at instant: Instant) {
        attempts[place].outcome = nil
        attempts[place].sentAt = instant
    }

    /// An attempt certainly never arrived, and waits to be sent again.
    public mutating func takeBack(attempt place: Int) {
        attempts[place].outcome = nil
        attempts[place].sentAt = nil
    }

    /// Opens the next attempt at an invoice and returns its place; the gateway is called once this is written down.
    public mutating func openAttempt(at instant: Instant, on index: Int) throws -> Int {
        collectsNow.remove(index)
        let number = attempts.filter { $0.invoice == index && $0.number > 0 }.count + 1
        attempts.append(
            PaymentAttempt(
                invoice: index, number: number, at: instant, amount: try invoices[index].amountDue,
                method: arrangement?.method, outcome: nil))
        return attempts.count - 1
    }

    /// What the gateway answered, or told later.
    public mutating func settle(
        attempt place: Int, with outcome: PaymentAttempt.Outcome, reference: String? = nil, declineCode: String? = nil,
        at instant: Instant
    ) throws {
        attempts[place].outcome = outcome
        if let reference { attempts[place].reference = reference }
        attempts[place].declineCode = declineCode
        let index = attempts[place].invoice
        switch outcome {
        case .processing, .unknown, .refunded: return
        case .success:
            try receive(attempts[place].amount, for: index, at: instant)
            try confirmReactivation(with: index, at: instant)
        case .insufficientFunds, .cardDeclined, .expiredCard, .lostCard, .requiresAction:
            if try refuseReactivation(with: index, at: instant) { return }
            // Who does not pay what is overdue does not begin anew.
            if let pending = reactivation, pending.invoice == nil { withdrawReactivation() }
            try fail(index, .init(outcome), at: instant)
        }
    }
}
