import Dates
import JobKit
import Observability
import Postgres
import QueueStore
import Runtime
import Synchronization
import TestSupport
import Testing

/// Workers under a breaker, a rate, and with effects left open.
@Suite(.database(migrations: QueueMigrations.all), .timeLimit(.minutes(15)))
struct LimitTests {
    private static func charge(_ job: Job<Errand>, _ amount: Int64) -> EffectRequest {
        EffectRequest(
            scope: "errand/\(job.lineage)", name: "charge", fingerprint: "\(amount)",
            amount: EffectAmount(minorUnits: amount, currency: "USD"))
    }

    @Test func `an attempt that meets its breaker's amount does not count, and its kind is stopped`() async throws {
        try await WorkerFixture.with { fixture in
            var settings = WorkerSettings()
            settings.breakers = [Errand.kind: Breaker(amounts: ["USD": 100])]
            let worker = fixture.worker(settings: settings) {
                ErrandHandler { job, context in
                    _ = try await context.transaction { work in try await work.announce(Self.charge(job, 101)) }
                    return context.complete()
                }
            }
            try await fixture.running(worker) { _ in
                try await fixture.enqueue(Errand(name: "dear"))
                try await fixture.until {
                    let back =
                        "SELECT count(*) FROM queue.jobs AS j, queue.pauses WHERE paused_by = 'breaker' AND position > 1"
                        as SQL
                    return try await fixture.pool.query(back).only(Int.self) == 1
                }
            }
            #expect(try await fixture.states() == ["available"])
            #expect(try await fixture.pool.query("SELECT attempt FROM queue.jobs").only(Int32.self) == 0)
        }
    }

    @Test func `attempts that keep failing stop their kind`() async throws {
        try await WorkerFixture.with { fixture in
            var settings = WorkerSettings()
            settings.rescueInterval = .milliseconds(20)
            settings.breakers = [Errand.kind: Breaker(failedPercent: 60, sample: 10)]
            let worker = fixture.worker(settings: settings) {
                ErrandHandler { job, context in
                    if job.arguments.name == "good" { return context.complete() }
                    throw ErrandFailed()
                }
            }
            try await fixture.running(worker) { _ in
                for name in ["good", "good"] + Array(repeating: "bad", count: 8) {
                    try await fixture.enqueue(Errand(name: name))
                }
                try await fixture.until {
                    try await !QueuePauses(pool: fixture.pool).list(limit: 1).isEmpty
                }
            }
            let pause = try await QueuePauses(pool: fixture.pool).list(limit: 1)[0]
            #expect(pause.subject == .kind("errand") && pause.person == "breaker")
            #expect(fixture.metrics.total("billwright_breaker_trips_total", ["kind": "errand"]) == 1)
        }
    }

    @Test func `a worker works through a gateway's rate, and claims no more often than calls come`() async throws {
        try await WorkerFixture.with { fixture in
            try await fixture.store.limit([], [:])
            let claims = Atomic<Int>(0)
            let done = Events()
            var store = StagedStore(base: fixture.store)
            store.beforeClaim = { claims.add(1, ordering: .relaxed) }
            var settings = WorkerSettings()
            settings.rates = ["bank": CallRate(calls: 100, per: .seconds(1), burst: 5)]
            let worker = Worker(
                store: store, roster: fixture.roster,
                registry: JobRegistry {
                    BankHandler { _, context in
                        done.send("done")
                        return context.complete()
                    }
                }, clock: fixture.clock, settings: settings, release: "test", log: fixture.silent,
                metrics: fixture.metrics)
            let drain = Drain()
            let life = Task { await worker.run(until: drain) }
            try await fixture.store.transaction(tenant: .all, now: fixture.clock.now()) { work in
                try await work.enqueue((1...60).map { try NewJob(Errand(name: "\($0)")) })
            }
            _ = await done.next(60)
            drain.advance()
            await life.value
            let grants = try await fixture.pool.query("SELECT count(*) FROM queue.grants").only(Int.self)
            #expect(try await fixture.pool.query("SELECT sum(calls) FROM queue.grants").only(Int.self) == 60)
            #expect(claims.load(ordering: .relaxed) <= 3 * grants + 20)
        }
    }

    enum Fate: Sendable, CaseIterable { case arrived, lost, silent }

    @Test(arguments: Fate.allCases)
    func `an effect that a lost attempt left open is asked about before the handler acts again`(_ fate: Fate)
        async throws
    {
        try await WorkerFixture.with { fixture in
            let events = Events()
            let handler = ReconcilingHandler(
                ask: { effects in
                    events.send("asked about \(effects.map(\.request.name).joined())")
                    return fate
                },
                act: { job, context in
                    let standing = try await context.transaction { work in
                        try await work.announce(Self.charge(job, 5))
                    }
                    switch standing {
                    case .new:
                        events.send("sent")
                        // As a worker that dies here: nothing is settled, and the attempt does not count.
                        return .snoozed(until: context.now)
                    case .unresolved(let effect):
                        events.send("sent again")
                        return try await context.complete { work in
                            try await work.settle(effect, as: .confirmed, result: Array("{}".utf8))
                        }
                    case .settled: return context.complete()
                    }
                })
            let worker = fixture.worker { handler }
            try await fixture.running(worker) { _ in
                try await fixture.enqueue(Errand(name: "charge"))
                #expect(await events.next(2) == ["sent", "asked about charge"])
                let end = fate == .silent ? "held" : "completed"
                try await fixture.until { try await fixture.states() == [end] }
                if fate == .lost { #expect(await events.next() == ["sent again"]) }
            }
            let states = try await fixture.pool.query("SELECT state FROM queue.effects").decode(String.self)
            #expect(states == [fate == .silent ? "intended" : "confirmed"])
        }
    }
}

private struct ErrandFailed: Error {}

/// Errands that take a call at the bank.
private struct BankHandler: JobHandler {
    typealias Work = PostgresWork
    static let policy = JobPolicy(timeout: .seconds(50), gateway: "bank")
    let body: @Sendable (Job<Errand>, JobContext<PostgresWork>) async throws -> JobOutcome

    func run(_ job: Job<Errand>, in context: JobContext<PostgresWork>) async throws -> JobOutcome {
        try await body(job, context)
    }
}

private struct ReconcilingHandler: JobHandler {
    typealias Work = PostgresWork
    static let policy = JobPolicy(timeout: .seconds(50), whenLost: .reconcile)
    let ask: @Sendable ([AnnouncedEffect]) -> LimitTests.Fate
    let act: @Sendable (Job<Errand>, JobContext<PostgresWork>) async throws -> JobOutcome

    func run(_ job: Job<Errand>, in context: JobContext<PostgresWork>) async throws -> JobOutcome {
        try await act(job, context)
    }

    func reconcile(
        _ effects: [AnnouncedEffect], of job: Job<Errand>, in context: JobContext<PostgresWork>
    ) async throws -> Reconciliation {
        switch ask(effects) {
        case .lost: return .goOn
        case .silent: return .end(.held(reason: "nobody knows"))
        case .arrived:
            try await context.transaction { work in
                for open in effects {
                    try await work.settle(open.effect, as: .confirmed, result: Array("{}".utf8))
                }
            }
            return .goOn
        }
    }
}
