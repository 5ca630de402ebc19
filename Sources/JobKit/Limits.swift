/// What stops a kind by itself until a person resumes it: a fault that would be repeated with every job must not be.
///
/// A limit that is nil, or a currency that is not named, is none. Attempts and effects count for `window`, and no longer
/// than since the kind was last resumed.
public struct Breaker: Sendable, Hashable {
    public let window: Duration
    /// 1 to 100, of at least `sample` attempts that failed or completed.
    public let failedPercent: Int?
    public let sample: Int
    /// Effects whose outcome is unknown at the time of the look.
    public let unknownOutcomes: Int?
    /// Minor units by ISO 4217 code, of effects that were not refused. Held when an effect is announced: one that would go
    /// over is not, and nothing is sent. Only what is being announced in transactions that have not committed is not seen.
    public let amounts: [String: Int64]

    public init(
        window: Duration = .seconds(600), failedPercent: Int? = nil, sample: Int = 20, unknownOutcomes: Int? = nil,
        amounts: [String: Int64] = [:]
    ) {
        precondition(window >= .seconds(1) && sample >= 1 && amounts.values.allSatisfy { $0 >= 0 })
        precondition((1...100).contains(failedPercent ?? 1) && (unknownOutcomes ?? 1) >= 1)
        self.window = window
        self.failedPercent = failedPercent
        self.sample = sample
        self.unknownOutcomes = unknownOutcomes
        self.amounts = amounts
    }

    /// Stops nothing.
    public static let off = Breaker()
}

/// How often a gateway may be called by all workers together. In any time `t` at most `t / per × calls + burst` calls.
public struct CallRate: Sendable, Hashable {
    public let calls: Int
    public let per: Duration
    /// Calls that a gateway which was idle has saved up.
    public let burst: Int

    public init(calls: Int, per: Duration, burst: Int) {
        precondition(calls >= 1 && burst >= 1 && per >= .microseconds(calls))
        self.calls = calls
        self.per = per
        self.burst = burst
    }

    /// Microseconds a call, rounded up: the rate is never more than was said.
    public var microsecondsPerCall: Int64 {
        let (seconds, attoseconds) = per.components
        let whole = seconds * 1_000_000 + attoseconds / 1_000_000_000_000
        return (whole + Int64(calls) - 1) / Int64(calls)
    }
}

/// What one kind is limited to, as a worker says it at its start to all of them.
public struct KindLimits: Sendable, Hashable {
    public let kind: JobKind
    /// Whose calls its attempts take; nil: nobody's.
    public let gateway: String?
    public let callsPerAttempt: Int
    public let breaker: Breaker

    public init(kind: JobKind, gateway: String?, callsPerAttempt: Int, breaker: Breaker) {
        self.kind = kind
        self.gateway = gateway
        self.callsPerAttempt = callsPerAttempt
        self.breaker = breaker
    }
}

/// A kind that a breaker has just stopped.
public struct StoppedKind: Sendable, Hashable {
    public let kind: JobKind
    public let reason: String

    public init(kind: JobKind, reason: String) {
        self.kind = kind
        self.reason = reason
    }
}

/// The effect would take its kind over its breaker's amount. It was not announced, the kind is stopped, and the attempt
/// does not count: let it end the attempt.
public struct EffectOverLimit: Error, Hashable, CustomStringConvertible {
    public let kind: JobKind
    public let amount: EffectAmount

    public init(kind: JobKind, amount: EffectAmount) {
        self.kind = kind
        self.amount = amount
    }

    public var description: String {
        "\(amount.minorUnits) minor units of \(amount.currency) more would take \(kind) over the amount its breaker allows"
    }
}
