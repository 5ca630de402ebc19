import Chance
import Dates
import Foundation
import JobKit
import Postgres
import QueueStore
import TestSupport
import Testing

/// A kind that is over a limit is stopped before it repeats its fault with every job, and goes on when a person says so.
@Suite(.database(migrations: QueueMigrations.all), .timeLimit(.minutes(15)))
struct BreakerTests {
    struct Share: Sendable, CustomTestStringConvertible {
        let failed: Int
        let completed: Int
        let trips: Bool
        var testDescription: String { "\(failed) failed, \(completed) completed" }
    }

    @Test(arguments: [
        Share(failed: 3, completed: 0, trips: false), Share(failed: 4, completed: 0, trips: true),
        Share(failed: 2, completed: 2, trips: true), Share(failed: 2, completed: 3, trips: false),
        Share(failed: 0, completed: 9, trips: false), Share(failed: 5, completed: 5, trips: true),
    ])
    func `half of at least four attempts that failed stop a kind`(_ share: Share) async throws {
        try await QueueFixture.with { queue in
            try await queue.limit(Breaker(failedPercent: 50, sample: 4))
            try await queue.fail(share.failed)
            let stopped = try await queue.watch(completed: share.completed)
            let reason = "\(share.failed) of \(share.failed + share.completed) attempts failed in 00:10:00"
            #expect(stopped == (share.trips ? [StoppedKind(kind: Count.kind, reason: reason)] : []))
            try await queue.enqueue([NewJob(Count(number: 99)), NewJob(Letter(number: 1))])
            let worker = try await queue.worker()
            let kinds = try await (queue.claimAny(as: worker) + queue.claimAny(as: worker)).map(\.kind)
            #expect(Set(kinds) == (share.trips ? [Letter.kind] : [Count.kind, Letter.kind]))
            let acts = try await queue.pool.query("SELECT actor, reason FROM queue.acts").decode(
                String.self, String.self)
            #expect(acts.map { "\($0.0): \($0.1)" } == (share.trips ? ["breaker: \(reason)"] : []))
        }
    }

    @Test func `a resumed kind begins anew, and is stopped anew`() async throws {
        try await QueueFixture.with { queue in
            try await queue.limit(Breaker(failedPercent: 50, sample: 4))
            try await queue.fail(4)
            #expect(try await queue.watch().count == 1)
            // It is stopped already: nothing new.
            #expect(try await queue.watch().isEmpty)
            try await queue.resume(at: queue.start + .seconds(1))
            #expect(try await queue.watch(at: queue.start + .seconds(2)).isEmpty)
            try await queue.fail(4, at: queue.start + .seconds(3))
            #expect(try await queue.watch(at: queue.start + .seconds(4)).count == 1)
        }
    }

    @Test func `what is older than the window counts no more, and an off breaker stops nothing`() async throws {
        try await QueueFixture.with { queue in
            try await queue.limit(Breaker(window: .seconds(60), failedPercent: 50, sample: 4))
            try await queue.fail(4)
            #expect(try await queue.watch(at: queue.start + .seconds(60)).isEmpty)
            try await queue.limit(.off)
            #expect(try await queue.watch().isEmpty)
        }
    }

    @Test func `effects whose outcome is unknown stop a kind until they are known`() async throws {
        try await QueueFixture.with { queue in
            try await queue.limit(Breaker(unknownOutcomes: 2))
            let first = try await queue.announce(10, settling: .unknown)
            #expect(try await queue.watch().isEmpty)
            _ = try await queue.announce(10, settling: .unknown)
            #expect(try await queue.watch().map(\.reason) == ["2 effects of unknown outcome in 00:10:00"])
            try await queue.store.transaction(tenant: .all, now: queue.start) { work in
                try await work.settle(first, as: .confirmed, result: Array("{}".utf8))
            }
            _ = try await queue.pool.query("DELETE FROM queue.pauses")
            #expect(try await queue.watch().isEmpty)
        }
    }

