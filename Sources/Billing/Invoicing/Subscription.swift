public import Dates
public import Money

/// What a customer has subscribed to and since when; everything that is billed follows from it and the plan.
public struct Subscription: Hashable, Sendable {
    public let id: ID
    public let customer: Customer.ID
    /// The first day, of the trial if there is one. Local to the customer, as every date here.
    public let start: LocalDate
    /// The first day that is no longer free, if it has a trial.
    public let trialEnd: LocalDate?
    /// 1 to 31, its own or the customer's when it began; `nil` if it is billed on its anniversary.
    public let billingDay: Int?
    /// How many of each unit; a unit that is not named counts 1.
    public let quantities: [String: Rational]
    public var state: SubscriptionState
    /// When and why it ends or ended, if that is known.
    public var end: End?
    /// While paused or suspended: no period that begins from here on is billed.
    public var blockedFrom: LocalDate?

    public struct End: Hashable, Sendable {
        /// The first day that it no longer covers.
        public let date: LocalDate
        /// `cancelled`, `termEnded`, `trialUnpaid` or `dunningEnded`.
        public let cause: SubscriptionState.Cause

        public init(_ date: LocalDate, _ cause: SubscriptionState.Cause) {
            self.date = date
            self.cause = cause
        }
    }

    /// Traps if the billing day is none.
    public init(
        id: ID, customer: Customer.ID, start: LocalDate, trialEnd: LocalDate? = nil, billingDay: Int? = nil,
        quantities: [String: Rational] = [:], state: SubscriptionState = .active, end: End? = nil,
        blockedFrom: LocalDate? = nil
    ) {
        precondition(billingDay.map { (1...31).contains($0) } ?? true, "no billing day \(billingDay ?? 0)")
        self.id = id
        self.customer = customer
        self.start = start
        self.trialEnd = trialEnd
        self.billingDay = billingDay
        self.quantities = quantities
        self.state = state
        self.end = end
        self.blockedFrom = blockedFrom
    }

    /// The first day that costs something.
    public var firstBilledDay: LocalDate { max(start, trialEnd ?? start) }

    /// The first billed day, or the first billing day from then on.
    public var anchor: Anchor {
        billingDay.map { Anchor(billingDay: $0, from: firstBilledDay) } ?? Anchor(firstBilledDay)
    }

    /// The periods in which that price of the plan is billed.
    public func cycles(of price: Price, in plan: Plan) -> Cycles {
        Cycles(anchor: anchor, interval: plan.interval(of: price), start: firstBilledDay, end: end?.date)
    }

    /// The period of the plan in which `date` lies, or `nil` in a trial, before the start and after the end.
    public func period(at date: LocalDate, in plan: Plan) -> Period? {
        let cycles = Cycles(anchor: anchor, interval: plan.interval, start: firstBilledDay, end: end?.date)
        return cycles.window(at: date)?.period
    }
}
