public import Billing
public import Dates
public import Money

/// What a customer has subscribed to: every change that was ever made to it, in order. What is billed follows from
/// these and from nothing else.
public struct Subscription: Hashable, Sendable {
    /// The seller's own id for it.
    public let code: String
    /// Counted from 0 in the order in which the customer took its subscriptions; their order on invoices.
    public let ordinal: Int
    /// The first day, of the trial if there is one. Local to the customer, as every date here.
    public let start: LocalDate
    public let billingDay: Int?
    public let align: Operation.Alignment
    /// The first day that costs something, if it has a trial.
    public internal(set) var trialEnd: LocalDate?
    public internal(set) var state: SubscriptionState
    public internal(set) var history: [Transition]
    /// In the order in which they were made; the first is the plan it began with.
    public internal(set) var changes: [Change]
    /// What waits for the end of a period.
    public internal(set) var pending: [PendingChange]
    public internal(set) var term: Term?
    /// The months of the term for which it was sold, kept when that is over.
    public internal(set) var soldMonths: Int? = nil
    /// The plan that it is on, as people see it; its prices may still wait for the end of the period.
    public internal(set) var plan: Plan
    /// The prices that were agreed for this one; a published price never replaces them.
    public internal(set) var dealPrices: Set<String>
    /// When it ended, if it has.
    public internal(set) var end: End?
    /// The ends of trial or term of which notice has been given.
    var given: Set<LocalDate> = []
    /// In the order in which they were asked for; one that replaced another that still waited stands alone.
    public internal(set) var cancellations: [Cancellation] = []

    public struct Transition: Hashable, Sendable {
        public let at: Instant
        public let to: SubscriptionState
        public let cause: SubscriptionState.Cause

        public init(at: Instant, to: SubscriptionState, cause: SubscriptionState.Cause) {
            self.at = at
            self.to = to
            self.cause = cause
        }
    }

    public struct End: Hashable, Sendable {
        /// The first day that is not billed.
        public let date: LocalDate

        public init(date: LocalDate) { self.date = date }
    }

    /// A contract's term.
    public struct Term: Hashable, Sendable {
        public let months: Int
        public let renews: Bool
        /// The first day after the present term.
        public let end: LocalDate

        public init(months: Int, renews: Bool, end: LocalDate) {
            self.months = months
            self.renews = renews
            self.end = end
        }
    }

    /// The first day that costs something: after the trial, or when it begins anew before it had begun.
    public var firstBilledDay: LocalDate {
        let day = max(start, trialEnd ?? start)
        let anew = changes.first { $0.kind == .restart }?.effective.date
        return min(day, anew ?? day)
    }

    /// The ends that it has had, also those after which it began anew; of each day the last.
    var ends: [Change] {
        var ends: [Change] = []
        for change in changes {
            guard case .end = change.kind else { continue }
            if ends.last?.effective.date == change.effective.date { ends.removeLast() }
            ends.append(change)
        }
        return ends
    }
}

/// One fact about what is to be billed.
public struct Change: Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        /// The plan from here on, with the prices at which it was sold.
        case plan(Plan)
        case quantity(unit: String, Rational)
        case addPrice(Price)
        case removePrice(String)
        case billingDay(Int)
        /// Nothing is billed from here on; what was billed is given back, or not.
        case block(givesBack: Bool)
        case unblock
        /// It ends here.
        case end(givesBack: Bool)
        /// It begins anew here, in new cycles.
        case restart
    }

    public let kind: Kind
    /// From when on it is billed so.
    public let effective: Moment
    /// When it was made.
    public let recorded: Instant
    /// Whether its lines wait for the next invoice.
    public let waits: Bool

    public init(_ kind: Kind, effective: Moment, recorded: Instant, waits: Bool = false) {
        self.kind = kind
        self.effective = effective
        self.recorded = recorded
        self.waits = waits
    }
}

/// A change that acts when a period or a trial has ended.
public struct PendingChange: Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        case change(Change.Kind)
        case cancel(Operation.Unused, reason: String?)
    }

    public let kind: Kind
    public let date: LocalDate

    public init(_ kind: Kind, on date: LocalDate) {
        self.kind = kind
        self.date = date
    }

    /// Whether a newer one of that kind takes its place.
    func isReplaced(by other: Kind) -> Bool {
        switch (kind, other) {
        case (.cancel, .cancel), (.change(.plan), .change(.plan)), (.change(.billingDay), .change(.billingDay)): true
        case (.change(.quantity(let mine, _)), .change(.quantity(let unit, _))): mine == unit
        case (.change(.addPrice(let mine)), .change(.addPrice(let price))): mine.code == price.code
        case (.change(.removePrice(let mine)), .change(.removePrice(let code))): mine == code
        default: false
        }
    }
}
