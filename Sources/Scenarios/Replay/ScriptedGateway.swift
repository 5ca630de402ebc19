internal import Accounts
internal import Dates

/// A gateway that answers as a scenario says: the same requests get the same answers.
public struct ScriptedGateway: Hashable, Sendable {
    private var outcomes: [Outcome]

    /// Of the requests to come; the last is repeated, and without any all succeed.
    public init(_ outcomes: [Outcome]) { self.outcomes = outcomes }

    /// What comes of the next request.
    public mutating func next() -> Outcome {
        guard let first = outcomes.first else { return .success }
        if outcomes.count > 1 { outcomes.removeFirst() }
        return first
    }

    /// How long a bank takes to say whether a debit went through.
    public static let settlementDays = 4
    /// How long nobody asks about a request that was not answered.
    public static let patience = Duration.seconds(300)
}

extension Outcome {
    /// What the gateway said, where it said something.
    var answer: PaymentAttempt.Outcome? {
        switch self {
        case .success: .success
        case .insufficientFunds: .insufficientFunds
        case .cardDeclined: .cardDeclined
        case .expiredCard: .expiredCard
        case .lostCard: .lostCard
        case .requiresAction: .requiresAction
        case .unreachable, .timeoutNotCharged, .timeoutCharged: nil
        }
    }
}
