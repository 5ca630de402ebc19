public import Billing
public import Dates
public import Ledger
public import Money

/// Everything that billing knows of one customer, and every rule that moves it on. A pure value: the same account, the
/// same operation and the same instant give the same account again.
public struct Account: Sendable {
    /// The seller's own id for the customer; numbers print it in upper case.
    public let code: String
    public let currency: Currency
    public let calendar: BillingCalendar
    /// In which months are closed.
    public let sellerZone: TimeZoneRules
    public let settings: BillingSettings
    public var catalogue: Catalogue
    public internal(set) var email: String?
    public internal(set) var address: Customer.Address?
    public internal(set) var isTaxExempt: Bool
    public internal(set) var billingDay: Int?
    public internal(set) var arrangement: PaymentArrangement?

    public internal(set) var subscriptions: [Subscription] = []
    public internal(set) var invoices: [Invoice] = []
    public internal(set) var notes: [CreditNote] = []
    public internal(set) var usage: [CountedUsage] = []
    public internal(set) var coupons: [CouponUse] = []
    /// What the customer may still use.
    public internal(set) var credit: Money
    /// In the order in which they were tried.
    public internal(set) var attempts: [PaymentAttempt] = []
    /// Since when support has dunning stand, if it does.
    public internal(set) var dunningPausedSince: Instant?
    /// What is to be charged at once, by the customer's wish.
    var collectsNow: Set<Int> = []
    public internal(set) var reactivation: Reactivation?
    /// Since a brake held what it is to be invoiced for, if one does.
    public internal(set) var parking: Parking?
    /// The last end after which the customer was invited back, or was not in time.
    var invitedSince: LocalDate?
    /// Which warnings about a limit have gone out.
    var alerts: Set<String> = []
    /// Whether what a cancellation gives back is to be paid out with the invoice that is issued for it.
    public var refundsUnused = false
    /// The instant to which it was moved on since it was read. What fell due before then is still to be done otherwise.
    public internal(set) var advancedTo: Instant?
    /// How many entries and mails there were when the account was read.
    public internal(set) var entriesBefore = 0
    public internal(set) var mailsBefore = 0
    /// What has been booked since the account was read.
    public internal(set) var entries: [JournalEntry] = []
    /// What has been written to the customer since the account was read.
    public internal(set) var mails: [Mail] = []
    /// The first month whose earnings have not been booked, by its first day; `nil` while nothing was ever issued.
    public internal(set) var openMonth: LocalDate?
    /// What has been booked as earned, in all.
    public internal(set) var recognizedBooked: Money
    /// How many entries for the month before `openMonth` there are: what comes late for it makes another.
    public internal(set) var lastMonthEntries = 0

    public init(
        code: String, currency: Currency, zone: TimeZoneRules, sellerZone: TimeZoneRules, settings: BillingSettings,
        catalogue: Catalogue, email: String? = nil, address: Customer.Address? = nil, isTaxExempt: Bool = false,
        billingDay: Int? = nil, arrangement: PaymentArrangement? = nil
    ) {
        self.code = code
        self.currency = currency
        self.sellerZone = sellerZone
        self.settings = settings
        self.catalogue = catalogue
        self.email = email
        self.address = address
        self.isTaxExempt = isTaxExempt
        self.billingDay = billingDay
        self.arrangement = arrangement
        calendar = BillingCalendar(zone: zone, unit: settings.proration.unit)
        credit = .zero(currency)
        recognizedBooked = .zero(currency)
    }

    var meters: Meters { Meters(self) }
}

/// A coupon that was handed in.
public struct CouponUse: Hashable, Sendable {
    /// Counted from 0 in the order in which the customer handed them in, which is the order in which they cut.
    public let ordinal: Int
    public let coupon: Coupon
    /// The one that it is for; all of the customer's if `nil`.
    public let subscription: String?
    public let date: LocalDate

    public init(ordinal: Int, coupon: Coupon, subscription: String?, date: LocalDate) {
        self.ordinal = ordinal
        self.coupon = coupon
        self.subscription = subscription
        self.date = date
    }
}

extension Account {
    /// What the customer owes on issued invoices.
    public var receivable: Money {
        get throws(MoneyFault) {
            var total = Money.zero(currency)
            for invoice in invoices { total = try total + invoice.amountDue }
            return total
        }
    }
}

extension Subscription {
    /// The cycle of its plan in which a date lies, or the trial; `nil` before the start and after the end.
    public func period(at date: LocalDate, _ calendar: BillingCalendar) -> Period? {
        if state == .scheduled || state.hasEnded { return nil }
        if trialEnd != nil, date < firstBilledDay { return Period(checking: start, firstBilledDay) }
        return cycle(at: date, calendar).map { $0.stretch.anchor.cycle($0.index, every: $0.stretch.plan.interval) }
    }
}
