import Dates
import JobKit
import Postgres
import QueueStore
import TestSupport
import Testing

@Suite(.database(migrations: QueueMigrations.all), .timeLimit(.minutes(5)))
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

    @Test func `another amount under the same effect is refused`() async throws {
        try await QueueFixture.with { queue in
            _ = try await announce(Self.charge, in: queue)
            let other = EffectRequest(scope: "payment_attempt/17", name: "charge", fingerprint: "19900 USD")
            await #expect(throws: EffectMismatch(request: other, announced: "29900 USD")) {
                try await announce(other, in: queue)
            }
        }
    }
}
