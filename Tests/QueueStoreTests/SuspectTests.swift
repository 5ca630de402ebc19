import Dates
import JobKit
import Postgres
import QueueStore
import TestSupport
import Testing

/// A job that lost a worker may be what killed it: a worker has one such job at a time, so that it takes no other with it.
@Suite(.serialized, .database(migrations: QueueMigrations.all), .timeLimit(.minutes(15)))
struct SuspectTests {
    @Test func `a worker has one job at a time of those that lost a worker, and others beside it`() async throws {
        try await QueueFixture.with { queue in
            try await Self.lose(5, queue)
            try await queue.enqueue(6...8)
            let (one, other) = (try await queue.worker(), try await queue.worker())
            let mine = try await queue.claimAnew(as: one)
            #expect(try mine.filter { $0.rescues == 0 }.map { try $0.name } == [6, 7, 8])
            #expect(mine.allSatisfy { $0.attempt == $0.rescues + 1 })
            let suspects = mine.filter { $0.rescues == 1 }
            #expect(try suspects.map { try $0.name } == [1])
            #expect(try await queue.claimAnew(as: one).isEmpty)
            #expect(try await queue.claimAnew(as: other).map { try $0.name } == [2])
            // The next comes when the one before has ended, however it ended.
            var held = try #require(suspects.first)
            for ending in InterleavingTests.Ending.allCases {
                try await Self.end(held, ending, queue)
                let next = try await queue.claimAny(as: one)
                #expect(next.map(\.rescues) == [1])
                held = try #require(next.first)
            }
        }
    }

    private static func end(
        _ job: ClaimedJob, _ ending: InterleavingTests.Ending, _ queue: QueueFixture
    ) async throws {
        switch ending {
        case .completed: try await queue.complete(job)
        case .retried: try await queue.store.end(job, as: .retried(due: queue.start, error: "no"), now: queue.start)
        case .snoozed: try await queue.store.end(job, as: .snoozed(due: queue.start), now: queue.start)
        case .released: try await queue.store.end(job, as: .released, now: queue.start)
        }
    }

    @Test func `of two kinds, priorities and tenants a worker has one suspect too`() async throws {
        try await QueueFixture.with { queue in
            let lost = try await queue.worker()
            try await queue.enqueue([1], tenant: 1)
            try await queue.enqueue([2], tenant: 2)
            try await queue.enqueue([NewJob(Letter(number: 3)), NewJob(Letter(number: 4), priority: .urgent)])
            #expect(try await queue.claimAny(as: lost).count == 4)
            try await queue.lose(lost)
            #expect(try await queue.rescue().requeued.count == 4)
            let worker = try await queue.worker()
            let suspects = try await queue.claimAny(as: worker)
            #expect(try suspects.map { try $0.name } == [4])
            #expect(try await queue.claimAny(as: worker).isEmpty)
        }
    }

    @Test func `a worker's queues claim at the same moment, and it has one suspect all the same`() async throws {
        try await QueueFixture.with { queue in
            let lost = try await queue.worker()
            try await queue.enqueue([NewJob(Parcel(number: 1)), NewJob(Telegram(number: 2))])
            for name in [QueueName.standard, Telegram.queue] {
                #expect(try await Self.claim(name, as: lost, queue).count == 1)
            }
            try await queue.lose(lost)
            #expect(try await queue.rescue().requeued.count == 2)
            let (worker, other) = (try await queue.worker(), try await queue.worker())
            _ = try await queue.pool.query("SELECT queue.meet_lanes()")
            try await withThrowingTaskGroup(of: Void.self) { group in
                try await queue.pool.transaction { first in
                    let claimed = try await first.query(
                        """
                        SELECT id FROM queue.claim(\(worker.uuid), 1, 'standard', '{parcel}', '{1}', 10, '{}')
                        """)
                    #expect(claimed.count == 1)
                    group.addTask {
                        let suspects = try await Self.claim(Telegram.queue, as: worker, queue)
                        #expect(suspects.isEmpty)
                    }
                    try await queue.somebodyWaits()
                }
                try await group.waitForAll()
            }
            #expect(try await Self.claim(Telegram.queue, as: other, queue).count == 1)
        }
    }

    private static func claim(
        _ name: QueueName, as worker: WorkerID, _ queue: QueueFixture
    ) async throws -> [ClaimedJob] {
        let request = ClaimRequest(
            worker: worker, queue: name, kinds: [Parcel.kind: 1, Telegram.kind: 1], limit: 10)
        return try await queue.store.claim(request, now: queue.start)
    }

    private static func lose(_ count: Int, _ queue: QueueFixture) async throws {
        let lost = try await queue.worker()
        try await queue.enqueue(1...count)
        #expect(try await queue.claimAny(as: lost).count == count)
        try await queue.lose(lost)
        #expect(try await queue.rescue().requeued.count == count)
    }
}

/// A kind of another queue.
private struct Telegram: JobArguments {
    static let kind: JobKind = "telegram"
    static let queue: QueueName = "wire"
    var number: Int
}
