import Dates
import JobKit
import Postgres
import QueueStore
import TestSupport
import Testing

/// What a person does to many jobs at once.
@Suite(.database(migrations: QueueMigrations.all), .timeLimit(.minutes(15)))
struct BulkOperationsTests {
    static func filter(_ change: (inout QueueInspection.Filter) -> Void) -> QueueInspection.Filter {
        var filter = QueueInspection.Filter()
        change(&filter)
        return filter
    }

    @Test func `an act on many without a filter is refused unless all is stated`() async throws {
        try await QueueFixture.with { queue in
            try await queue.enqueue((1...3).map { try NewJob(Count(number: $0)) })
            await #expect(throws: BulkRefusal.noFilter) {
                try await queue.bulk(.cancel, on: QueueInspection.Filter())
            }
            await #expect(throws: BulkRefusal.noFilter) {
                try await QueueOperations(pool: queue.pool).preview(.cancel, on: QueueInspection.Filter(), limit: 5)
            }
            #expect(try await queue.counted("SELECT count(*) FROM queue.jobs") == 3)
            #expect(try await queue.bulk(.cancel, on: QueueInspection.Filter(), all: true).done == 3)
            #expect(try await queue.counted("SELECT count(*) FROM queue.acts WHERE job IS NOT NULL") == 3)
        }
    }

    @Test func `a limit is kept, beyond the hard cap refused, and a state the verb does not move as well`() async throws
    {
        try await QueueFixture.with { queue in
            try await queue.enqueue((1...250).map { try NewJob(Count(number: $0)) })
            let counts = Self.filter { $0.kind = Count.kind.name }
            let bulk = try await queue.bulk(.discard, on: counts, limit: 230)
            #expect(bulk.done == 230 && bulk.refused == 0 && bulk.isCapped)
            let rest = try await queue.bulk(.discard, on: counts, limit: 230)
            #expect(rest.done == 20 && !rest.isCapped)
            await #expect(throws: BulkRefusal.overCap(10_001)) {
                try await queue.bulk(.discard, on: counts, limit: 10_001)
            }
            await #expect(throws: BulkRefusal.self) {
                try await queue.bulk(.retry, on: Self.filter { $0.states = ["completed"] })
            }
        }
    }

    @Test func `a dry run tells count, states, sample and effects begun, and changes nothing`() async throws {
        try await QueueFixture.with { queue in
            try await queue.enqueue((1...15).map { try NewJob(Count(number: $0)) })
            let worker = try await queue.worker()
            let failing = try await queue.claim(3, as: worker)
            for job in failing {
                try await queue.store.session(for: job, now: queue.start).transaction { work in
                    _ = try await work.announce(
                        EffectRequest(scope: "test/1", name: "write \(job.id)", fingerprint: "1"))
                }
                try await queue.store.end(
                    job, as: .retried(due: OperationsTests.later, error: "no answer"), now: queue.start)
            }
            let operations = QueueOperations(pool: queue.pool)
            let before = try await queue.everything()
            let all = try await operations.preview(
                .cancel, on: Self.filter { $0.kind = Count.kind.name }, limit: 12)
            #expect(all.matching == 12 && all.isCapped && all.sample.count == 10)
            let failed = try await operations.preview(
                .cancel, on: Self.filter { $0.error = "no ans" }, limit: 100)
            #expect(
                failed.matching == 3 && !failed.isCapped
                    && failed.sample.map(\.state) == Array(repeating: "retryable", count: 3))
            #expect(failed.states.map(\.state) == ["retryable"] && failed.states.map(\.jobs) == [3])
            #expect(failed.effects.map(\.state) == ["intended"] && failed.effects.map(\.effects) == [3])
            #expect(try await queue.everything() == before)
        }
    }

    @Test func `each filter names its jobs, and lists page by id`() async throws {
        try await QueueFixture.with { queue in
            try await queue.enqueue([
                NewJob(Count(number: 1, key: "a")), NewJob(Mail(number: 2)),
                NewJob(Mail(number: 3, tenant: 7)), NewJob(Serial(number: 4)), NewJob(Count(number: 5)),
            ])
            let worker = try await queue.worker()
            let job = try await queue.claim(1, as: worker)[0]
            try await queue.store.end(job, as: .discarded(error: "100% wrong"), now: queue.start)
            let filters: [(QueueInspection.Filter, [Int64])] = [
                (Self.filter { $0.uniqueKey = "a" }, [1]), (Self.filter { $0.queue = "mail" }, [3, 2]),
                (Self.filter { $0.tenant = 7 }, [3]), (Self.filter { $0.serialKey = "customer" }, [4]),
                (Self.filter { $0.arguments = #"{"number": 5}"# }, [5]),
                (Self.filter { $0.error = "0%" }, [job.id.number]),
                (Self.filter { $0.states = ["discarded"] }, [job.id.number]),
                (Self.filter { ($0.kind, $0.limit) = ("count", 1) }, [5]),
                (Self.filter { ($0.limit, $0.before) = (2, 4) }, [3, 2]),
            ]
            for (filter, ids) in filters {
                #expect(try await QueueInspection(pool: queue.pool).list(filter).map(\.id) == ids, "\(filter)")
            }
        }
    }

    @Test func `dead jobs of several queues go home when retried, and one whose key is taken stops none`() async throws
    {
        try await QueueFixture.with { queue in
            let mail: QueueName = "mail"
            let work = [
                try NewJob(Count(number: 1, key: "once")), try NewJob(Count(number: 2)),
                try NewJob(Mail(number: 3)),
            ]
            try await queue.enqueue(work)
            let worker = try await queue.worker()
            let request = ClaimRequest(worker: worker, queue: mail, kinds: [Mail.kind: 1], limit: 10)
            let dead = try await queue.claim(as: worker) + queue.store.claim(request, now: queue.start)
            for job in dead { try await queue.store.end(job, as: .discarded(error: "no"), now: queue.start) }
            try await queue.enqueue([work[0]])
            let bulk = try await queue.bulk(.retry, on: Self.filter { $0.states = ["discarded"] })
            #expect(bulk.done == 2 && bulk.refused == 1)
            #expect(bulk.refusals.first?.refusal?.contains("has its unique key now") == true)
            #expect(try await queue.store.claim(request, now: queue.start).map(\.id.number) == [3])
            #expect(Set(try await queue.claim(as: worker).map(\.id.number)) == [2, 4])
        }
    }

    @Test func `while workers claim and finish, an act on many touches only what nobody runs`() async throws {
        try await QueueFixture.with { queue in
            let priorities = [JobPriority.urgent, .normal]
            try await queue.enqueue(
                (1...300).map { try NewJob(Count(number: $0), priority: priorities[$0 % 2]) })
            let (bulk, ran) = try await withThrowingTaskGroup(of: [Int64].self) { group in
                for _ in 0..<3 {
                    group.addTask {
                        let worker = try await queue.worker()
                        var mine: [Int64] = []
                        while case let jobs = try await queue.claim(5, as: worker), !jobs.isEmpty {
                            mine += try await queue.store.complete(jobs, now: queue.start).map(\.number)
                        }
                        return mine
                    }
                }
                let bulk = try await queue.bulk(.hold, on: Self.filter { $0.states = ["available"] }, limit: 1000)
                return (bulk, try await group.reduce(into: []) { $0 += $1 })
            }
            let held = try await queue.pool.query("SELECT id FROM queue.waiting WHERE state = 'held'").decode(
                Int64.self)
            #expect(held.count == bulk.done)
            #expect((ran + held).sorted() == Array(1...300))
            #expect(try await queue.counted("SELECT count(*) FROM queue.acts") == bulk.done)
        }
    }

    @Test func `retrying many brings back neither completed nor cancelled jobs`() async throws {
        try await QueueFixture.with { queue in
            let completed = try await queue.job(in: "completed")
            let cancelled = try await queue.job(in: "cancelled")
            let bulk = try await queue.bulk(.retry, on: Self.filter { $0.kind = Count.kind.name })
            #expect(bulk.done == 0 && bulk.refused == 0)
            #expect(try await queue.state(of: completed) == "completed")
            #expect(try await queue.state(of: cancelled) == "cancelled")
        }
    }
}

/// What is not claimed, until it is.
@Suite(.database(migrations: QueueMigrations.all), .timeLimit(.minutes(15)))
struct PauseTests {
    @Test(arguments: [QueuePauses.Subject.queue("standard"), .kind("count"), .everything])
    func `what was paused before the start is not claimed, and on resuming it is at once`(
        _ subject: QueuePauses.Subject
    ) async throws {
        try await QueueFixture.with { queue in
            let subject = subject == .queue("standard") ? .queue(QueueName.standard.name) : subject
            let pauses = QueuePauses(pool: queue.pool)
            #expect(try await pauses.pause(subject, by: "ops", because: "audit", now: queue.start))
            #expect(try await !pauses.pause(subject, by: "ops", because: "audit", now: queue.start))
            #expect(try await pauses.list(limit: 10).map(\.subject) == [subject])
            let worker = try await queue.worker()
            var wakeUps = queue.store.wakeUps().makeAsyncIterator()
            #expect(await wakeUps.next() == .some(nil))  // connected
            try await queue.enqueue([NewJob(Count(number: 1))])
            #expect(await wakeUps.next() == .standard)
            #expect(try await queue.claim(as: worker).isEmpty)
            #expect(try await pauses.resume(subject, by: "ops", because: "audited", now: queue.start))
            #expect(await wakeUps.next() == .standard)
            #expect(try await queue.claim(as: worker).count == 1)
            #expect(try await !pauses.resume(subject, by: "ops", because: "audited", now: queue.start))
            #expect(
                try await queue.pool.query("SELECT act || ': ' || reason FROM queue.acts ORDER BY id").decode(
                    String.self)
                    == ["pause: audit", "resume: audited"])
        }
    }

    @Test func `a pause stops nothing else`() async throws {
        try await QueueFixture.with { queue in
            let pauses = QueuePauses(pool: queue.pool)
            for subject in [QueuePauses.Subject.queue("mail"), .kind("other")] {
                _ = try await pauses.pause(subject, by: "ops", because: "audit", now: queue.start)
            }
            try await queue.enqueue([NewJob(Count(number: 1))])
            #expect(try await queue.claim(as: queue.worker()).count == 1)
            let listed = try await pauses.queues(limit: 10)
            #expect(listed.map(\.name) == [QueueName.standard.name] && listed.map(\.kinds) == [["count"]])
        }
    }
}

