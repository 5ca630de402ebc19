internal import Billing
public import BillingPorts
public import Dates
public import JobKit
public import QueueStore
internal import Synchronization

/// The books in Postgres: a transaction of the queue's is one of the books' as well, so both commit together or not at
/// all.
///
/// Whoever writes about a customer's money locks its row first. Everything after that is ordered by that lock, so two
/// transactions about one customer wait for each other; those about several lock them in the order of their ids, and
/// never deadlock.
public struct PostgresBooks: BillingWork {
    public let work: PostgresWork
    let context: BooksContext
    let own = OwnChanges()

    public init(_ work: PostgresWork, _ context: BooksContext) {
        self.work = work
        self.context = context
    }

    public var now: Instant { work.now }

    public func enqueue(_ jobs: [NewJob]) async throws { try await work.enqueue(jobs) }

    public func open(_ run: NewRun) async throws -> OpenedRun { try await work.open(run) }

    public func seal(_ run: RunID) async throws { try await work.seal(run) }

    public func announce(_ request: EffectRequest) async throws -> EffectStanding { try await work.announce(request) }

    public func announce(_ requests: [EffectRequest]) async throws -> [EffectStanding?] {
        try await work.announce(requests)
    }

    public func settle(_ effect: Effect, as state: EffectState, result: [UInt8]) async throws {
        try await work.settle(effect, as: state, result: result)
    }

    public func settle(_ settlements: [EffectSettlement]) async throws { try await work.settle(settlements) }
}

/// A row is not as it was when it was read: somebody else moved it on. Whatever was about to be committed is rolled back;
/// the job reads again and decides anew.
public struct StaleRecord: Error, Hashable, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}

/// What one transaction has done that only it may rely on.
final class OwnChanges: Sendable {
    private struct State {
        /// With the version of the seller's row by whose settings they go.
        var accounts: [CustomerKey: Int64] = [:]
        var plans: Set<Int64> = []
        var telling: Set<Seller.ID> = []
    }

    private let state = Mutex(State())

    /// These accounts were read under their locks, by that version of their seller.
    func read(_ keys: [CustomerKey], version: Int64) {
        state.withLock { state in for key in keys { state.accounts[key] = version } }
    }

    /// Each account is stored once for each time it was read: what is stored later would be compared with what it was
    /// before the first. Returns the versions of their seller. Throws `StaleRecord`.
    func storing(_ keys: [CustomerKey]) throws(StaleRecord) -> [Int64] {
        let versions = state.withLock { state in keys.map { state.accounts.removeValue(forKey: $0) } }
        if let place = versions.firstIndex(where: { $0 == nil }) {
            throw StaleRecord("account \(keys[place]) was not read in this transaction, or stored since")
        }
        return versions.compactMap(\.self)
    }

    /// A seller that is told of events, as read in this transaction.
    func note(telling seller: Seller.ID) { state.withLock { _ = $0.telling.insert(seller) } }
    func tells(_ seller: Seller.ID) -> Bool { state.withLock { $0.telling.contains(seller) } }

    /// Sold plans that are nobody else's until the commit.
    func made(plans: [Int64]) { state.withLock { $0.plans.formUnion(plans) } }
    func made(plan: Int64) -> Bool { state.withLock { $0.plans.contains(plan) } }
}
