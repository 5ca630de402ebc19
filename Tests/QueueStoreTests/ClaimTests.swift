import Dates
import JobKit
import Postgres
import QueueStore
import TestSupport
import Testing

@Suite(.database(migrations: QueueMigrations.all), .timeLimit(.minutes(15)))
struct ClaimTests {
    @Test func `exactly the limit is claimed, in priority, due time and id order`() async throws {
        try await QueueFixture.with { queue in
            let later = queue.start - .seconds(10)
            let sooner = queue.start - .seconds(20)
            try await queue.enqueue([
                NewJob(Count(number: 1), dueAt: later), NewJob(Count(number: 2), dueAt: sooner),
                NewJob(Count(number: 3), dueAt: later), NewJob(Count(number: 4), dueAt: later, priority: .urgent),
            ])
            let jobs = try await queue.claim(3, as: queue.worker())
            #expect(jobs.map(\.id.number) == [4, 2, 1])
            #expect(jobs.allSatisfy { $0.attempt == 1 && $0.rescues == 0 })
        }
    }

    @Test func `a job is claimed when business time has reached it, not before`() async throws {
        try await QueueFixture.with { queue in
            let due = queue.start + .seconds(60)
            try await queue.enqueue([NewJob(Count(number: 1), dueAt: due)])
            let worker = try await queue.worker()
            #expect(try await queue.claim(as: worker, now: due - .seconds(1)).isEmpty)
            let request = ClaimRequest(worker: worker, queue: .standard, kinds: [Count.kind: 1], limit: 1)
            #expect(try await queue.store.nextDue(request, after: queue.start) == due)
            #expect(try await queue.claim(as: worker, now: due).count == 1)
        }
    }

    @Test func `many claimers get every job once`() async throws {
        try await QueueFixture.with { queue in
            try await queue.enqueue((1...200).map { try NewJob(Count(number: $0)) })
            let claimed = try await withThrowingTaskGroup(of: [Int64].self) { group in
                for _ in 0..<6 {
                    group.addTask {
                        let worker = try await queue.worker()
                        var mine: [Int64] = []
                        while true {
                            let jobs = try await queue.claim(7, as: worker)
                            if jobs.isEmpty { return mine }
                            mine += jobs.map(\.id.number)
                        }
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            // A claimer that met only locked rows stops early; the next one takes the rest.
            let rest = try await queue.claim(200, as: queue.worker()).map(\.id.number)
            #expect((claimed + rest).sorted() == Array(1...200).map(Int64.init))
        }
    }

    @Test func `unknown kinds and newer argument versions are left alone`() async throws {
        try await QueueFixture.with { queue in
            try await queue.enqueue([NewJob(Newer(number: 1)), NewJob(Count(number: 2))])
            let worker = try await queue.worker()
            #expect(try await queue.claim(as: worker, kinds: ["other": 1]).isEmpty)
            #expect(try await queue.claim(as: worker).map(\.id.number) == [2])
            #expect(try await queue.claim(as: worker, kinds: [Count.kind: 2]).map(\.id.number) == [1])
        }
    }

    @Test func `a job is enqueued with what made it necessary, or not at all`() async throws {
        struct Stop: Error {}
        try await QueueFixture.with { queue in
            await #expect(throws: Stop.self) {
                try await queue.store.transaction(tenant: .all, now: queue.start) { work in
                    try await work.enqueue(Count(number: 1))
                    throw Stop()
                }
            }
            let stored = try await queue.counted("SELECT count(*) FROM queue.all_jobs WHERE ended_at IS NULL")
            #expect(stored == 0)
        }
    }

    @Test func `a unique key admits one live job and another when that has ended`() async throws {
        try await QueueFixture.with { queue in
            let job = try NewJob(Count(number: 1, key: "once"))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 { group.addTask { try await queue.enqueue([job]) } }
                try await group.waitForAll()
            }
            let claimed = try await queue.claim(as: queue.worker())
            #expect(claimed.count == 1)
            try await queue.store.session(for: claimed[0], now: queue.start).complete { _ in }
            try await queue.enqueue([job])
            #expect(try await queue.counted("SELECT count(*) FROM queue.all_jobs WHERE ended_at IS NULL") == 1)
        }
    }

    @Test func `workers hear of new jobs after the commit`() async throws {
        try await QueueFixture.with { queue in
            var wakeUps = queue.store.wakeUps().makeAsyncIterator()
            let connected = await wakeUps.next()
            #expect(connected == .some(nil))
            try await queue.enqueue([NewJob(Count(number: 1))])
            #expect(await wakeUps.next() == .some(.standard))
            #expect(try await queue.claim(as: queue.worker()).count == 1)
        }
    }
}
