import Chance
import Dates
import JobKit
import Postgres
import QueueStore
import TestSupport
import Testing

/// A lane is claimed by a cursor; what commits behind it must be found all the same, and only once.
@Suite(.serialized, .database(migrations: QueueMigrations.all), .timeLimit(.minutes(15)))
struct LateCommitTests {
    private struct Stop: Error {}

    @Test func `jobs of a transaction that commits late are claimed once, whatever was claimed meanwhile`() async throws
    {
        try await QueueFixture.with { queue in
            let worker = try await queue.worker()
            var names: [Int] = []
            try await queue.store.transaction(tenant: .all, now: queue.start) { work in
                try await work.enqueue((1...5).map { try NewJob(Parcel(number: $0)) })
                for round in 1...8 {
                    try await queue.enqueue((round * 100)..<(round * 100 + 60))
                    names += try await queue.finishAll(25, as: worker)
                }
            }
            #expect(!names.contains { $0 <= 5 })
            #expect(try await queue.finishAll(as: worker) == [1, 2, 3, 4, 5])
            #expect(names.count == 480 && Set(names).count == 480)
            #expect(try await queue.counted("SELECT count(*) FROM queue.jobs") == 0)
        }
    }

    @Test func `a transaction that rolls back leaves nothing, and no claim looks for it again`() async throws {
        try await QueueFixture.with { queue in
            let worker = try await queue.worker()
            let ended = Shared("")
            await #expect(throws: Stop.self) {
                try await queue.store.transaction(tenant: .all, now: queue.start) { work in
                    try await work.enqueue((1...5).map { try NewJob(Parcel(number: $0)) })
                    let xid = try await work.transaction.query("SELECT pg_current_xact_id()::text").only(String.self)
                    ended.change { $0 = xid }
                    try await queue.enqueue(10..<20)
                    #expect(try await queue.finishAll(as: worker) == Array(10..<20))
                    #expect(try await Self.isAwaited(xid, queue))
                    throw Stop()
                }
            }
            try await queue.enqueue([20])
            #expect(try await queue.finishAll(as: worker) == [20])
            #expect(try await !Self.isAwaited(ended.value, queue))
        }
    }

    /// Whether the next claim would look for rows of this transaction.
    private static func isAwaited(_ xid: String, _ queue: QueueFixture) async throws -> Bool {
        try await queue.pool.query(
            "SELECT \(xid)::xid8 = ANY (pending) FROM queue.leases ORDER BY number DESC LIMIT 1"
        ).only(Bool.self)
    }

    @Test func `a late transaction with more jobs than a claim may take is claimed whole, in order`() async throws {
        try await QueueFixture.with { queue in
            let worker = try await queue.worker()
            try await queue.store.transaction(tenant: .all, now: queue.start) { work in
                try await work.enqueue((1...250).map { try NewJob(Parcel(number: $0)) })
                try await queue.enqueue(1000..<1010)
                #expect(try await queue.finishAll(as: worker).count == 10)
            }
            try await queue.enqueue(2000..<2010)
            var sizes: [Int] = []
            var names: [Int] = []
            while true {
                let jobs = try await queue.claimAny(40, as: worker)
                if jobs.isEmpty { break }
                sizes.append(jobs.count)
                names += try jobs.map { try $0.name }
            }
            #expect(sizes == [40, 40, 40, 40, 40, 40, 20])
            #expect(names == Array(1...250) + Array(2000..<2010))
        }
    }

    @Test func `of several transactions open at once, those that commit are claimed in any order of commit`()
        async throws
    {
        try await QueueFixture.with { queue in
            let worker = try await queue.worker()
            func open(_ numbers: ClosedRange<Int>, then body: () async throws -> Void) async throws {
                try await queue.store.transaction(tenant: .all, now: queue.start) { work in
                    try await work.enqueue(numbers.map { try NewJob(Parcel(number: $0)) })
                    try await body()
                    try await queue.enqueue([numbers.upperBound + 1])
                    #expect(try await queue.finishAll(3, as: worker).contains(numbers.upperBound + 1))
                }
            }
            try await open(100...109) {
                await #expect(throws: Stop.self) {
                    try await open(200...209) {
                        try await open(300...309) {}
                        #expect(try await queue.finishAll(3, as: worker) == Array(300...309))
                        throw Stop()
                    }
                }
                let early = try await queue.finishAll(3, as: worker)
                #expect(early.isEmpty)
            }
            #expect(try await queue.finishAll(3, as: worker) == Array(100...109))
            #expect(try await queue.counted("SELECT count(*) FROM queue.history WHERE state = 'completed'") == 22)
        }
    }

    @Test(arguments: ["SELECT pg_current_xact_id()::text", "SELECT count(*)::text FROM queue.jobs"] as [SQL])
    func `a snapshot that another session holds changes nothing`(_ first: SQL) async throws {
        try await QueueFixture.with { queue in
            let worker = try await queue.worker()
            try await queue.enqueue(1...20)
            try await queue.pool.transaction(settings: [], isolation: .repeatableRead) { old in
                _ = try await old.query(first)
                #expect(try await queue.finishAll(7, as: worker) == Array(1...20))
                for round in 1...20 {
                    try await queue.enqueue((round * 100)..<(round * 100 + 10))
                    #expect(try await queue.finishAll(7, as: worker).count == 10)
                }
            }
            #expect(try await queue.finishAll(as: worker).isEmpty)
        }
    }

    @Test(arguments: SeededGenerator.seeds)
    func `every job that was committed is claimed once, whoever writes and claims at the same time`(seed: UInt64)
        async throws
    {
        try await QueueFixture.with { queue in
            let committed = Shared<[Int]>([])
            let claimed = Shared<[Int]>([])
            let writing = Shared(4)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<4 {
                    group.addTask {
                        defer { writing.change { $0 -= 1 } }
                        var chance = SeededGenerator(seed: seed &* 100 &+ UInt64(writer))
                        for turn in 0..<12 {
                            let first = writer * 100_000 + turn * 1000
                            let names = try await Self.write(from: first, queue, &chance)
                            committed.change { $0 += names }
                        }
                    }
                }
                for claimer in 0..<3 {
                    group.addTask {
                        var chance = SeededGenerator(seed: seed &* 100 &+ 50 &+ UInt64(claimer))
                        let worker = try await queue.worker()
                        while true {
                            let isLast = writing.value == 0
                            let jobs = try await queue.claimAny(Int.random(in: 1...40, using: &chance), as: worker)
                            let names = try jobs.map { try $0.name }
                            claimed.change { $0 += names }
                            if Bool.random(using: &chance) {
                                _ = try await queue.store.complete(jobs, now: queue.start)
                            }
                            if isLast && jobs.isEmpty { return }
                        }
                    }
                }
                try await group.waitForAll()
            }
            // A claimer that met only locked lanes stops early; the last one takes the rest.
            let rest = try await queue.finishAll(as: queue.worker())
            #expect((claimed.value + rest).sorted() == committed.value.sorted())
        }
    }

    /// One transaction of a writer: some jobs over a few lanes, slowly or not. Returns what it committed.
    private static func write(
        from first: Int, _ queue: QueueFixture, _ chance: inout SeededGenerator
    ) async throws -> [Int] {
        let batches = (0..<Int.random(in: 1...3, using: &chance)).map { batch in
            (0..<Int.random(in: 1...15, using: &chance)).map { first + batch * 100 + $0 }
        }
        let pauses = Bool.random(using: &chance) ? 0 : Int.random(in: 1...40, using: &chance)
        let tenant = Int64.random(in: 1...2, using: &chance)
        let rollsBack = Int.random(in: 0..<4, using: &chance) == 0
        do {
            try await queue.store.transaction(tenant: .all, now: queue.start) { work in
                for batch in batches {
                    try await work.enqueue(batch.map { try NewJob(Parcel(number: $0, tenant: tenant)) })
                    for _ in 0..<pauses { _ = try await work.transaction.query("SELECT 1") }
                }
                if rollsBack { throw Stop() }
            }
            return batches.flatMap { $0 }
        } catch is Stop { return [] }
    }
}
