import Dates
import JobKit
import Postgres
import QueueStore
import TestSupport
import Testing

/// Two workers and one job, through every order in which they may claim it, lose it and end it.
@Suite(.serialized, .database(migrations: QueueMigrations.all), .timeLimit(.minutes(15)))
struct InterleavingTests {
    enum Step: Hashable, Sendable { case claim(Int), lose(Int), end(Int) }
    enum Ending: CaseIterable, Sendable { case completed, retried, snoozed, released }

    /// What ought to be so: who has the job, and who thinks so.
    struct Model {
        var holder: Int?
        var believers: Set<Int> = []
        var isOver = false

        var steps: [Step] {
            [0, 1].flatMap { worker in
                believers.contains(worker)
                    ? [.end(worker)] + (holder == worker ? [.lose(worker)] : [])
                    : [Step.claim(worker)]
            }
        }

        /// Whether the step succeeds.
        mutating func take(_ step: Step, _ ending: Ending) -> Bool {
            switch step {
            case .claim(let worker):
                guard holder == nil, !isOver else { return false }
                holder = worker
                believers.insert(worker)
            case .lose: holder = nil
            case .end(let worker):
                believers.remove(worker)
                guard holder == worker else { return false }
                holder = nil
                isOver = ending == .completed
            }
            return true
        }
    }

    /// Every sequence of `length` steps.
    static func sequences(_ length: Int, _ ending: Ending, from model: Model = Model()) -> [[Step]] {
        guard length > 0 else { return [[]] }
        return model.steps.flatMap { step in
            var next = model
            _ = next.take(step, ending)
            return sequences(length - 1, ending, from: next).map { [step] + $0 }
        }
    }

    @Test(arguments: Ending.allCases)
    func `in every order of claims, losses and ends a job ends once and stale holders are told`(_ ending: Ending)
        async throws
    {
        try await QueueFixture.with { queue in
            let sequences = Self.sequences(6, ending)
            #expect(sequences.count > 50)
            for (number, steps) in sequences.enumerated() {
                try await queue.enqueue([number])
                try await Self.play(steps, ending, queue)
                _ = try await queue.finishAll(as: queue.worker())
                let ends = try await queue.pool.query(
                    "SELECT count(*) FROM queue.history WHERE (arguments ->> 'number')::bigint = \(number)"
                ).only(Int.self)
                #expect(ends == 1, "\(steps)")
            }
            #expect(try await queue.counted("SELECT count(*) FROM queue.all_jobs") == sequences.count)
        }
    }

    private static func play(_ steps: [Step], _ ending: Ending, _ queue: QueueFixture) async throws {
        var model = Model()
        var workers = [try await queue.worker(), try await queue.worker()]
        var jobs: [ClaimedJob?] = [nil, nil]
        for step in steps {
            let succeeds = model.take(step, ending)
            switch step {
            case .claim(let worker):
                jobs[worker] = try await queue.claimAny(as: workers[worker]).first
                #expect((jobs[worker] != nil) == succeeds, "\(steps)")
            case .lose(let worker):
                try await queue.lose(workers[worker])
                #expect(try await queue.rescue(budget: 1000).requeued == [try #require(jobs[worker]).id], "\(steps)")
                workers[worker] = try await queue.worker()
            case .end(let worker):
                let hasEnded = try await end(try #require(jobs[worker]), ending, queue)
                #expect(hasEnded == succeeds, "\(steps)")
                jobs[worker] = nil
            }
        }
        // Whoever still has it when the sequence is over lets it go.
        for case let job? in jobs { _ = try await end(job, .released, queue) }
    }

    /// Whether the job was still its holder's.
    private static func end(_ job: ClaimedJob, _ ending: Ending, _ queue: QueueFixture) async throws -> Bool {
        do {
            switch ending {
            case .completed: try await queue.complete(job)
            case .retried:
                try await queue.store.end(job, as: .retried(due: queue.start, error: "no"), now: queue.start)
            case .snoozed: try await queue.store.end(job, as: .snoozed(due: queue.start), now: queue.start)
            case .released: try await queue.store.end(job, as: .released, now: queue.start)
            }
            return true
        } catch is StaleLease { return false }
    }
}
