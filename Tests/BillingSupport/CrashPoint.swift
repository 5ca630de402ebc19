internal import BillingPorts
internal import JobKit
internal import Synchronization

/// The end of a process, as `kill -9` brings it: from the chosen call on nothing more is done or written down.
///
/// Every call across an interface passes here and is counted, on its way in or out. The call that is struck throws
/// `Crash`; what cannot throw finds itself down, and whatever the handler still tries throws.
public final class CrashPoint: Sendable {
    /// What a handler sees of its own death. No handler may survive it.
    public struct Crash: Error {}

    private struct State {
        var passed = 0
        var strikes: [Int]
        var strikesFirst: String?
        var isDown = false
        var struckAt: [String] = []
    }

    private let state: Mutex<State>

    /// Strikes at the `call`-th call, counted from 1, and again, `times` in all, as many calls after each recovery.
    public init(at call: Int, times: Int = 1) {
        state = Mutex(State(strikes: (1...times).map { call * $0 }))
    }

    /// Strikes at the first call of that name.
    public init(atFirst name: String) { state = Mutex(State(strikes: [], strikesFirst: name)) }

    private init() { state = Mutex(State(strikes: [])) }

    /// Counts, and never strikes.
    public static var never: CrashPoint { CrashPoint() }

    public var isDown: Bool { state.withLock(\.isDown) }
    public var passed: Int { state.withLock(\.passed) }
    /// The calls that were struck, by name; empty: none was.
    public var struckAt: [String] { state.withLock(\.struckAt) }

    /// Another process takes over.
    public func recover() { state.withLock { $0.isDown = false } }

    /// One call goes by. False: the process is dead, now or already.
    public func survives(_ call: String) -> Bool {
        state.withLock { state in
            guard !state.isDown else { return false }
            state.passed += 1
            if state.strikes.first == state.passed {
                state.strikes.removeFirst()
            } else if state.strikesFirst == call {
                state.strikesFirst = nil
            } else {
                return true
            }
            state.struckAt.append(call)
            state.isDown = true
            return false
        }
    }

    func pass(_ call: String) throws(Crash) {
        guard survives(call) else { throw Crash() }
    }
}

/// A session whose process may die before a transaction, after each call in it, before its commit and after it.
struct CrashingSession: JobSession {
    let session: any JobSession<any BillingWork>
    let crash: CrashPoint

    func transaction<Value: Sendable>(
        _ body: (any BillingWork) async throws -> Value
    ) async throws -> Value {
        try crash.pass("before a transaction")
        let value = try await session.transaction { work in
            let value = try await body(CrashingWork(work: work, crash: crash))
            try crash.pass("before a commit")
            return value
        }
        try crash.pass("after a commit")
        return value
    }

    func unsettledEffects() async throws -> [AnnouncedEffect] {
        try crash.pass("before reading effects")
        return try await session.unsettledEffects()
    }

    func complete(_ body: (any BillingWork) async throws -> Void) async throws {
        try crash.pass("before the last transaction")
        try await session.complete { work in
            try await body(CrashingWork(work: work, crash: crash))
            try crash.pass("before the last commit")
        }
        try crash.pass("after the last commit")
    }
}
