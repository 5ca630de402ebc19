/// Where a subscription stands. Stored by its raw value.
public enum SubscriptionState: String, StateMachine, Codable {
    case scheduled, trialing, active
    case pastDue = "past_due"
    case suspended, paused, cancelled, expired

    public enum Cause: String, CaseIterable, Hashable, Sendable, Codable {
        case started
        case trialEnded = "trial_ended"
        /// The trial ended and there is nothing to pay with.
        case trialUnpaid = "trial_unpaid"
        case paymentFailed = "payment_failed"
        case paid
        case graceEnded = "grace_ended"
        case dunningEnded = "dunning_ended"
        case paused, resumed, cancelled
        case termEnded = "term_ended"
        case reactivated
    }

    public static let moves: [Move<SubscriptionState>] = [
        Move(.scheduled, .trialing, .started), Move(.scheduled, .active, .started),
        Move(.scheduled, .cancelled, .cancelled),
        Move(.trialing, .active, .trialEnded), Move(.trialing, .expired, .trialUnpaid),
        Move(.trialing, .cancelled, .cancelled),
        Move(.active, .pastDue, .paymentFailed), Move(.active, .paused, .paused),
        Move(.active, .cancelled, .cancelled), Move(.active, .expired, .termEnded),
        Move(.pastDue, .active, .paid), Move(.pastDue, .suspended, .graceEnded),
        Move(.pastDue, .cancelled, .cancelled), Move(.pastDue, .cancelled, .dunningEnded),
        Move(.pastDue, .expired, .termEnded),
        Move(.suspended, .active, .paid), Move(.suspended, .cancelled, .cancelled),
        Move(.suspended, .cancelled, .dunningEnded), Move(.suspended, .expired, .termEnded),
        Move(.paused, .active, .resumed), Move(.paused, .cancelled, .cancelled), Move(.paused, .expired, .termEnded),
        Move(.cancelled, .active, .reactivated), Move(.expired, .active, .reactivated),
    ]

    /// Whether periods that begin now are billed.
    public var isBilled: Bool { self == .active || self == .pastDue }

    /// Whether it has ended; it may still be reactivated.
    public var hasEnded: Bool { self == .cancelled || self == .expired }
}

/// Where an invoice stands. Its content is fixed from `open` on. Stored by its raw value.
public enum InvoiceState: String, StateMachine, Codable {
    case draft, open, paid, void, uncollectible

    public enum Cause: String, CaseIterable, Hashable, Sendable, Codable {
        case finalised, paid
        /// A chargeback, or a bank debit returned after it had succeeded.
        case paymentReturned = "payment_returned"
        case voided
        case writtenOff = "written_off"
    }

    public static let moves: [Move<InvoiceState>] = [
        Move(.draft, .open, .finalised), Move(.open, .paid, .paid), Move(.open, .void, .voided),
        Move(.open, .uncollectible, .writtenOff), Move(.paid, .open, .paymentReturned),
        Move(.uncollectible, .paid, .paid),
    ]
}

/// What has become of one try to collect a payment. `intended` is committed before the gateway is called, `sent` before
/// its answer is known; `unknown` is never sent again before the gateway has been asked. Stored by its raw value.
public enum PaymentState: String, StateMachine, Codable {
    case intended, sent, succeeded, declined, processing
    case requiresAction = "requires_action"
    case unknown, cancelled

    public enum Cause: String, CaseIterable, Hashable, Sendable, Codable {
        /// The request is on its way.
        case sent
        /// The gateway answered.
        case answered
        /// It told us later: by webhook, or when asked.
        case reported
        /// No answer came.
        case noAnswer = "no_answer"
        /// It certainly never took the request.
        case notProcessed = "not_processed"
        /// Withdrawn by us or given up by the customer.
        case cancelled
    }

    public static let moves: [Move<PaymentState>] = [
        Move(.intended, .sent, .sent), Move(.intended, .cancelled, .cancelled),
        Move(.sent, .succeeded, .answered), Move(.sent, .declined, .answered), Move(.sent, .processing, .answered),
        Move(.sent, .requiresAction, .answered), Move(.sent, .unknown, .noAnswer),
        Move(.sent, .intended, .notProcessed),
        // A webhook may overtake the answer, or find what a crash left as sent.
        Move(.sent, .succeeded, .reported), Move(.sent, .declined, .reported), Move(.sent, .processing, .reported),
        Move(.sent, .requiresAction, .reported),
        Move(.unknown, .succeeded, .reported), Move(.unknown, .declined, .reported),
        Move(.unknown, .processing, .reported), Move(.unknown, .requiresAction, .reported),
        Move(.unknown, .intended, .notProcessed),
        Move(.processing, .succeeded, .reported), Move(.processing, .declined, .reported),
        Move(.requiresAction, .succeeded, .reported), Move(.requiresAction, .declined, .reported),
        Move(.requiresAction, .processing, .reported), Move(.requiresAction, .cancelled, .cancelled),
    ]

    /// Whether money may be moving, or have moved unseen: no second attempt may be made.
    public var isPending: Bool {
        switch self {
        case .intended, .sent, .processing, .requiresAction, .unknown: true
        case .succeeded, .declined, .cancelled: false
        }
    }
}
