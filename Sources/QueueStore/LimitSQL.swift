internal import Dates
internal import FoundationEssentials
internal import JobKit
internal import Postgres

/// Statements about breakers and rates. What they promise stands in the migration `limits`.
enum LimitSQL {
    static func limit(_ kinds: [KindLimits]) throws -> SQL {
        let amounts = try kinds.map { limits in
            String(decoding: try JSONEncoder().encode(limits.breaker.amounts), as: UTF8.self)
        }
        return """
            SELECT queue.limit_kinds(
                \(kinds.map(\.kind.name)), \(kinds.map(\.gateway)), \(kinds.map { Int32($0.callsPerAttempt) }),
                \(kinds.map(\.breaker.window.components.seconds)), \(kinds.map { $0.breaker.failedPercent.map(Int32.init) }),
                \(kinds.map { Int32($0.breaker.sample) }), \(kinds.map { $0.breaker.unknownOutcomes.map(Int32.init) }),
                \(amounts))
            """
    }

    static func limit(_ gateways: [String: CallRate]) -> SQL {
        let rates = gateways.sorted { $0.key < $1.key }
        return """
            SELECT queue.limit_gateways(
                \(rates.map(\.key)), \(rates.map(\.value.microsecondsPerCall)), \(rates.map { Int32($0.value.burst) }))
            """
    }

    static func watch(_ completed: [JobKind: Int], every interval: Duration, now: Instant) -> SQL {
        let tallies = completed.sorted { $0.key.name < $1.key.name }
        return """
            SELECT kind, reason
              FROM queue.watch(\(tallies.map(\.key.name)), \(tallies.map { Int64($0.value) }),
                               \(interval.components.seconds) * interval '1 second', \(now))
            """
    }
}