    @Test func `an effect that would go over the amount is not announced, and its kind is stopped`() async throws {
        try await QueueFixture.with { queue in
            try await queue.limit(Breaker(amounts: ["USD": 1000]))
            _ = try await queue.announce(600)
            // What was refused has moved nothing.
            _ = try await queue.announce(400, settling: .refused)
            _ = try await queue.announce(5000, "JPY")
            let over = EffectOverLimit(kind: Count.kind, amount: EffectAmount(minorUnits: 401, currency: "USD"))
            await #expect(throws: over) { _ = try await queue.announce(401) }
            #expect(try await queue.counted("SELECT count(*) FROM queue.effects") == 3)
            #expect(
                try await queue.pool.query("SELECT paused_by, reason FROM queue.pauses").only(String.self, String.self)
                    == ("breaker", "\(over)"))
            // What was announced before the limit was reached is still found.
            _ = try await queue.announce(600, repeating: true)
            try await queue.resume(at: queue.start + .seconds(1))
            _ = try await queue.announce(401, at: queue.start + .seconds(2))
        }
    }

    @Test func `of effects announced in one go as many are as the amount allows, in their order`() async throws {
        try await QueueFixture.with { queue in
            try await queue.limit(Breaker(amounts: ["USD": 1000]))
            let job = try await queue.jobs(1)[0]
            func announce(_ amounts: [(String, Int64, String)]) async throws -> [EffectStanding?] {
                try await queue.store.session(for: job, now: queue.start).transaction { work in
                    try await work.announce(
                        amounts.map { name, amount, currency in
                            EffectRequest(
                                scope: name, name: "charge", fingerprint: "\(amount)",
                                amount: EffectAmount(minorUnits: amount, currency: currency))
                        })
                }
            }
            let some = try await announce([
                ("a", 600, "USD"), ("b", 500, "USD"), ("c", 400, "USD"), ("d", 900, "JPY"),
            ])
            #expect(some.map { $0 == nil } == [false, true, false, false])
            #expect(try await queue.counted("SELECT count(*) FROM queue.effects") == 3)
            // What is there is found, over the limit or not.
            let again = try await announce([("a", 600, "USD"), ("e", 1, "JPY")])
            guard case .unresolved? = again[0], case .new? = again[1] else {
                Issue.record("\(again)")
                return
            }
            await #expect(throws: EffectOverLimit.self) {
                _ = try await announce([("b", 500, "USD"), ("f", 1, "USD")])
            }
            #expect(try await queue.counted("SELECT count(*) FROM queue.pauses") == 1)
            #expect(try await queue.counted("SELECT count(*) FROM queue.effects") == 4)
        }
    }

    @Test func `the amount is that of the window, looked at or not`() async throws {
        try await QueueFixture.with { queue in
            try await queue.limit(Breaker(window: .seconds(60), amounts: ["USD": 1000]))
            for second in [0, 20, 40] {
                _ = try await queue.announce(300, at: queue.start + .seconds(second))
                _ = try await queue.watch(at: queue.start + .seconds(second))
            }
            await #expect(throws: EffectOverLimit.self) {
                _ = try await queue.announce(300, at: queue.start + .seconds(59))
            }
            // A minute after the first.
            _ = try await queue.watch(at: queue.start + .seconds(61))
            _ = try await queue.announce(300, at: queue.start + .seconds(61))
        }
    }

    @Test(arguments: SeededGenerator.seeds)
    func `workers go over the amount by no more than what the others announce at that moment`(_ seed: UInt64)
        async throws
    {
        try await QueueFixture.with { queue in
            try await queue.limit(Breaker(amounts: ["USD": 10_000]))
            let jobs = try await queue.jobs(4)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (number, job) in jobs.enumerated() {
                    group.addTask {
                        var chance = SeededGenerator(seed: seed &* 100 &+ UInt64(number))
                        for attempt in 1...200 {
                            let amount = Int64.random(in: 1...500, using: &chance)
                            do {
                                try await queue.announce(amount, of: job, as: "\(number)/\(attempt)")
                            } catch is EffectOverLimit { return }
                            if attempt % 7 == number { _ = try await queue.watch() }
                        }
                        Issue.record("nothing stopped worker \(number)")
                    }
                }
                try await group.waitForAll()
            }
            let moved = try await queue.counted("SELECT sum(amount)::bigint FROM queue.effects")
            #expect(moved > 9500 && moved <= 10_000 + 3 * 500)
            #expect(try await queue.counted("SELECT count(*) FROM queue.pauses WHERE paused_by = 'breaker'") == 1)
        }
    }
}

