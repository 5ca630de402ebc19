internal import Chance

/// How hard a run tries, how long it may take, and which protection it takes away first.
public struct ChaosSettings: Sendable {
    /// One protection, removed from the scratch database or the run's own workers: then the run must fail.
    public enum Protection: String, CaseIterable, Sendable {
        /// Completions of leases that are gone are let through.
        case fence
        /// Calls are made without having been written down.
        case intent
        /// The same effect may be announced twice.
        case unique
        /// Claims wait for locked rows.
        case skipLocked = "skip_locked"
    }

    /// How many of each fault.
    public struct Faults: Sendable {
        /// Workers killed with no warning.
        public var kills: Int
        /// Workers that stand still past their expiry and go on.
        public var pauses: Int
        /// `immediate` stops of the server.
        public var restarts: Int
        /// Times that all connections of one worker are cut.
        public var cuts: Int
        /// Times that a listener's socket goes silent without closing.
        public var silences: Int
        /// Times that somebody holds the lock of a lane while jobs for it and for another come.
        public var locks: Int
        /// Claims lost with a server that was killed before they were flushed.
        public var lostClaims: Int
    }

    /// A worker's liveness and a call's patience.
    public struct Timing: Sendable {
        public var beat: Duration
        public var surrender: Duration
        public var expiry: Duration
        public var rescue: Duration
        public var callTimeout: Duration
        public var lateness: Duration
        public var reconcileAfter: Duration
        /// How long the loop waits for jobs to end before the next fault comes anyway.
        public var gap: Duration
        public var deadline: Duration
    }

    public var jobs: Int
    public var faults: Faults
    public var timing: Timing
    public var seed: UInt64 = 1
    public var workers = 4
    public var concurrency = 8
    public var broken: Protection?
    /// Where it works, and leaves what it made for others to look at; nil: a folder that is gone afterwards.
    public var folder: String?

    /// A worker's default settings; minutes.
    public static let long = ChaosSettings(
        jobs: 100_000,
        faults: Faults(kills: 200, pauses: 10, restarts: 10, cuts: 40, silences: 3, locks: 3, lostClaims: 3),
        timing: Timing(
            beat: .seconds(5), surrender: .seconds(12), expiry: .seconds(20), rescue: .seconds(5),
            callTimeout: .seconds(2), lateness: .seconds(3), reconcileAfter: .seconds(6), gap: .seconds(10),
            deadline: .seconds(2400)))

    /// Liveness some eight times as fast, so that a lost worker is noticed within a test; the rest is the same.
    public static let short = ChaosSettings(
        jobs: 2000,
        faults: Faults(kills: 12, pauses: 2, restarts: 2, cuts: 4, silences: 1, locks: 1, lostClaims: 1),
        timing: Timing(
            beat: .milliseconds(500), surrender: .milliseconds(1500), expiry: .seconds(3), rescue: .milliseconds(500),
            callTimeout: .milliseconds(600), lateness: .seconds(1), reconcileAfter: .seconds(2), gap: .seconds(2),
            deadline: .seconds(150)))

    /// Every fault that happens while the crew works, in an order that the seed decides.
    var schedule: [Fault] {
        let counts: [(Fault, Int)] = [
            (.kill, faults.kills), (.pause, faults.pauses), (.restart, faults.restarts), (.cut, faults.cuts),
            (.silence, faults.silences), (.lock, faults.locks),
        ]
        var generator = SeededGenerator(seed: seed)
        return counts.flatMap { Array(repeating: $0.0, count: $0.1) }.shuffled(using: &generator)
    }
}

enum Fault: String, Sendable { case kill, pause, restart, cut, silence, lock }
