public import Billing
public import Dates
public import Money

/// Something that is asked for, by a person or a program; it is done whole, or refused with an `OperationFault`.
public enum Operation: Hashable, Sendable {
    case subscribe(Subscribe)
    case changePlan(subscription: String, plan: String, Timing, effective: LocalDate?)
    case changeQuantity(subscription: String, unit: String, quantity: Rational, Timing)
    case addPrice(subscription: String, Price, Timing)
    case removePrice(subscription: String, price: String, Timing)
    case changeBillingDay(of: BillingDayOwner, day: Int)
    /// With the code of why, and what else there is to say of it.
    case cancel(subscription: String, when: When?, unused: Unused, reason: String?, comment: String? = nil)
    /// Stay after all, for the coupon that is offered to whoever has cancelled.
    case acceptOffer(subscription: String, coupon: String)
    case pause(subscription: String)
    case resume(subscription: String)
    case reactivate(subscription: String)
    case extendTrial(subscription: String, days: Int, approvedBy: String)
    case usage(UsageEvent)
    case credit(Money)
    case useCoupon(subscription: String?, coupon: String)
    case setPayment(PaymentArrangement)
    case setAddress(Customer.Address)
    case creditNote(invoice: Int, CreditNoteAmount, as: CreditNoteUse)
    case pay(invoice: Int, amount: Money?)
    case refund(invoice: Int, amount: Money?)
    case chargeback(invoice: Int, amount: Money?)
    case chargebackReversed(invoice: Int)
    case void(invoice: Int)
    case writeOff(invoice: Int)
    case invoice([OneOffLine])
    case overrideDunning(DunningOverride)
    /// Let the invoice go out as it is for which the customer is parked.
    case release
    /// Bill again what was due by a date; never early.
    case bill(LocalDate)

    public struct Subscribe: Hashable, Sendable {
        public var code: String
        public var plan: String
        /// The local date of the operation if `nil`.
        public var start: LocalDate?
        public var billingDay: Int?
        public var align: Alignment
        /// A unit that is not named counts 1.
        public var quantities: [String: Rational]
        /// The plan's if `nil`.
        public var trialDays: Int?
        public var coupons: [String]
        /// What this deal pays instead, by price: the amount of a flat or one-time price, else the unit's, in major units.
        public var prices: [String: Rational]
        public var term: Term?

        public init(
            code: String, plan: String, start: LocalDate? = nil, billingDay: Int? = nil,
            align: Alignment = .anniversary, quantities: [String: Rational] = [:], trialDays: Int? = nil,
            coupons: [String] = [], prices: [String: Rational] = [:], term: Term? = nil
        ) {
            self.code = code
            self.plan = plan
            self.start = start
            self.billingDay = billingDay
            self.align = align
            self.quantities = quantities
            self.trialDays = trialDays
            self.coupons = coupons
            self.prices = prices
            self.term = term
        }
    }

    public struct Term: Hashable, Sendable {
        public let months: Int
        public let renews: Bool

        public init(months: Int, renews: Bool = true) {
            self.months = months
            self.renews = renews
        }
    }

    public enum Alignment: String, CaseIterable, Hashable, Sendable { case anniversary, calendar }

    public enum When: String, CaseIterable, Hashable, Sendable {
        case now
        case periodEnd = "period_end"
    }

    /// When a change acts, by the rule of the operation if `nil`, and what its lines wait for.
    public struct Timing: Hashable, Sendable {
        public var when: When?
        public var invoice: Invoicing

        public init(when: When? = nil, invoice: Invoicing = .now) {
            self.when = when
            self.invoice = invoice
        }
    }

    public enum Invoicing: String, CaseIterable, Hashable, Sendable {
        /// Its lines are invoiced at once.
        case now
        /// They wait for whatever invoice comes next.
        case next
        /// There are none: the old prices stand to the end of the period.
        case none
    }

    public enum BillingDayOwner: Hashable, Sendable {
        case subscription(String)
        case customer
    }

    public enum Unused: String, CaseIterable, Hashable, Sendable { case credit, refund, none }

    public enum CreditNoteAmount: Hashable, Sendable {
        case lines([NoteLine])
        case amount(Money)
    }

    /// A net amount to be given back of the invoice's lines with that code.
    public struct NoteLine: Hashable, Sendable {
        public let code: String
        public let amount: Money

        public init(code: String, amount: Money) {
            self.code = code
            self.amount = amount
        }
    }

    public enum CreditNoteUse: String, CaseIterable, Hashable, Sendable { case credit, refund }

    public struct OneOffLine: Hashable, Sendable {
        public let code: String
        public let amount: Money
        public let description: String?
        public let obligation: Obligation?

        public init(code: String, amount: Money, description: String? = nil, obligation: Obligation? = nil) {
            self.code = code
            self.amount = amount
            self.description = description
            self.obligation = obligation
        }
    }

    public enum DunningOverride: Hashable, Sendable {
        case pause, resume
        case extendGrace(days: Int)
    }
}

/// What a contract is sold for is allocated to its obligations by what each would cost alone.
public struct Obligation: Hashable, Sendable {
    public let standalone: Money
    /// Over which it is earned; at issue if `nil`.
    public let period: Period?

    public init(standalone: Money, period: Period? = nil) {
        self.standalone = standalone
        self.period = period
    }
}

/// What a customer pays with.
public struct PaymentArrangement: Hashable, Sendable {
    public enum Method: String, CaseIterable, Hashable, Sendable { case card, ach, wire }

    public let method: Method
    /// The seller's if `nil`.
    public let netDays: Int?

    public init(method: Method, netDays: Int? = nil) {
        self.method = method
        self.netDays = netDays
    }
}

/// Something metered, counted once by its id.
public struct UsageEvent: Hashable, Sendable {
    public let id: String
    public let metric: String
    public let quantity: Rational
    /// Properties that a metric may read; numbers as written.
    public let properties: [String: String]
    /// The instant of the operation if `nil`.
    public let time: Instant?

    public init(
        id: String, metric: String, quantity: Rational = .one, properties: [String: String] = [:], time: Instant? = nil
    ) {
        self.id = id
        self.metric = metric
        self.quantity = quantity
        self.properties = properties
        self.time = time
    }
}

/// Why an operation was refused; nothing of it was done. The raw value is the code that scenarios and the API show.
public struct OperationFault: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Code: String, CaseIterable, Hashable, Sendable {
        case illegalTransition = "illegal_transition"
        case notFound = "not_found"
        case duplicate
        case notOpen = "not_open"
        case amountExceeds = "amount_exceeds"
        case quotaExceeded = "quota_exceeded"
        case couponExpired = "coupon_expired"
        case couponExhausted = "coupon_exhausted"
        case paymentFailed = "payment_failed"
    }

    public let code: Code
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { "\(code.rawValue): \(message)" }
}
