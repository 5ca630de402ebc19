import Chance
import Dates
import JobKit
import Postgres
import QueueStore
import TestSupport
import Testing

/// All workers together call a gateway no more often than it allows, and wait without spending anything.
@Suite(.database(migrations: QueueMigrations.all), .timeLimit(.minutes(15)))
struct RateTests {
    @Test(arguments: SeededGenerator.seeds)
    func `four workers are never given more calls than the rate times the time and the burst`(_ seed: UInt64)
        async throws
    {
        try await QueueFixture.with { queue in
            var chance = SeededGenerator(seed: seed)
            let calls = Int.random(in: 1...3, using: &chance)
            let rate = CallRate(calls: 50 * calls, per: .seconds(1), burst: Int.random(in: 3...20, using: &chance))
            try await queue.limit(rate, callsPerAttempt: calls)
            // Two tenants: a claim meets two lanes of the kind.
            try await queue.enqueue(1...40, tenant: 1)
            try await queue.enqueue(41...80, tenant: 2)
            let claimed = Shared<[ClaimedJob]>([])
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<4 {
                    group.addTask {
                        var chance = SeededGenerator(seed: seed &* 100 &+ UInt64(number))
                        let worker = try await queue.worker()
                        while claimed.value.count < 80 {
                            // A host whose clock is an hour wrong is given no more.
                            let now = queue.start + .seconds(Int.random(in: -3600...3600, using: &chance))
                            let jobs = try await queue.claimAny(
                                Int.random(in: 1...10, using: &chance), as: worker, now: now)
                            claimed.change { $0 += jobs }
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(Set(claimed.value.map(\.id)).count == 80 && claimed.value.count == 80)
            #expect(claimed.value.allSatisfy { $0.attempt == 1 })
            let grants = try await queue.pool.query("SELECT granted_at, calls FROM queue.grants ORDER BY granted_at")
                .decode(Instant.self, Int32.self)
            #expect(grants.reduce(0) { $0 + Int($1.1) } == 80 * calls)
            for first in grants.indices {
                var given = 0
                for last in first..<grants.count {
                    given += Int(grants[last].1)
                    let time = grants[last].0.microseconds - grants[first].0.microseconds
                    #expect(Int64(given - rate.burst) * rate.microsecondsPerCall <= time)
                }
            }
        }
    }

    @Test func `a job without a call waits where it is, other kinds run, and the claimer is told when to come back`()
        async throws
    {
        try await QueueFixture.with { queue in
            try await queue.limit(CallRate(calls: 1, per: .seconds(3600), burst: 2))
            try await queue.enqueue(1...3)
            let worker = try await queue.worker()
            let request = ClaimRequest(worker: worker, queue: .standard, kinds: everyKind, limit: 10)
            #expect(try await queue.claimAny(as: worker).map { try $0.name } == [1, 2])
            try await queue.enqueue([NewJob(Letter(number: 7))])
            #expect(try await queue.claimAny(as: worker).map(\.kind) == [Letter.kind])
            let next = try #require(try await queue.store.nextDue(request, after: queue.start))
            #expect(next > queue.start + .seconds(3000) && next <= queue.start + .seconds(3600))
            #expect(
                try await queue.counted(
                    "SELECT count(*) FROM queue.jobs WHERE attempt + snoozes = 0 AND kind = 'parcel'") == 3)
            // A kind that is paused waits for its resumption, not for calls.
            let pauses = QueuePauses(pool: queue.pool)
            _ = try await pauses.pause(.kind("parcel"), by: "ops", because: "x", now: queue.start)
            #expect(try await queue.store.nextDue(request, after: queue.start) == nil)
            _ = try await pauses.resume(.kind("parcel"), by: "ops", because: "x", now: queue.start)
            // A new rate holds at once.
            try await queue.limit(CallRate(calls: 1000, per: .seconds(1), burst: 2))
            let owner = try await PostgresConnection.connect(TestDatabase.current.configuration)
            _ = try await owner.query("DELETE FROM queue.grants")
            await owner.close()
            #expect(try await queue.claimAny(as: worker).map { try $0.name } == [3])
            #expect(try await queue.store.nextDue(request, after: queue.start) == nil)
        }
    }

    @Test func `who has a job that lost a worker is not told to come back for another, others are`() async throws {
        try await QueueFixture.with { queue in
            try await queue.limit(CallRate(calls: 1000, per: .seconds(1), burst: 10))
            try await queue.enqueue(1...2)
            let lost = try await queue.worker()
            #expect(try await queue.claimAny(as: lost).count == 2)
            try await queue.lose(lost)
            #expect(try await queue.rescue().requeued.count == 2)
            let (one, other) = (try await queue.worker(), try await queue.worker())
            #expect(try await queue.claimAny(as: one).count == 1)
            let request = ClaimRequest(worker: one, queue: .standard, kinds: everyKind, limit: 10)
            #expect(try await queue.store.nextDue(request, after: queue.start) == nil)
            let others = ClaimRequest(worker: other, queue: .standard, kinds: everyKind, limit: 10)
            #expect(try await queue.store.nextDue(others, after: queue.start) != nil)
        }
    }

    @Test func `a gateway that was called too often is called by nobody until its pause is over`() async throws {
        try await QueueFixture.with { queue in
            try await queue.limit(CallRate(calls: 1000, per: .seconds(1), burst: 10))
            try await queue.enqueue(1...2)
            let pauses = CallPauses(queue.pool)
            try await pauses.pause("bank", for: .seconds(3600))
            // A shorter one changes nothing; a gateway without a rate has none.
            try await pauses.pause("bank", for: .seconds(1))
            try await pauses.pause("post", for: .seconds(3600))
            let worker = try await queue.worker()
            #expect(try await queue.claimAny(as: worker).isEmpty)
            let request = ClaimRequest(worker: worker, queue: .standard, kinds: everyKind, limit: 10)
            let next = try #require(try await queue.store.nextDue(request, after: queue.start))
            #expect(next > queue.start + .seconds(3000) && next <= queue.start + .seconds(3601))
            #expect(try await queue.counted("SELECT count(*) FROM queue.grants") == 1)
        }
    }

    @Test func `a gateway without a rate is called without limit`() async throws {
        try await QueueFixture.with { queue in
            try await queue.limit(nil)
            try await queue.enqueue(1...50)
            #expect(try await queue.claimAny(50, as: queue.worker()).count == 50)
            #expect(try await queue.counted("SELECT count(*) FROM queue.grants") == 0)
        }
    }
}

extension QueueFixture {
    fileprivate func limit(_ rate: CallRate?, callsPerAttempt calls: Int = 1) async throws {
        try await store.limit(
            [KindLimits(kind: Parcel.kind, gateway: "bank", callsPerAttempt: calls, breaker: .off)],
            rate.map { ["bank": $0] } ?? [:])
    }
}
