import Dates
import JobKit
import Postgres
import QueueStore
import TestSupport
import Testing

/// What a person does to one job.
@Suite(.database(migrations: QueueMigrations.all), .timeLimit(.minutes(15)))
struct OperationsTests {
    static let later = Instant(microseconds: 4_000_000_000_000_000)

    /// Each verb on a job of each state: where it goes, or nil when it is refused.
    struct Example: Sendable, CustomTestStringConvertible {
        let state: String
        let verb: QueueOperations.Verb
        let after: String?
        var testDescription: String { "\(verb.name) \(state)" }
    }

    static let verbs: [QueueOperations.Verb] = [
        .retry, .cancel, .discard, .reschedule(to: later), .hold, .release, .replay,
    ]
    /// In the order of `verbs`.
    static let table: [(state: String, after: [String?])] = [
        ("scheduled", ["available", "cancelled", "discarded", "scheduled", "held", nil, nil]),
        ("retryable", ["available", "cancelled", "discarded", "retryable", "held", nil, nil]),
        ("blocked", [nil, "cancelled", "discarded", "scheduled", "held", nil, nil]),
        ("available", [nil, "cancelled", "discarded", "scheduled", "held", nil, nil]),
        ("running", [nil, "running", nil, nil, nil, nil, nil]),
        ("held", ["available", "cancelled", "discarded", nil, nil, "available", nil]),
        ("completed", [nil, nil, nil, nil, nil, nil, "available"]),
        ("discarded", ["available", nil, nil, nil, nil, nil, "available"]),
        ("cancelled", ["available", nil, nil, nil, nil, nil, "available"]),
    ]
    static let examples = table.flatMap { row in
        zip(verbs, row.after).map { Example(state: row.state, verb: $0, after: $1) }
    }

