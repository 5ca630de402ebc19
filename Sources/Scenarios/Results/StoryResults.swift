internal import Accounts
public import Dates
internal import JSONText

/// What became of a subscription.
public struct SubscriptionResult: Hashable, Sendable {
    public var status: String
    /// The plan's code.
    public var plan: String
    /// The period in which it is, while it is billed.
    public var period: Period?
    /// The day that is no longer part of it.
    public var ends: LocalDate?
    public var history: [Step]

    /// A change of status.
    public struct Step: Hashable, Sendable {
        public var at: Instant
        public var to: String

        public init(at: Instant, to: String) {
            self.at = at
            self.to = to
        }
    }

    public init(status: String, plan: String, period: Period? = nil, ends: LocalDate? = nil, history: [Step]) {
        self.status = status
        self.plan = plan
        self.period = period
        self.ends = ends
        self.history = history
    }

    func json() -> JSONValue {
        .present([
            "status": .string(status), "plan": .string(plan), "period": period.map { .period($0) },
            "ends": ends.map { .text($0) },
            "history": .array(history.map { ["at": .text($0.at), "to": .string($0.to)] }),
        ])
    }
}

/// A request for money that a gateway answered, or, with a negative amount, one to give it back.
public struct ChargeResult: Hashable, Sendable {
    public var at: Instant
    /// The customer's id.
    public var customer: String
    /// The invoice's number.
    public var invoice: String
    public var amount: Int64
    /// An outcome of the gateway's, or `refunded`.
    public var outcome: String
    /// From 1, of the same invoice; none for a refund.
    public var attempt: Int?

    public init(
        at: Instant, customer: String, invoice: String, amount: Int64, outcome: String, attempt: Int? = nil
    ) {
        self.at = at
        self.customer = customer
        self.invoice = invoice
        self.amount = amount
        self.outcome = outcome
        self.attempt = attempt
    }

    func json() -> JSONValue {
        .present([
            "at": .text(at), "customer": .string(customer), "invoice": .string(invoice),
            "amount": .integer(amount), "outcome": .string(outcome),
            "attempt": attempt.map { .integer(Int64($0)) },
        ])
    }
}

/// A mail that went out.
public struct EmailResult: Hashable, Sendable {
    public var at: Instant
    /// The address.
    public var to: String
    public var template: String

    public init(at: Instant, to: String, template: String) {
        self.at = at
        self.to = to
        self.template = template
    }

    func json() -> JSONValue { ["at": .text(at), "to": .string(to), "template": .string(template)] }
}

/// An operation that was refused.
public struct ErrorResult: Hashable, Sendable {
    public var at: Instant
    /// The operation's name.
    public var `do`: String
    /// The code of an `OperationFault`.
    public var error: String

    public init(at: Instant, do name: String, error: String) {
        self.at = at
        self.do = name
        self.error = error
    }

    func json() -> JSONValue { ["at": .text(at), "do": .string(self.do), "error": .string(error)] }
}
