import Chance
import Dates
import JobKit
import Postgres
import QueueStore
import TestSupport
import Testing

/// Jobs of one key run one at a time and in order, whatever becomes of the one that is first.
@Suite(.serialized, .database(migrations: QueueMigrations.all), .timeLimit(.minutes(15)))
struct SerialKeyTests {
    @Test func `many workers run the jobs of one key one at a time and in order`() async throws {
        try await QueueFixture.with { queue in
            try await queue.enqueue(1...40, serialKey: "k")
            let log = Shared<(running: Int, most: Int, done: [Int])>((0, 0, []))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        let worker = try await queue.worker()
                        while log.value.done.count < 40 {
                            for job in try await queue.claimAny(5, as: worker) {
                                log.change { log in
                                    log.running += 1
                                    log.most = max(log.most, log.running)
                                }
                                let name = try job.name
                                log.change { log in
                                    log.running -= 1
                                    log.done.append(name)
                                }
                                try await queue.complete(job)
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            let (_, most, done) = log.value
            #expect(most == 1)
            #expect(done == Array(1...40))
        }
    }

    @Test func `a head that is retried, snoozed or given back keeps the later ones back`() async throws {
        try await QueueFixture.with { queue in
            let worker = try await queue.worker()
            try await queue.enqueue(1...2, serialKey: "k")
            let due = queue.start + .seconds(60)
            let endings: [AttemptEnding] = [.retried(due: due, error: "no"), .snoozed(due: due), .released]
            for ending in endings {
                let job = try await queue.claimAny(as: worker, now: due)[0]
                #expect(try job.name == 1)
                try await queue.store.end(job, as: ending, now: queue.start)
                if case .released = ending { continue }
                #expect(try await queue.claimAny(as: worker).isEmpty)
            }
            try await queue.complete(try await queue.claimAny(as: worker)[0])
            #expect(try await queue.claimAny(as: worker).map { try $0.name } == [2])
        }
    }

    enum End: CaseIterable, Sendable { case completed, discarded, cancelled }

    @Test(arguments: End.allCases)
    func `a head that has ended lets the next one go`(_ end: End) async throws {
        try await QueueFixture.with { queue in
            let worker = try await queue.worker()
            try await queue.enqueue(1...3, serialKey: "k")
            let job = try await queue.claimAny(as: worker)[0]
            switch end {
            case .completed: try await queue.complete(job)
            case .discarded: try await queue.store.end(job, as: .discarded(error: "never"), now: queue.start)
            case .cancelled:
                _ = try await queue.pool.query(
                    "INSERT INTO queue.cancellations VALUES (\(job.id.number), \(queue.start), 'ops', 'a test')")
                try await queue.store.end(job, as: .retried(due: queue.start, error: "no"), now: queue.start)
            }
            #expect(try await queue.state(of: job.id) == "\(end)")
            #expect(try await queue.claimAny(as: worker).map { try $0.name } == [2])
        }
    }

    @Test func `a head that was rescued runs again before the others, one that is held keeps them back`() async throws {
        try await QueueFixture.with { queue in
            try await queue.enqueue(1...2, serialKey: "k")
            for round in 1...3 {
                let worker = try await queue.worker()
                let jobs = try await queue.claimAny(as: worker)
                #expect(try jobs.map { try $0.name } == [1])
                try await queue.lose(worker)
                #expect(try await queue.rescue(budget: 3).held.isEmpty == (round < 3))
            }
            let worker = try await queue.worker()
            #expect(try await queue.claimAny(as: worker).isEmpty)
            let held = try await queue.pool.query("SELECT id FROM queue.waiting WHERE state = 'held'").only(Int64.self)
            _ = try await QueueOperations(pool: queue.pool).act(
                .init(.release, by: "ops", because: "fixed"), on: held, now: queue.start)
            #expect(try await queue.finishAll(as: worker) == [1, 2])
        }
    }

    @Test func `a late worker's batch does not let go of the key that its job still has`() async throws {
        try await QueueFixture.with { queue in
            try await queue.enqueue(1...2, serialKey: "k")
            let late = try await queue.worker()
            let stale = try await queue.claimAny(as: late)
            try await queue.lose(late)
            _ = try await queue.rescue()
            let worker = try await queue.worker()
            let again = try await queue.claimAny(as: worker)
            #expect(try again.map { try $0.name } == [1])
            #expect(try await queue.store.complete(stale, now: queue.start).isEmpty)
            #expect(try await queue.claimAny(as: worker).isEmpty)
            try await queue.complete(again[0])
            #expect(try await queue.claimAny(as: worker).map { try $0.name } == [2])
        }
    }

    @Test func `a claim finds the one key that is free, wherever the last one stopped`() async throws {
        try await QueueFixture.with { queue in
            let worker = try await queue.worker()
            try await queue.enqueue(1...3, serialKey: "k")
            for name in 1...3 {
                let jobs = try await queue.claim(as: worker, kinds: everyKind)
                #expect(try jobs.map { try $0.name } == [name])
                for job in jobs { try await queue.complete(job) }
            }
        }
    }

    @Test func `jobs of a busy key that come due together do not hide the one behind them`() async throws {
        try await QueueFixture.with { queue in
            let worker = try await queue.worker()
            try await queue.enqueue([1], serialKey: "k")
            _ = try await queue.claimAny(as: worker)
            let due = queue.start + .seconds(60)
            try await queue.enqueue((2...30).map { try NewJob(Parcel(number: $0, serialKey: "k"), dueAt: due) })
            try await queue.enqueue([NewJob(Parcel(number: 99), dueAt: due + .seconds(1))])
            let jobs = try await queue.claim(5, as: worker, kinds: everyKind, now: due + .seconds(2))
            #expect(try jobs.map { try $0.name } == [99])
        }
    }

    @Test func `many keys have their turns, each in its order`() async throws {
        try await QueueFixture.with { queue in
            let worker = try await queue.worker()
            for key in 0..<30 { try await queue.enqueue((key * 10 + 1)...(key * 10 + 3), serialKey: "k\(key)") }
            let names = try await queue.finishAll(7, as: worker)
            #expect(names.count == 90)
            for key in 0..<30 { #expect(names.filter { $0 / 10 == key }.map { $0 % 10 } == [1, 2, 3]) }
            // Nobody's second before everybody's first: a key that was served goes behind the others.
            #expect(Set(names.prefix(30).map { $0 / 10 }).count == 30)
        }
    }

    @Test(arguments: SeededGenerator.seeds)
    func `no key is stuck, whoever enqueues and finishes at the same time`(seed: UInt64) async throws {
        try await QueueFixture.with { queue in
            let done = Shared<[Int: [Int]]>([:])
            let left = Shared(3)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<3 {
                    group.addTask {
                        defer { left.change { $0 -= 1 } }
                        var chance = SeededGenerator(seed: seed &* 100 &+ UInt64(writer))
                        for number in 0..<40 {
                            let key = Int.random(in: 0..<4, using: &chance)
                            try await queue.enqueue([(writer * 4 + key) * 100 + number], serialKey: "k\(key)")
                        }
                    }
                }
                for finisher in 0..<3 {
                    group.addTask {
                        var chance = SeededGenerator(seed: seed &* 100 &+ 50 &+ UInt64(finisher))
                        let worker = try await queue.worker()
                        while true {
                            let isLast = left.value == 0
                            let jobs = try await queue.claimAny(3, as: worker)
                            for job in jobs { try await Self.end(job, queue, done, &chance) }
                            if isLast && jobs.isEmpty { return }
                        }
                    }
                }
                try await group.waitForAll()
            }
            for name in try await queue.finishAll(as: queue.worker()) {
                done.change { $0[name / 100, default: []].append(name % 100) }
            }
            #expect(try await queue.counted("SELECT count(*) FROM queue.heads") == 0)
            #expect(try await queue.counted("SELECT count(*) FROM queue.all_jobs WHERE ended_at IS NULL") == 0)
            let all = done.value
            #expect(all.values.map(\.count).reduce(0, +) == 120)
            // A writer enqueued the jobs of a key in order, each in a transaction of its own.
            for order in all.values { #expect(order == order.sorted()) }
        }
    }

    /// Ends a job, now and then by giving it back first.
    private static func end(
        _ job: ClaimedJob, _ queue: QueueFixture, _ done: Shared<[Int: [Int]]>, _ chance: inout SeededGenerator
    ) async throws {
        switch Int.random(in: 0..<4, using: &chance) {
        case 0: try await queue.store.end(job, as: .retried(due: queue.start, error: "no"), now: queue.start)
        case 1: try await queue.store.end(job, as: .released, now: queue.start)
        default:
            let name = try job.name
            done.change { $0[name / 100, default: []].append(name % 100) }
            try await queue.complete(job)
        }
    }
}
