import Dates
import JobKit
import Postgres
import QueueStore
import TestSupport
import Testing

/// What becomes of a serial key whose first job cannot go on, and where that job stands when it is brought back.
@Suite(.serialized, .database(migrations: QueueMigrations.all), .timeLimit(.minutes(15)))
struct DeadHeadTests {
    enum Death: CaseIterable, Sendable { case held, discarded, cancelled }

    /// The first of four dies; a fifth is enqueued; the first is brought back while the second runs, if it may.
    private struct Course {
        let state: String
        let isNextRun: Bool
        let order: [Int]

        init(_ policy: JobPolicy.DeadHead, _ death: Death) {
            let isOver = death == .cancelled || (death == .discarded && policy == .skip)
            state = isOver ? "\(death)" : "held"
            isNextRun = isOver || policy != .block
            order =
                switch policy {
                case _ where isOver: [2, 3, 4, 5, 1]
                case .block: [1, 2, 3, 4, 5]
                case .park: [2, 1, 3, 4, 5]
                case .skip: [2, 3, 4, 5, 1]
                }
        }
    }

    @Test(arguments: JobPolicy.DeadHead.allCases, Death.allCases)
    func `a head that dies blocks, is parked or is skipped`(_ policy: JobPolicy.DeadHead, _ death: Death) async throws {
        try await QueueFixture.with { queue in
            let worker = try await queue.worker(kinds: [.parcels(held: policy, discarded: policy)])
            let course = Course(policy, death)
            try await queue.enqueue(1...4, serialKey: "k")
            let head = try await queue.claimAny(as: worker)[0]
            switch death {
            case .held: try await queue.store.end(head, as: .held(reason: "look"), now: queue.start)
            case .discarded: try await queue.store.end(head, as: .discarded(error: "never"), now: queue.start)
            case .cancelled:
                _ = try await queue.act(.cancel, on: head.id)
                try await queue.store.end(head, as: .discarded(error: "never"), now: queue.start)
            }
            #expect(try await queue.state(of: head.id) == course.state)
            try await queue.enqueue([5], serialKey: "k")

            let next = try await queue.claimAny(as: worker)
            #expect(try next.map { try $0.name } == (course.isNextRun ? [2] : []))
            let verb = course.state == "held" ? QueueOperations.Verb.release : .retry
            #expect(try await queue.act(verb, on: head.id).refusal == nil)
            for job in next { try await queue.complete(job) }
            let rest = try await queue.finishAll(as: worker)
            #expect(try next.map { try $0.name } + rest == course.order)
            #expect(try await queue.counted("SELECT count(*) FROM queue.heads") == 0)
        }
    }

    @Test func `unless its kind says otherwise a held head blocks and a discarded one is skipped`() async throws {
        let policy = JobPolicy()
        #expect(policy.headHeld == .block && policy.headDiscarded == .skip)
        try await QueueFixture.with { queue in
            let worker = try await queue.worker()
            try await queue.enqueue(1...3, serialKey: "k")
            let first = try await queue.claimAny(as: worker)[0]
            try await queue.store.end(first, as: .discarded(error: "never"), now: queue.start)
            let second = try await queue.claimAny(as: worker)[0]
            try await queue.store.end(second, as: .held(reason: "look"), now: queue.start)
            #expect(try await queue.claimAny(as: worker).isEmpty)
            // A person's word ends the wait, whatever the policy.
            #expect(try await queue.act(.discard, on: second.id).after == "discarded")
            #expect(try await queue.finishAll(as: worker) == [3])
        }
    }

    @Test func `parked heads come back in the order in which they were enqueued`() async throws {
        try await QueueFixture.with { queue in
            let worker = try await queue.worker(kinds: [.parcels(held: .park, discarded: .park)])
            try await queue.enqueue(1...5, serialKey: "k")
            var parked: [JobID] = []
            for _ in 1...3 {
                let job = try await queue.claimAny(as: worker)[0]
                try await queue.store.end(job, as: .held(reason: "look"), now: queue.start)
                parked.append(job.id)
            }
            for id in parked.reversed() { #expect(try await queue.act(.retry, on: id).refusal == nil) }
            #expect(try await queue.finishAll(as: worker) == [1, 2, 3, 4, 5])
        }
    }

    @Test func `who holds a head makes no difference: the handler, a person, or the third loss of a worker`()
        async throws
    {
        try await QueueFixture.with { queue in
            let parcels = KindDescription.parcels(held: .park, discarded: .skip)
            try await queue.enqueue(1...4, serialKey: "k")
            for _ in 1...2 {
                let worker = try await queue.worker(kinds: [parcels])
                _ = try await queue.claimAny(as: worker)
                try await queue.lose(worker)
                _ = try await queue.rescue(budget: 2)
            }
            let worker = try await queue.worker(kinds: [parcels])
            let second = try await queue.claimAny(as: worker)[0]
            #expect(try second.name == 2)
            try await queue.store.end(second, as: .released, now: queue.start)
            #expect(try await queue.act(.hold, on: second.id).after == "held")
            #expect(try await queue.finishAll(as: worker) == [3, 4])
            for id in [second.id, JobID(1)] { _ = try await queue.act(.release, on: id) }
            #expect(try await queue.finishAll(as: worker) == [1, 2])
        }
    }

    @Test func `a job that was never first keeps its place while it is held`() async throws {
        try await QueueFixture.with { queue in
            let worker = try await queue.worker(kinds: [.parcels(held: .skip, discarded: .skip)])
            try await queue.enqueue(1...4, serialKey: "k")
            #expect(try await queue.act(.hold, on: JobID(2)).before == "blocked")
            let head = try await queue.claimAny(as: worker)[0]
            #expect(try await queue.act(.release, on: JobID(2)).after == "blocked")
            try await queue.complete(head)
            #expect(try await queue.finishAll(as: worker) == [2, 3, 4])
        }
    }

    @Test func `the last worker's word on a kind holds, and the same word is not written again`() async throws {
        try await QueueFixture.with { queue in
            var written: [String] = []
            for policy in [JobPolicy.DeadHead.park, .skip, .skip] {
                _ = try await queue.worker(kinds: [.parcels(held: policy, discarded: .skip)])
                written.append(
                    try await queue.pool.query("SELECT head_held || ' by ' || xmin::text FROM queue.kinds").only(
                        String.self))
            }
            #expect(written[0].hasPrefix("park") && written[1].hasPrefix("skip") && written[2] == written[1])
        }
    }
}

extension KindDescription {
    static func parcels(held: JobPolicy.DeadHead, discarded: JobPolicy.DeadHead) -> KindDescription {
        KindDescription(
            kind: Parcel.kind, queue: .standard, priority: .normal, headHeld: held, headDiscarded: discarded)
    }
}
