/// How a kind is run: how often, how long, and what happens when its worker is lost.
public struct JobPolicy: Sendable {
    /// What to do with a job whose worker died or was cut off while running it.
    public enum WhenLost: Sendable {
        /// Run it again: the handler finds out from the books and the effect ledger how far it came.
        case requeue
        /// As `requeue`, and effects of an earlier attempt that are not settled are asked about first:
        /// `JobHandler.reconcile`. Costs every attempt of the kind one indexed look.
        case reconcile
        /// Leave it for a person.
        case hold
    }

    /// What to do with a job that has failed as often as it may.
    public enum WhenExhausted: Sendable {
        /// It leaves the queue, kept in history: something else will make it again.
        case discard
        /// It waits for a person: what it stands for must not be forgotten.
        case hold
    }

    /// What becomes of the others of a serial key when the job that is first cannot go on. One that a person cancels or
    /// discards always lets the next one go: that is the decision.
    public enum DeadHead: String, Sendable, CaseIterable {
        /// They wait until a person has decided. It is held and keeps the key, also where it would be discarded.
        case block
        /// They go on. It is held, also where it would be discarded; released or retried it comes before all that wait.
        case park
        /// They go on. Brought back, it comes behind all that wait by then.
        case skip
    }

    /// How often it may fail.
    public let maxAttempts: Int
    public let whenExhausted: WhenExhausted
    /// After this long the attempt is cancelled and counts as failed.
    public let timeout: Duration
    public let backoff: Backoff
    public let whenLost: WhenLost
    /// When a job with a serial key is held for a person.
    public let headHeld: DeadHead
    /// When a job with a serial key would be discarded.
    public let headDiscarded: DeadHead
    /// What stops the kind; settings may say otherwise.
    public let breaker: Breaker
    /// Whose calls an attempt takes, and how many at most; nil: nobody's.
    public let gateway: String?
    public let callsPerAttempt: Int

    public init(
        maxAttempts: Int = 10, timeout: Duration = .seconds(60), backoff: Backoff = Backoff(),
        whenLost: WhenLost = .requeue, whenExhausted: WhenExhausted = .discard, headHeld: DeadHead = .block,
        headDiscarded: DeadHead = .skip, breaker: Breaker = .off, gateway: String? = nil, callsPerAttempt: Int = 1
    ) {
        precondition(maxAttempts >= 1 && timeout > .zero && callsPerAttempt >= 1)
        self.maxAttempts = maxAttempts
        self.timeout = timeout
        self.backoff = backoff
        self.whenLost = whenLost
        self.whenExhausted = whenExhausted
        self.breaker = breaker
        self.gateway = gateway
        self.callsPerAttempt = callsPerAttempt
        self.headHeld = headHeld
        self.headDiscarded = headDiscarded
    }
}

/// How long to wait after a failed attempt: doubling from `first` up to `longest`, less a share between none and half.
///
/// The share depends on job and attempt alone: no two jobs wait alike, and a simulation repeats to the byte.
public struct Backoff: Sendable {
    public let first: Duration
    public let longest: Duration

    public init(first: Duration = .seconds(1), longest: Duration = .seconds(3600)) {
        precondition(first > .zero && longest >= first)
        self.first = first
        self.longest = longest
    }

    /// The wait after attempt `attempt` (1 is the first) of `job` has failed.
    public func delay(after attempt: Int, of job: JobID) -> Duration {
        let doublings = min(max(attempt - 1, 0), 30)
        let full = min(first * (1 << doublings), longest)
        let share = Backoff.mixed(UInt64(bitPattern: job.number) &* 31 &+ UInt64(attempt)) % 1024
        return full - full * Int(share) / 2048
    }

    /// The finaliser of SplitMix64: neighbouring inputs give unrelated outputs.
    private static func mixed(_ value: UInt64) -> UInt64 {
        var bits = value &+ 0x9E37_79B9_7F4A_7C15
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }
}
