public import Dates
public import Money

/// One movement of money over a gateway: a try at collecting an invoice, or what was paid back of it.
public struct PaymentAttempt: Hashable, Sendable {
    public enum Outcome: String, CaseIterable, Hashable, Sendable {
        case success
        case insufficientFunds = "insufficient_funds"
        case cardDeclined = "card_declined"
        case expiredCard = "expired_card"
        case lostCard = "lost_card"
        case requiresAction = "requires_action"
        case processing
        /// No answer, or no way through: the gateway is asked before anything else is tried.
        case unknown
        case refunded
        /// Never sent, and not wanted any more: what it was for has been settled otherwise, or is another amount now.
        case withdrawn

        /// Whether the money may be moving, or have moved unseen.
        public var isPending: Bool { self == .processing || self == .unknown }
    }

    /// Whether the money certainly did not move.
    public var isDeclined: Bool {
        switch outcome {
        case .insufficientFunds, .cardDeclined, .expiredCard, .lostCard, .requiresAction: true
        case .success, .processing, .unknown, .refunded, .withdrawn, nil: false
        }
    }

    public let invoice: Int
    /// Counted from 1 for each invoice; 0 for what is paid back.
    public let number: Int
    public let at: Instant
    /// Negative for what is paid back.
    public let amount: Money
    public let method: PaymentArrangement.Method?
    /// When the gateway was called last; `nil` while it certainly has not been.
    public internal(set) var sentAt: Instant?
    /// `nil` while the gateway has not answered.
    public internal(set) var outcome: Outcome?
    /// The gateway's id of it, once it has one.
    public internal(set) var reference: String?
    /// In the gateway's words why it declined.
    public internal(set) var declineCode: String?

    public init(
        invoice: Int, number: Int, at: Instant, amount: Money, method: PaymentArrangement.Method?, outcome: Outcome?,
        sentAt: Instant? = nil, reference: String? = nil, declineCode: String? = nil
    ) {
        self.sentAt = sentAt
        self.reference = reference
        self.declineCode = declineCode
        self.invoice = invoice
        self.number = number
        self.at = at
        self.amount = amount
        self.method = method
        self.outcome = outcome
    }
}

/// Something written to the customer.
public struct Mail: Hashable, Sendable {
    /// In the order in which those of one instant go out.
    public enum Template: String, CaseIterable, Hashable, Sendable {
        case invoiceIssued = "invoice_issued"
        case paymentReceipt = "payment_receipt"
        case dunningFriendly = "dunning_friendly"
        case dunningUrgent = "dunning_urgent"
        case dunningFinal = "dunning_final"
        case paymentMethodNeeded = "payment_method_needed"
        case paymentActionRequired = "payment_action_required"
        case subscriptionSuspended = "subscription_suspended"
        case subscriptionRestored = "subscription_restored"
        case subscriptionCancelled = "subscription_cancelled"
        case trialEnding = "trial_ending"
        case trialExpired = "trial_expired"
        case renewalReminder = "renewal_reminder"
        case creditNoteIssued = "credit_note_issued"
        case refundIssued = "refund_issued"
        case usage80 = "usage_80"
        case usage90 = "usage_90"
        case usage100 = "usage_100"
        case winBack = "win_back"
    }

    public let at: Instant
    public let template: Template
    /// What it is about: an invoice's number, a subscription's code.
    public let subject: String

    public init(at: Instant, template: Template, subject: String) {
        self.at = at
        self.template = template
        self.subject = subject
    }
}
