import Dates
import JobKit
import Postgres
import QueueStore
import TestSupport
import Testing

@Suite(.database(migrations: QueueMigrations.all), .timeLimit(.minutes(15)))
struct EffectTests {
    private static let charge = EffectRequest(scope: "payment_attempt/17", name: "charge", fingerprint: "29900 USD")

    private func announce(_ request: EffectRequest, in queue: QueueFixture) async throws -> EffectStanding {
        try await queue.store.transaction(tenant: .all, now: queue.start) { work in try await work.announce(request) }
    }

    private func settle(_ effect: Effect, as state: EffectState, in queue: QueueFixture) async throws {
        try await queue.store.transaction(tenant: .all, now: queue.start) { work in
            try await work.settle(effect, as: state, result: Array("{}".utf8))
        }
    }

    @Test func `an announced effect keeps its key until it is settled, whoever asks`() async throws {
        try await QueueFixture.with { queue in
            guard case .new(let first) = try await announce(Self.charge, in: queue) else {
                Issue.record("the first announcement is new")
                return
            }
            guard case .unresolved(let again) = try await announce(Self.charge, in: queue) else {
                Issue.record("announced and not settled is unresolved")
                return
            }
            #expect(again.key == first.key)
            try await settle(first, as: .unknown, in: queue)
            guard case .unresolved(let unknown) = try await announce(Self.charge, in: queue) else {
                Issue.record("an unknown outcome is unresolved")
                return
            }
            try await settle(unknown, as: .confirmed, in: queue)
            guard case .settled(let settled) = try await announce(Self.charge, in: queue) else {
                Issue.record("a confirmed effect is settled")
                return
            }
            #expect(settled.key == first.key && settled.state == .confirmed)
            await #expect(throws: UnreadableRow.self) { try await settle(settled, as: .refused, in: queue) }
        }
    }

    @Test func `effects are settled in one go, and what is settled stays so`() async throws {
        try await QueueFixture.with { queue in
            let requests = ["a", "b", "c"].map { EffectRequest(scope: $0, name: "charge", fingerprint: "1") }
            let effects = try await queue.store.transaction(tenant: .all, now: queue.start) { work in
                try await work.announce(requests).compactMap { $0?.effect }
            }
            try await settle(effects[0], as: .confirmed, in: queue)
            try await queue.store.transaction(tenant: .all, now: queue.start) { work in
                try await work.settle(
                    zip(effects, [EffectState.refused, .unknown, .confirmed]).map { effect, state in
                        EffectSettlement(effect, as: state, result: Array("{\"code\":\"\(state)\"}".utf8))
                    })
            }
            let rows = try await queue.pool.query(
                """
                SELECT concat_ws(' ', scope, state, result, idempotency_key = ANY (\(effects.map(\.key.text))))
                  FROM queue.effects ORDER BY id
                """
            ).decode(String.self)
            #expect(
                rows == [
                    "a confirmed {} t", #"b unknown {"code": "unknown"} t"#, #"c confirmed {"code": "confirmed"} t"#,
                ])
        }
    }

    @Test func `another amount under the same effect is refused`() async throws {
        try await QueueFixture.with { queue in
            _ = try await announce(Self.charge, in: queue)
            let other = EffectRequest(scope: "payment_attempt/17", name: "charge", fingerprint: "19900 USD")
            await #expect(throws: EffectMismatch(request: other, announced: "29900 USD")) {
                try await announce(other, in: queue)
            }
        }
    }

    @Test func `a replay finds what the first job of its line has done, and under the same key`() async throws {
        try await QueueFixture.with { queue in
            try await queue.enqueue([NewJob(Count(number: 1))])
            let worker = try await queue.worker()
            func announce(by job: ClaimedJob) async throws -> EffectStanding {
                try await queue.store.session(for: job, now: queue.start).transaction { work in
                    // Named by the line, as handlers without rows of their own do.
                    try await work.announce(EffectRequest(scope: "job/\(job.lineage)", name: "send", fingerprint: "1"))
                }
            }
            let first = try await queue.claim(as: worker)[0]
            let sent = try await announce(by: first).effect
            try await settle(sent, as: .confirmed, in: queue)
            try await queue.store.session(for: first, now: queue.start).complete { _ in }
            #expect(try await queue.act(.replay, on: first.id).refusal == nil)
            let replay = try await queue.claim(as: worker)[0]
            #expect(replay.id != first.id && replay.lineage == first.id)
            guard case .settled(let found) = try await announce(by: replay) else {
                Issue.record("a replay does not announce again what was confirmed")
                return
            }
            #expect(found.key == sent.key && found.state == .confirmed)
        }
    }
}
