internal import Billing
public import Dates
internal import Ledger
internal import Money

extension PaymentAttempt.Outcome {
    /// What a decline means for what follows; `code` in the gateway's words.
    public init(declined code: String, advice: String?) {
        let decline = Decline(code: code, advice: advice)
        // Whatever the code's name, advice against another try is heard.
        if let named = PaymentAttempt.Outcome(rawValue: code), named.isDecline, decline != .hard || !named.isSoft {
            self = named
            return
        }
        switch decline {
        case .hard: self = .lostCard
        case .needsAction: self = .requiresAction
        case .soft, .configuration: self = .cardDeclined
        }
    }

    /// Whether the money certainly did not move, so far.
    public var isDecline: Bool {
        switch self {
        case .insufficientFunds, .cardDeclined, .expiredCard, .lostCard, .requiresAction: true
        case .success, .processing, .unknown, .refunded, .withdrawn: false
        }
    }

    private var isSoft: Bool { self == .insufficientFunds || self == .cardDeclined }

    /// Whether what the gateway says now takes an attempt further. Nothing ever goes back: what succeeded stays so, and a
    /// decline is only followed by the charge that the customer then confirmed.
    public func follows(_ earlier: PaymentAttempt.Outcome?) -> Bool {
        switch earlier {
        case nil, .unknown: self != .unknown && self != .refunded && self != .withdrawn
        // While a customer is asked in person the gateway tells that too; whoever asked decides when that is over.
        case .processing: self == .success || (isDecline && self != .requiresAction)
        case .insufficientFunds, .cardDeclined, .expiredCard, .lostCard, .requiresAction, .withdrawn:
            self == .success || (self == .processing && earlier != .withdrawn)
        case .success, .refunded: false
        }
    }
}

extension Account {
    /// What was to be paid back has come back, days later perhaps: it is the customer's credit, which settles what is
    /// open. The credit note stands. False: that was booked before.
    public mutating func failRefund(attempt place: Int, code: String, at instant: Instant) throws -> Bool {
        let attempt = attempts[place]
        guard attempt.outcome == .refunded, attempt.declineCode == nil else { return false }
        attempts[place].declineCode = code
        let number = invoices[attempt.invoice].number
        try grantCredit(try attempt.amount.negated(), from: .cash, .creditGranted, number, at: instant)
        return true
    }
}