extension QueueFixture {
    func bulk(
        _ verb: QueueOperations.Verb, on filter: QueueInspection.Filter, all: Bool = false, limit: Int = 100
    ) async throws -> QueueOperations.Bulk {
        try await QueueOperations(pool: pool).act(
            QueueOperations.Act(verb, by: "ops", because: "mended"), on: filter, all: all, limit: limit, now: start)
    }

    /// All that an act may write.
    func everything() async throws -> [String] {
        try await pool.query(
            """
            SELECT md5(string_agg(t::text, ';' ORDER BY t::text)) FROM (
                SELECT to_jsonb(j) AS t FROM queue.all_jobs AS j UNION ALL SELECT to_jsonb(a) FROM queue.acts AS a
                UNION ALL SELECT to_jsonb(e) FROM queue.effects AS e UNION ALL SELECT to_jsonb(k) FROM queue.unique_keys AS k
                UNION ALL SELECT to_jsonb(h) FROM queue.heads AS h
                UNION ALL SELECT to_jsonb(c) FROM queue.cancellations AS c) AS rows
            """
        ).decode(String.self)
    }
}

/// Jobs of another queue.
private struct Mail: JobArguments {
    static let kind: JobKind = "mail"
    static let queue: QueueName = "mail"
    var number: Int
    var tenant: Int64?
}
