import Chance
import Dates
import JobKit
import Postgres
import QueueStore
import TestSupport
import Testing

/// A run is told by where its jobs are, and its follow-up comes once.
@Suite(.database(migrations: QueueMigrations.all), .timeLimit(.minutes(15)))
struct RunTests {
    @Test func `the follow-up comes when the last job has ended, however it ended, and once`() async throws {
        try await QueueFixture.with { queue in
            let run = try await queue.openRun(jobs: 4)
            let worker = try await queue.worker()
            let jobs = try await queue.claimAny(as: worker)
            #expect(jobs.count == 4 && jobs.allSatisfy { $0.run == run })
            try await queue.complete(jobs[0])
            try await queue.store.end(jobs[1], as: .discarded(error: "no"), now: queue.start)
            try await queue.store.end(jobs[2], as: .held(reason: "look"), now: queue.start)
            try await queue.store.end(jobs[3], as: .retried(due: queue.start, error: "no"), now: queue.start)
            #expect(try await queue.store.endRuns(now: queue.start).isEmpty)
            try await queue.complete(queue.claimAny(as: worker)[0])
            // A held job has not ended: a person decides.
            #expect(try await queue.store.endRuns(now: queue.start).isEmpty)
            #expect(try await queue.act(.cancel, on: jobs[2].id).refusal == nil)
            #expect(try await queue.store.endRuns(now: queue.start) == [run])
            #expect(try await queue.store.endRuns(now: queue.start).isEmpty)
            let followUps = try await queue.claimAny(as: worker)
            #expect(followUps.map(\.kind) == [Letter.kind])
            let found = try #require(try await QueueRuns(pool: queue.pool).find("\(run)"))
            #expect(found.state == .ended && found.followUp == followUps.first?.id)
            let progress = try await QueueRuns(pool: queue.pool).progress(of: run)
            #expect(progress.jobs == ["completed": 2, "discarded": 1, "cancelled": 1])
        }
    }

