import Dates
import Foundation
import JobKit
import Postgres
import QueueStore
import Synchronization
import Testing

/// A job with everything a claim may have to mind.
struct Parcel: JobArguments {
    static let kind: JobKind = "parcel"
    var number: Int
    var tenant: Int64?
    var serialKey: String?
}

/// Another kind of the same queue.
struct Letter: JobArguments {
    static let kind: JobKind = "letter"
    var number: Int
}

/// Not to be repeated for an hour, also when it has ended.
struct Bulletin: JobArguments {
    static let kind: JobKind = "bulletin"
    var key: String
    var uniqueKey: String? { key }
    var uniqueWindow: Duration? { .seconds(3600) }
}

let everyKind: [JobKind: Int] = [Count.kind: 1, Parcel.kind: 1, Letter.kind: 1, Bulletin.kind: 1]

extension ClaimedJob {
    private struct Numbered: Decodable { let number: Int }

    /// Which of a test's jobs it is.
    var name: Int {
        get throws { try JSONDecoder().decode(Numbered.self, from: Data(arguments)).number }
    }
}

extension QueueFixture {
    func enqueue<Numbers: Sequence>(_ numbers: Numbers, serialKey: String? = nil, tenant: Int64? = nil) async throws
    where Numbers.Element == Int {
        try await enqueue(numbers.map { try NewJob(Parcel(number: $0, tenant: tenant, serialKey: serialKey)) })
    }

    /// Claims and completes until nothing is left; the jobs in the order in which they came.
    func finishAll(_ limit: Int = 50, as worker: WorkerID) async throws -> [Int] {
        var names: [Int] = []
        while true {
            let jobs = try await claimAny(limit, as: worker)
            if jobs.isEmpty { return names }
            names += try jobs.map { try $0.name }
            #expect(try await store.complete(jobs, now: start).count == jobs.count)
        }
    }

    /// Claims of every kind. Looks twice: the first look may be the end of a round through the serial keys.
    func claimAny(_ limit: Int = 10, as worker: WorkerID, now: Instant? = nil) async throws -> [ClaimedJob] {
        let jobs = try await claim(limit, as: worker, kinds: everyKind, now: now)
        return jobs.isEmpty ? try await claim(limit, as: worker, kinds: everyKind, now: now) : jobs
    }

    func complete(_ job: ClaimedJob) async throws { try await store.session(for: job, now: start).complete { _ in } }

    /// Two claims of a store that has not looked at the queue yet: the second looks beyond the lanes that are known.
    func claimAnew(as worker: WorkerID) async throws -> [ClaimedJob] {
        let store = PostgresJobStore(pool: pool, control: pool, listener: pool.configuration) { $0 }
        let request = ClaimRequest(worker: worker, queue: .standard, kinds: everyKind, limit: 10)
        return try await store.claim(request, now: start) + store.claim(request, now: start)
    }
}

/// A value that the tasks of one test write to.
final class Shared<Value: Sendable>: Sendable {
    private let state: Mutex<Value>

    init(_ value: Value) { state = Mutex(value) }

    var value: Value { state.withLock { $0 } }
    func change(_ body: (inout Value) -> Void) { state.withLock { body(&$0) } }
}