extension QueueFixture {
    fileprivate func limit(_ breaker: Breaker) async throws {
        try await store.limit(
            [KindLimits(kind: Count.kind, gateway: nil, callsPerAttempt: 1, breaker: breaker)], [:])
    }

    fileprivate func watch(completed: Int = 0, at now: Instant? = nil) async throws -> [StoppedKind] {
        try await store.watch([Count.kind: completed], every: .zero, now: now ?? start)
    }

    fileprivate func resume(at now: Instant) async throws {
        #expect(
            try await QueuePauses(pool: pool).resume(.kind(Count.kind.name), by: "ops", because: "mended", now: now))
    }

    fileprivate func jobs(_ count: Int) async throws -> [ClaimedJob] {
        try await enqueue((0..<count).map { try NewJob(Count(number: $0)) })
        let jobs = try await claim(count, as: worker())
        try #require(jobs.count == count)
        return jobs
    }

    fileprivate func fail(_ count: Int, at now: Instant? = nil) async throws {
        guard count > 0 else { return }
        for job in try await jobs(count) {
            try await store.end(job, as: .discarded(error: "no"), now: now ?? start)
        }
    }

    /// By the one job of the test, as another effect each time, unless it is to be the first again.
    fileprivate func announce(
        _ amount: Int64, _ currency: String = "USD", settling state: EffectState? = nil, at now: Instant? = nil,
        repeating: Bool = false
    ) async throws -> Effect {
        let number = try await counted("SELECT count(*) FROM queue.effects")
        let claimed = try await pool.query("SELECT id FROM queue.jobs WHERE kind = 'count'").first(Int64.self)
        let job = try await claimed == nil ? jobs(1)[0] : held(JobID(claimed ?? 0))
        let effect = try await announce(
            amount, currency, of: job, as: "\(repeating ? 0 : number)", at: now)
        if let state {
            try await store.transaction(tenant: .all, now: now ?? start) { work in
                try await work.settle(effect, as: state, result: Array("{}".utf8))
            }
        }
        return effect
    }

    @discardableResult
    fileprivate func announce(
        _ amount: Int64, _ currency: String = "USD", of job: ClaimedJob, as name: String, at now: Instant? = nil
    ) async throws -> Effect {
        try await store.session(for: job, now: now ?? start).transaction { work in
            try await work.announce(
                EffectRequest(
                    scope: "test/\(name)", name: "charge", fingerprint: "\(amount) \(currency)",
                    amount: EffectAmount(minorUnits: amount, currency: currency))
            ).effect
        }
    }

    /// The lease that `id` is under.
    private func held(_ id: JobID) async throws -> ClaimedJob {
        let (position, token, worker) = try await pool.query(
            """
            SELECT j.position, l.token, l.worker FROM queue.jobs AS j
              JOIN queue.leases AS l ON l.lane = j.lane AND l.positions @> ARRAY[j.position] WHERE j.id = \(id.number)
            """
        ).only(Int64.self, Int64.self, UUID.self)
        return ClaimedJob(
            lease: Lease(job: id, number: token, position: position, worker: WorkerID(worker)), lineage: id,
            kind: Count.kind, version: 1, queue: .standard, tenant: nil, serialKey: nil, trace: nil,
            run: nil, attempt: 1, rescues: 0, arguments: [], enqueuedAt: start, dueAt: start)
    }
}