    @Test(arguments: examples)
    func `a verb moves a job as documented, or is refused and changes nothing`(_ example: Example) async throws {
        try await QueueFixture.with { queue in
            let job = try await queue.job(in: example.state)
            let outcome = try await queue.act(example.verb, on: job)
            #expect(outcome.before == example.state)
            #expect(outcome.after == example.after)
            #expect((outcome.refusal == nil) == (example.after != nil))
            #expect(try await queue.state(of: JobID(outcome.made)) == example.after ?? example.state)
            // Every act that was done, and no other, is audited in its transaction.
            let acts = try await queue.pool.query(
                "SELECT actor, act, reason, job, before ->> 'state', after ->> 'state' FROM queue.acts ORDER BY id DESC LIMIT 1"
            ).decode(String.self, String.self, String.self, Int64.self, String.self, String.self)
            let last = acts.first.map { "\($0.0) \($0.1) \($0.2) \($0.3) \($0.4) \($0.5)" }
            let expected = example.after.map {
                "ops \(example.verb.name) mended \(job.number) \(example.state) \($0)"
            }
            if let expected { #expect(last == expected) } else { #expect(last?.contains("mended") != true) }
        }
    }

    @Test(arguments: [QueueOperations.Verb.retry, .discard, .hold, .reschedule(to: later)])
    func `retry and discard leave a running job alone`(_ verb: QueueOperations.Verb) async throws {
        try await QueueFixture.with { queue in
            try await queue.enqueue([NewJob(Count(number: 1))])
            let job = try await queue.claim(as: queue.worker())[0]
            #expect(try await queue.act(verb, on: job.id).refusal?.contains("it is running") == true)
            try await queue.store.session(for: job, now: queue.start).complete { _ in }
            #expect(try await queue.state(of: job.id) == "completed")
        }
    }

    @Test func `a discarded job that is retried runs now with one more attempt, and history forgets its end`()
        async throws
    {
        try await QueueFixture.with { queue in
            try await queue.enqueue([NewJob(Count(number: 1, key: "once"))])
            let worker = try await queue.worker()
            let job = try await queue.claim(as: worker)[0]
            try await queue.store.end(job, as: .discarded(error: "no"), now: queue.start)
            #expect(try await queue.act(.retry, on: job.id).refusal == nil)
            #expect(try await queue.counted("SELECT count(*) FROM queue.history") == 0)
            let again = try await queue.claim(as: worker)
            #expect(again.map(\.id) == [job.id] && again.map(\.attempt) == [1])
            // Its unique key is its own again.
            try await queue.enqueue([NewJob(Count(number: 2, key: "once"))])
            #expect(try await queue.claim(as: worker).isEmpty)
        }
    }

    @Test(arguments: [AttemptEnding.retried(due: later, error: "no"), .snoozed(due: later), .released])
    func `a job cancelled while it runs ends cancelled, whatever its worker returns`(_ ending: AttemptEnding)
        async throws
    {
        try await QueueFixture.with { queue in
            try await queue.enqueue([NewJob(Count(number: 1, key: "once"))])
            let job = try await queue.claim(as: queue.worker())[0]
            #expect(try await queue.act(.cancel, on: job.id).after == "running")
            #expect(try await queue.act(.cancel, on: job.id).refusal?.contains("already") == true)
            try await queue.store.end(job, as: ending, now: queue.start)
            #expect(try await queue.state(of: job.id) == "cancelled")
            #expect(try await queue.counted("SELECT count(*) FROM queue.unique_keys") == 0)
            #expect(try await queue.counted("SELECT count(*) FROM queue.cancellations") == 0)
        }
    }

    @Test func `a replay is a new job of the old one's line, with its arguments and keys`() async throws {
        try await QueueFixture.with { queue in
            let job = try await queue.job(in: "completed")
            let outcome = try await queue.act(.replay, on: job)
            #expect(outcome.made != job.number)
            #expect(try await queue.state(of: job) == "completed")
            let replay = try await queue.claim(as: queue.worker())[0]
            #expect(replay.id.number == outcome.made && replay.lineage == job && replay.attempt == 1)
            let key = try await queue.pool.query(
                "SELECT unique_key FROM queue.all_jobs WHERE id = \(replay.id.number)"
            ).only(String.self)
            #expect(key == "once")
            #expect(JobArgumentsText.of(replay).contains("\"once\""))
            let second = try await queue.act(.replay, on: job)
            #expect(second.refusal == "job \(outcome.made) has its unique key now and does its work")
        }
    }

    @Test func `a held job keeps nobody else from its work, and is not released beside them`() async throws {
        try await QueueFixture.with { queue in
            let job = try await queue.job(in: "held")
            try await queue.enqueue([NewJob(Count(number: 1, key: "once"))])
            let worker = try await queue.worker()
            let other = try await queue.claim(as: worker)
            #expect(other.count == 1)
            for verb in [QueueOperations.Verb.release, .retry] {
                let refused = try await queue.act(verb, on: job)
                #expect(refused.refusal == "job \(other[0].id) has its unique key now and does its work")
            }
            try await queue.store.session(for: other[0], now: queue.start).complete { _ in }
            #expect(try await queue.act(.release, on: job).refusal == nil)
            #expect(try await queue.claim(as: worker).map(\.attempt) == [1])
        }
    }

    @Test func `cancelling the first of a serial key lets the next one run`() async throws {
        try await QueueFixture.with { queue in
            try await queue.enqueue([NewJob(Serial(number: 1)), NewJob(Serial(number: 2))])
            let worker = try await queue.worker()
            let first = try await queue.claim(as: worker, kinds: [Serial.kind: 1])[0]
            try await queue.store.end(first, as: .retried(due: Self.later, error: "no"), now: queue.start)
            #expect(try await queue.claim(as: worker, kinds: [Serial.kind: 1]).isEmpty)
            #expect(try await queue.act(.cancel, on: first.id).after == "cancelled")
            #expect(try await queue.claim(as: worker, kinds: [Serial.kind: 1]).count == 1)
        }
    }

    @Test func `an act and a claim at one moment: the job is moved or it runs, never both`() async throws {
        try await QueueFixture.with { queue in
            try await queue.enqueue((1...60).map { try NewJob(Count(number: $0)) })
            let worker = try await queue.worker()
            _ = try await queue.claim(1, as: worker)
            async let claimed: [Int64] = {
                var mine: [Int64] = []
                while true {
                    let jobs = try await queue.claim(3, as: worker)
                    if jobs.isEmpty { return mine }
                    mine += jobs.map(\.id.number)
                }
            }()
            var held: [Int64] = []
            for id in Int64(2)...60 where try await queue.act(.hold, on: JobID(id)).refusal == nil { held.append(id) }
            let ran = try await claimed
            #expect(Set(ran).isDisjoint(with: held))
            #expect(Set(ran + held) == Set(2...60))
        }
    }

    @Test func `an id that nobody has is refused with what to do`() async throws {
        try await QueueFixture.with { queue in
            let outcome = try await queue.act(.retry, on: JobID(404))
            #expect(outcome.before == nil && outcome.refusal == "there is no such job, live or in history")
        }
    }
}

/// Jobs of one serial key.
struct Serial: JobArguments {
    static let kind: JobKind = "serial"
    var number: Int
    var serialKey: String? { "customer" }
}

enum JobArgumentsText {
    static func of(_ job: ClaimedJob) -> String { String(decoding: job.arguments, as: UTF8.self) }
}

extension QueueFixture {
    func act(_ verb: QueueOperations.Verb, on job: JobID) async throws -> QueueOperations.Outcome {
        try await QueueOperations(pool: pool).act(
            QueueOperations.Act(verb, by: "ops", because: "mended"), on: job.number, now: start)
    }

    /// One job that stands in `state`.
    func job(in state: String) async throws -> JobID {
        if state == "blocked" {
            try await enqueue([NewJob(Serial(number: 1))])
        } else {
            try await enqueue([
                NewJob(Count(number: 1, key: "once"), dueAt: state == "scheduled" ? OperationsTests.later : nil)
            ])
        }
        let id = JobID(Int64(try await counted("SELECT max(id) FROM queue.all_jobs")))
        if ["scheduled", "available", "blocked"].contains(state) { return id }
        if state == "cancelled" {
            _ = try await QueueOperations(pool: pool).act(
                QueueOperations.Act(.cancel, by: "ops", because: "not wanted"), on: id.number, now: start)
            return id
        }
        let job = try await claim(as: worker())[0]
        switch state {
        case "retryable": try await store.end(job, as: .retried(due: OperationsTests.later, error: "no"), now: start)
        case "held": try await store.end(job, as: .held(reason: "look"), now: start)
        case "discarded": try await store.end(job, as: .discarded(error: "no"), now: start)
        case "completed": try await store.session(for: job, now: start).complete { _ in }
        default: break
        }
        return id
    }
}
