public import Billing
public import Dates
public import Ledger
public import Money

/// Accounts as they were stored. Whoever reads them back puts the parts together here and changes nothing of them.
extension Account {
    /// The lists of an account and what it counts, each list in the order of its places.
    public struct Parts: Sendable {
        public var subscriptions: [Subscription] = []
        public var invoices: [Invoice] = []
        public var notes: [CreditNote] = []
        public var usage: [CountedUsage] = []
        public var coupons: [CouponUse] = []
        public var attempts: [PaymentAttempt] = []
        public var credit: Money
        public var recognizedBooked: Money
        /// How many entries and mails there are.
        public var entryCount = 0
        public var mailCount = 0

        public init(credit: Money, recognizedBooked: Money) {
            self.credit = credit
            self.recognizedBooked = recognizedBooked
        }
    }

    /// Takes all that in place of what the account has.
    public mutating func restore(_ parts: Parts) {
        subscriptions = parts.subscriptions
        invoices = parts.invoices
        notes = parts.notes
        usage = parts.usage
        coupons = parts.coupons
        attempts = parts.attempts
        credit = parts.credit
        recognizedBooked = parts.recognizedBooked
        entriesBefore = parts.entryCount
        mailsBefore = parts.mailCount
    }

    /// As it reads back once what has changed of it is stored.
    public var asStored: Account {
        var stored = self
        stored.entriesBefore += entries.count
        stored.mailsBefore += mails.count
        (stored.entries, stored.mails, stored.advancedTo) = ([], [], nil)
        return stored
    }

    /// As if everything that was ever booked of it and written to it had been so since it was read.
    public mutating func restore(entries: [JournalEntry], mails: [Mail]) {
        (entriesBefore, mailsBefore) = (0, 0)
        (self.entries, self.mails) = (entries, mails)
    }
}

extension Invoice {
    /// What may still change of an issued invoice.
    public struct Progress: Hashable, Sendable {
        public let state: InvoiceState
        public let creditApplied: Money
        public let paid: Money
        public let noted: Money
        public let refunded: Money
        public let chargedBack: Money
        public let dunning: DunningCase?
        public let isWithdrawn: Bool
        public let voidedOn: LocalDate?

        public init(
            state: InvoiceState, creditApplied: Money, paid: Money, noted: Money, refunded: Money, chargedBack: Money,
            dunning: DunningCase?, isWithdrawn: Bool, voidedOn: LocalDate?
        ) {
            self.state = state
            self.creditApplied = creditApplied
            self.paid = paid
            self.noted = noted
            self.refunded = refunded
            self.chargedBack = chargedBack
            self.dunning = dunning
            self.isWithdrawn = isWithdrawn
            self.voidedOn = voidedOn
        }
    }

    public var progress: Progress {
        Progress(
            state: state, creditApplied: creditApplied, paid: paid, noted: noted, refunded: refunded,
            chargedBack: chargedBack, dunning: dunning, isWithdrawn: isWithdrawn, voidedOn: voidedOn)
    }

    /// An invoice as it was stored. Throws `overflow`.
    public init(
        ordinal: Int, number: String, date: LocalDate, due: LocalDate, issuedAt: Instant, lines: [InvoiceLine],
        subtotal: Money, tax: Money, progress: Progress
    ) throws(MoneyFault) {
        self.init(
            number: number, ordinal: ordinal, date: date, due: due, issuedAt: issuedAt, lines: lines,
            subtotal: subtotal, tax: tax, total: try subtotal + tax, state: progress.state,
            creditApplied: progress.creditApplied, paid: progress.paid, noted: progress.noted,
            refunded: progress.refunded, chargedBack: progress.chargedBack, dunning: progress.dunning,
            isWithdrawn: progress.isWithdrawn, voidedOn: progress.voidedOn)
    }
}

extension CreditNote {
    /// A note as it was stored. Throws `overflow`.
    public init(
        number: String, invoice: Int, date: LocalDate, issuedAt: Instant, shares: [Share], subtotal: Money, tax: Money,
        credited: Money, refunded: Money
    ) throws(MoneyFault) {
        self.init(
            number: number, invoice: invoice, date: date, issuedAt: issuedAt, shares: shares, subtotal: subtotal,
            tax: tax, total: try subtotal + tax, credited: credited, refunded: refunded)
    }
}
