import Dates
import JobKit
import Postgres
import QueueStore
import Runtime
import Synchronization
import TestSupport
import Testing

/// How a worker comes to its jobs and they to their end, when the usual way is closed.
@Suite(.database(migrations: QueueMigrations.all), .timeLimit(.minutes(15)))
struct PickupTests {
    private struct Refusal: Error {}

    private static var rarelyLooking: WorkerSettings {
        var settings = WorkerSettings()
        settings.pollInterval = .seconds(3600)
        return settings
    }

    @Test func `a worker that looks once an hour runs each new job as soon as it is committed`() async throws {
        try await WorkerFixture.with { fixture in
            let events = Events()
            let handler = ErrandHandler { job, context in
                events.send(job.arguments.name)
                return context.complete()
            }
            try await fixture.running(StagedStore(base: fixture.store), settings: Self.rarelyLooking, handler) { _ in
                for name in ["a", "b", "c", "d"] {
                    try await fixture.enqueue(Errand(name: name))
                    #expect(await events.next() == [name])
                }
            }
        }
    }

    @Test func `a retry runs when it is due, with nobody to say so`() async throws {
        try await WorkerFixture.with { fixture in
            let events = Events()
            let handler = ErrandHandler { job, context in
                events.send("attempt \(job.attempt)")
                if job.attempt == 1 { throw Refusal() }
                return context.complete()
            }
            try await fixture.running(StagedStore(base: fixture.store), settings: Self.rarelyLooking, handler) { _ in
                try await fixture.enqueue(Errand(name: "again"))
                #expect(await events.next(2) == ["attempt 1", "attempt 2"])
            }
            #expect(try await fixture.states() == ["completed"])
        }
    }

    @Test func `a worker that no wake-up reaches finds its jobs by looking`() async throws {
        try await WorkerFixture.with { fixture in
            let events = Events()
            var settings = WorkerSettings()
            settings.pollInterval = .milliseconds(20)
            let handler = ErrandHandler { job, context in
                events.send(job.arguments.name)
                return context.complete()
            }
            let deaf = StagedStore(base: fixture.store, hears: false)
            try await fixture.running(deaf, settings: settings, handler) { _ in
                for name in ["a", "b"] {
                    try await fixture.enqueue(Errand(name: name))
                    #expect(await events.next() == [name])
                }
            }
        }
    }

    private static let fromOutside: SQL = "SELECT queue.enqueue('errand', '{\"name\":\"from outside\"}')"

    @Test func `a worker that sleeps is woken by what a foreign transaction commits`() async throws {
        try await WorkerFixture.with { fixture in
            let events = Events()
            let handler = ErrandHandler { job, context in
                events.send(job.arguments.name)
                return context.complete()
            }
            let store = StagedStore(base: fixture.store, afterDeclare: { if $0 { events.send("asleep") } })
            try await TestDatabase.current.withPool(size: 1) { pool in
                _ = try await pool.query("SELECT queue.grant_enqueue('billwright_web', 'errand')")
                try await fixture.running(store, settings: Self.rarelyLooking, handler) { _ in
                    for _ in 1...3 {
                        #expect(await events.next() == ["asleep"])
                        _ = try await pool.query(Self.fromOutside)
                        #expect(await events.next() == ["from outside"])
                    }
                }
            }
        }
    }

    @Test func `what a foreign transaction commits while a worker falls asleep is seen by its look after that`()
        async throws
    {
        try await WorkerFixture.with { fixture in
            let events = Events()
            let handler = ErrandHandler { job, context in
                events.send(job.arguments.name)
                return context.complete()
            }
            try await TestDatabase.current.withPool(size: 1) { pool in
                _ = try await pool.query("SELECT queue.grant_enqueue('billwright_web', 'errand')")
                let store = StagedStore(
                    base: fixture.store,
                    // Nobody has said yet that it sleeps, so nobody is woken.
                    beforeDeclare: { if $0 { _ = try? await pool.query(Self.fromOutside) } })
                try await fixture.running(store, settings: Self.rarelyLooking, handler) { _ in
                    #expect(await events.next(2) == ["from outside", "from outside"])
                }
            }
        }
    }

    @Test func `what runs is finished while a claim takes its time`() async throws {
        try await WorkerFixture.with { fixture in
            let events = Events()
            let claims = Atomic(0)
            let gate = AsyncStream<Void>.makeStream()
            let finish = AsyncStream<Void>.makeStream()
            let store = StagedStore(
                base: fixture.store,
                beforeClaim: {
                    guard claims.wrappingAdd(1, ordering: .relaxed).oldValue == 1 else { return }
                    events.send("claims")
                    for await _ in gate.stream { break }
                })
            let handler = ErrandHandler { _, context in
                for await _ in finish.stream { break }
                return context.complete()
            }
            try await fixture.enqueue(Errand(name: "runs"))
            try await fixture.running(store, handler) { _ in
                #expect(await events.next() == ["claims"])
                finish.continuation.yield()
                try await fixture.until { try await fixture.states() == ["completed"] }
                gate.continuation.yield()
            }
        }
    }

    @Test func `an ending that is being written is not undone by looking for lost claims`() async throws {
        try await WorkerFixture.with { fixture in
            let events = Events()
            let claims = Atomic(0)
            let runs = Atomic(0)
            let gate = AsyncStream<Void>.makeStream()
            let store = StagedStore(
                base: fixture.store,
                beforeClaim: {
                    // The second claim is lost, so the worker looks for what it may have brought.
                    if claims.wrappingAdd(1, ordering: .relaxed).oldValue == 1 { throw Refusal() }
                },
                beforeEnd: { for await _ in gate.stream { break } },
                afterGiveBackStrays: { events.send("looked") })
            let handler = ErrandHandler { _, _ in
                runs.add(1, ordering: .relaxed)
                return .held(reason: "a person must look")
            }
            try await fixture.enqueue(Errand(name: "held"))
            try await fixture.running(store, handler) { _ in
                #expect(await events.next() == ["looked"])
                gate.continuation.finish()
                try await fixture.until { try await fixture.states() == ["held"] }
            }
            #expect(runs.load(ordering: .relaxed) == 1)
        }
    }
}
