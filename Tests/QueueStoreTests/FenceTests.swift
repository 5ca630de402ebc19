import Dates
import Foundation
import JobKit
import Postgres
import QueueStore
import TestSupport
import Testing

@Suite(.database(migrations: QueueMigrations.all), .timeLimit(.minutes(15)))
struct FenceTests {
    private static let effect = EffectRequest(scope: "test/1", name: "write", fingerprint: "1")

    @Test func `a completion commits the handler's writes, its follow-ups and the job's end together`() async throws {
        try await QueueFixture.with { queue in
            try await queue.enqueue([NewJob(Count(number: 1))])
            let job = try await queue.claim(as: queue.worker())[0]
            try await queue.store.session(for: job, now: queue.start).complete { work in
                _ = try await work.announce(Self.effect)
                try await work.enqueue(Count(number: 2))
            }
            #expect(try await queue.state(of: job.id) == "completed")
            #expect(try await queue.counted("SELECT count(*) FROM queue.effects") == 1)
            #expect(try await queue.claim(as: queue.worker()).count == 1)
        }
    }

    @Test func `a late worker commits nothing, neither a step nor a completion`() async throws {
        try await QueueFixture.with { queue in
            try await queue.enqueue([NewJob(Count(number: 1))])
            let late = try await queue.worker()
            let job = try await queue.claim(as: late)[0]
            try await queue.lose(late)
            #expect(try await queue.rescue().requeued == [job.id])
            let session = queue.store.session(for: job, now: queue.start)
            await #expect(throws: StaleLease(job.lease)) {
                try await session.transaction { work in _ = try await work.announce(Self.effect) }
            }
            await #expect(throws: StaleLease(job.lease)) {
                try await session.complete { work in _ = try await work.announce(Self.effect) }
            }
            #expect(try await queue.counted("SELECT count(*) FROM queue.effects") == 0)
            #expect(try await queue.state(of: job.id) == "available")
        }
    }

    struct Ending: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let ending: AttemptEnding
        let state: String
        let attempt: Int
    }

    static let due = Instant(microseconds: 4_000_000_000_000_000)
    static let endings = [
        Ending(
            testDescription: "retried", ending: .retried(due: due, error: "no answer"), state: "retryable", attempt: 1),
        Ending(testDescription: "snoozed", ending: .snoozed(due: due), state: "scheduled", attempt: 0),
        Ending(testDescription: "released", ending: .released, state: "available", attempt: 0),
        Ending(testDescription: "discarded", ending: .discarded(error: "never"), state: "discarded", attempt: 1),
        Ending(testDescription: "held", ending: .held(reason: "look"), state: "held", attempt: 1),
    ]

    @Test(arguments: endings)
    func `an attempt ends as it was said to`(_ example: Ending) async throws {
        try await QueueFixture.with { queue in
            try await queue.enqueue([NewJob(Count(number: 1))])
            let job = try await queue.claim(as: queue.worker())[0]
            try await queue.store.end(job, as: example.ending, now: queue.start)
            #expect(try await queue.state(of: job.id) == example.state)
            #expect(
                try await queue.counted("SELECT attempt::bigint FROM queue.all_jobs WHERE id = \(job.id.number)")
                    == example.attempt)
        }
    }

    @Test(arguments: endings)
    func `a late worker cannot end an attempt either`(_ example: Ending) async throws {
        try await QueueFixture.with { queue in
            try await queue.enqueue([NewJob(Count(number: 1))])
            let late = try await queue.worker()
            let job = try await queue.claim(as: late)[0]
            try await queue.lose(late)
            _ = try await queue.rescue()
            let again = try await queue.claim(as: queue.worker())[0]
            await #expect(throws: StaleLease(job.lease)) {
                try await queue.store.end(job, as: example.ending, now: queue.start)
            }
            #expect(try await queue.state(of: job.id) == "running")
            try await queue.store.session(for: again, now: queue.start).complete { _ in }
            #expect(try await queue.state(of: job.id) == "completed")
        }
    }

    @Test func `a completion under way keeps the rescuer off its job`() async throws {
        try await QueueFixture.with { queue in
            try await queue.enqueue([NewJob(Count(number: 1))])
            let slow = try await queue.worker()
            let job = try await queue.claim(as: slow)[0]
            try await queue.lose(slow)
            try await queue.store.transaction(tenant: .all, now: queue.start) { work in
                // The job's row is locked as a finishing transaction locks it.
                _ = try await work.transaction.query("SELECT FROM queue.jobs WHERE id = \(job.id.number) FOR SHARE")
                #expect(try await queue.rescue().requeued.isEmpty)
            }
            // The worker's row is gone by now; its job is found all the same.
            #expect(try await queue.rescue().requeued == [job.id])
        }
    }

    @Test func `a job that keeps losing its worker is held for a person`() async throws {
        try await QueueFixture.with { queue in
            try await queue.enqueue([NewJob(Count(number: 1))])
            for round in 1...3 {
                let worker = try await queue.worker()
                let job = try await queue.claim(as: worker)[0]
                #expect(job.attempt == round && job.rescues == round - 1)
                try await queue.lose(worker)
                let rescue = try await queue.rescue(budget: 3)
                #expect(rescue.held == (round == 3 ? [job.id] : []))
            }
            #expect(try await queue.claim(as: queue.worker()).isEmpty)
            #expect(try await queue.counted("SELECT count(*) FROM queue.failures") == 3)
        }
    }

    @Test func `leases of a claim whose answer was lost are given back, running ones are not`() async throws {
        try await QueueFixture.with { queue in
            try await queue.enqueue([NewJob(Count(number: 1)), NewJob(Count(number: 2))])
            let worker = try await queue.worker()
            let jobs = try await queue.claim(as: worker)
            try await queue.store.giveBackStrays(of: worker, in: .standard, running: [jobs[0].id])
            #expect(try await queue.state(of: jobs[0].id) == "running")
            #expect(try await queue.state(of: jobs[1].id) == "available")
            #expect(try await queue.claim(as: worker).map(\.attempt) == [1])
        }
    }

    @Test func `a worker the roster has given up learns so at its next beat`() async throws {
        try await QueueFixture.with { queue in
            let worker = try await queue.worker()
            #expect(try await queue.roster.beat(worker).isRegistered)
            #expect(try await queue.rescue().requeued.isEmpty)
            try await queue.lose(worker)
            _ = try await queue.rescue()
            #expect(try await queue.roster.beat(worker).isRegistered == false)
        }
    }

    @Test func `a worker that still holds a lease cannot sign off`() async throws {
        try await QueueFixture.with { queue in
            try await queue.enqueue([NewJob(Count(number: 1))])
            let worker = try await queue.worker()
            let job = try await queue.claim(as: worker)[0]
            try await queue.roster.retire(worker)
            #expect(try await queue.roster.beat(worker).isRegistered)
            try await queue.store.end(job, as: .released, now: queue.start)
            try await queue.roster.retire(worker)
            #expect(try await queue.roster.beat(worker).isRegistered == false)
        }
    }
}