    /// Workers complete, fail, snooze, die and are rescued, and all of them look for the end at every moment.
    @Test(arguments: SeededGenerator.seeds)
    func `whoever dies when, a run has one follow-up, after its last job`(_ seed: UInt64) async throws {
        try await QueueFixture.with { queue in
            let run = try await queue.openRun(jobs: 40)
            let early = Shared<[String]>([])
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<4 {
                    group.addTask {
                        var chance = SeededGenerator(seed: seed &* 100 &+ UInt64(number))
                        try await Self.work(queue, &chance, early)
                    }
                }
                try await group.waitForAll()
            }
            _ = try await queue.store.endRuns(now: queue.start)
            #expect(early.value == [])
            #expect(try await queue.counted("SELECT count(*) FROM queue.jobs WHERE kind = 'letter'") == 1)
            let progress = try await QueueRuns(pool: queue.pool).progress(of: run)
            #expect(progress.total == 40 && progress.done + progress.failed == 40)
            // Nothing of it is left behind among the lanes.
            _ = try await queue.store.endRuns(now: queue.start)
            #expect(try await queue.counted("SELECT count(*) FROM queue.lanes WHERE run IS NOT NULL") == 0)
        }
    }

    private static func work(_ queue: QueueFixture, _ chance: inout SeededGenerator, _ early: Shared<[String]>)
        async throws
    {
        var worker = try await queue.worker()
        while try await queue.counted("SELECT count(*) FROM queue.all_jobs WHERE run IS NOT NULL AND ended_at IS NULL")
            > 0
        {
            let jobs = try await queue.claim(3, as: worker, kinds: [Parcel.kind: 1])
            for job in jobs {
                switch Int.random(in: 0..<10, using: &chance) {
                case 0:
                    // Dies here, whether or not it has just completed a job; its other jobs are found by a rescue.
                    try await queue.lose(worker)
                    worker = try await queue.worker()
                case 1:
                    try? await queue.store.end(
                        job, as: .retried(due: queue.start, error: "no"), now: queue.start)
                case 2: try? await queue.store.end(job, as: .discarded(error: "no"), now: queue.start)
                case 3: try? await queue.store.end(job, as: .released, now: queue.start)
                default: _ = try await queue.store.complete([job], now: queue.start)
                }
            }
            _ = try await queue.rescue(budget: 1000)
            for run in try await queue.store.endRuns(now: queue.start) {
                let left = try await queue.counted(
                    "SELECT count(*) FROM queue.all_jobs WHERE run = \(run.number) AND ended_at IS NULL")
                if left > 0 { early.change { $0.append("\(left) jobs were left") } }
            }
        }
    }

    @Test func `the last two jobs end in transactions that do not see each other, and a run ends after both`()
        async throws
    {
        try await QueueFixture.with { queue in
            let run = try await queue.openRun(jobs: 2)
            let workers = [try await queue.worker(), try await queue.worker()]
            let jobs = [
                try await queue.claimAny(1, as: workers[0])[0], try await queue.claimAny(1, as: workers[1])[0],
            ]
            try? await queue.pool.transaction { first in
                _ = try await first.query(
                    """
                    SELECT queue.finish(ARRAY[\(jobs[0].id.number)], ARRAY[\(jobs[0].lease.position)],
                                        ARRAY[\(jobs[0].lease.number)], \(workers[0].uuid), \(queue.start))
                    """)
                try await queue.complete(jobs[1])
                // Whoever looks now still sees the first, whose end is not committed.
                #expect(try await queue.store.endRuns(now: queue.start).isEmpty)
                throw Lost()
            }
            // The worker is lost before its commit: its job runs again elsewhere.
            try await queue.lose(workers[0])
            #expect(try await queue.rescue().requeued == [jobs[0].id])
            #expect(try await queue.store.endRuns(now: queue.start).isEmpty)
            try await queue.complete(queue.claimAny(as: workers[1])[0])
            async let one = queue.store.endRuns(now: queue.start)
            async let other = queue.store.endRuns(now: queue.start)
            #expect(try await one + other == [run])
            #expect(try await queue.counted("SELECT count(*) FROM queue.jobs WHERE kind = 'letter'") == 1)
        }
    }

    @Test func `an open run does not end, a sealed one takes jobs of its own only`() async throws {
        try await QueueFixture.with { queue in
            let run = try await queue.openRun(jobs: 1, seals: false)
            let again = try await queue.openRun(jobs: 0, seals: false)
            #expect(again == run)
            let worker = try await queue.worker()
            try await queue.complete(queue.claimAny(as: worker)[0])
            #expect(try await queue.store.endRuns(now: queue.start).isEmpty)
            _ = try await queue.openRun(jobs: 1, seals: true)
            await #expect(throws: RunSealed(runs: [run])) {
                try await queue.enqueue([NewJob(Parcel(number: 9)).in(run)])
            }
            await #expect(throws: RunSealed(runs: [RunID(404)])) {
                try await queue.enqueue([NewJob(Parcel(number: 9)).in(RunID(404))])
            }
            // What a job of the run enqueues into it takes its place.
            let parent = try await queue.claimAny(as: worker)[0]
            try await queue.store.session(for: parent, now: queue.start).complete { work in
                try await work.enqueue([NewJob(Parcel(number: 10)).in(run), NewJob(Parcel(number: 11))])
            }
            #expect(try await queue.store.endRuns(now: queue.start).isEmpty)
            for job in try await queue.claimAny(as: worker) where job.run == run { try await queue.complete(job) }
            #expect(try await queue.store.endRuns(now: queue.start) == [run])
            #expect(try await QueueRuns(pool: queue.pool).progress(of: run).done == 3)
        }
    }

    @Test func `sealing waits for whoever is adding jobs`() async throws {
        try await QueueFixture.with { queue in
            let run = try await queue.openRun(jobs: 0, seals: false)
            try await withThrowingTaskGroup(of: Void.self) { group in
                try await queue.store.transaction(tenant: .all, now: queue.start) { work in
                    try await work.enqueue([NewJob(Parcel(number: 1)).in(run)])
                    group.addTask { _ = try await queue.openRun(jobs: 0, seals: true) }
                    try await queue.somebodyWaits()
                    #expect(try await queue.store.endRuns(now: queue.start).isEmpty)
                }
                try await group.waitForAll()
            }
            #expect(try await queue.store.endRuns(now: queue.start).isEmpty)
            try await queue.complete(queue.claimAny(as: queue.worker())[0])
            #expect(try await queue.store.endRuns(now: queue.start) == [run])
        }
    }

    @Test func `a run without jobs ends at once`() async throws {
        try await QueueFixture.with { queue in
            let run = try await queue.openRun(jobs: 0)
            #expect(try await queue.store.endRuns(now: queue.start) == [run])
            #expect(try await queue.claimAny(as: queue.worker()).map(\.kind) == [Letter.kind])
        }
    }

    @Test func `a stopped run is not claimed, other jobs of its kind are, and it goes on when it is resumed`()
        async throws
    {
        try await QueueFixture.with { queue in
            let run = try await queue.openRun(jobs: 3)
            try await queue.enqueue([NewJob(Parcel(number: 7))])
            let runs = QueueRuns(pool: queue.pool)
            #expect(try await runs.stop(run, by: "ops", because: "wrong prices", now: queue.start))
            #expect(try await !runs.stop(run, by: "ops", because: "again", now: queue.start))
            let worker = try await queue.worker()
            #expect(try await queue.claimAny(as: worker).map { try $0.name } == [7])
            #expect(try await queue.claimAny(as: worker).isEmpty)
            #expect(try await runs.find("nightly")?.stop?.reason == "wrong prices")
            #expect(try await runs.resume(run, by: "ops", because: "mended", now: queue.start))
            #expect(try await queue.claimAny(as: worker).count == 3)
            let acts = try await queue.pool.query("SELECT act, reason FROM queue.acts ORDER BY id")
                .decode(String.self, String.self).map { "\($0.0): \($0.1)" }
            #expect(acts == ["pause: wrong prices", "resume: mended"])
        }
    }

    @Test func `a run adds up the money of its jobs by currency and outcome`() async throws {
        try await QueueFixture.with { queue in
            let run = try await queue.openRun(jobs: 3)
            let jobs = try await queue.claimAny(as: queue.worker())
            let amounts = [("USD", 29_900, EffectState.confirmed), ("USD", 100, .confirmed), ("JPY", 5000, .unknown)]
            for (job, (currency, minorUnits, state)) in zip(jobs, amounts) {
                try await queue.store.session(for: job, now: queue.start).complete { work in
                    let amount = EffectAmount(minorUnits: Int64(minorUnits), currency: currency)
                    let standing = try await work.announce(
                        EffectRequest(scope: "test/\(job.id)", name: "charge", fingerprint: "1", amount: amount))
                    try await work.settle(standing.effect, as: state, result: Array("{}".utf8))
                }
            }
            let money = try await QueueRuns(pool: queue.pool).progress(of: run).money
            #expect(
                money.map { "\($0.effects) \($0.state) \($0.minorUnits) \($0.currency)" } == [
                    "1 unknown 5000 JPY", "2 confirmed 30000 USD",
                ])
        }
    }

    @Test func `a discarded job that is retried is counted anew, a replay outside the run, and nothing follows twice`()
        async throws
    {
        try await QueueFixture.with { queue in
            let run = try await queue.openRun(jobs: 2)
            let worker = try await queue.worker()
            for job in try await queue.claimAny(as: worker) {
                try await queue.store.end(job, as: .discarded(error: "no"), now: queue.start)
            }
            #expect(try await queue.store.endRuns(now: queue.start) == [run])
            let ids = try await queue.pool.query("SELECT id FROM queue.history ORDER BY id").decode(Int64.self)
            #expect(try await queue.act(.retry, on: JobID(ids[0])).refusal == nil)
            #expect(try await queue.act(.replay, on: JobID(ids[1])).refusal == nil)
            let again = try await queue.claim(as: worker, kinds: [Parcel.kind: 1])
            #expect(Set(again.map(\.run)) == [run, nil])
            for job in again { try await queue.complete(job) }
            #expect(try await queue.store.endRuns(now: queue.start).isEmpty)
            #expect(try await QueueRuns(pool: queue.pool).progress(of: run).jobs == ["completed": 1, "discarded": 1])
        }
    }
}

private struct Lost: Error {}

extension QueueFixture {
    /// The run "nightly" with so many more jobs, followed by a letter.
    fileprivate func openRun(jobs: Int, seals: Bool = true) async throws -> RunID {
        try await store.transaction(tenant: .all, now: start) { work in
            let opened = try await work.open(
                NewRun(name: "nightly", tenant: nil, followUp: try NewJob(Letter(number: 0))))
            try await work.enqueue((0..<jobs).map { try NewJob(Parcel(number: $0)).in(opened.id) })
            if seals { try await work.seal(opened.id) }
            return opened.id
        }
    }
}
