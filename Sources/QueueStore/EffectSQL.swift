internal import Dates
internal import JobKit
internal import Postgres

/// The effect ledger's statements.
enum EffectSQL {
    static func announce(_ request: EffectRequest, for job: ClaimedJob?, now: Instant) -> SQL {
        """
        INSERT INTO queue.effects (scope, name, fingerprint, job, lineage, tenant, kind, run, amount, currency,
                                   announced_at)
        SELECT \(request.scope), \(request.name), \(request.fingerprint), \(job?.id.number), \(job?.lineage.number),
                \(job?.tenant), \(job?.kind.name), \(job?.run?.number), \(request.amount?.minorUnits),
                \(request.amount?.currency), \(now)
         WHERE \(request.amount.map { mayMove($0, job) } ?? "true")
            ON CONFLICT (scope, name) DO NOTHING
        RETURNING id, idempotency_key, state, announced_at, fingerprint
        """
    }

    /// All of them, or none where their kind's breaker does not allow them together. Asked of their totals, which is done
    /// before the first row is written.
    static func announce(_ requests: [EffectRequest], for job: ClaimedJob?, now: Instant) -> SQL {
        var totals: [String: Int64] = [:]
        for amount in requests.compactMap(\.amount) { totals[amount.currency, default: 0] += amount.minorUnits }
        let sums = totals.sorted { $0.key < $1.key }
        return """
            INSERT INTO queue.effects (scope, name, fingerprint, job, lineage, tenant, kind, run, amount, currency,
                                       announced_at)
            SELECT given.scope, given.name, given.fingerprint, \(job?.id.number), \(job?.lineage.number),
                   \(job?.tenant), \(job?.kind.name), \(job?.run?.number), given.amount, given.currency, \(now)
              FROM unnest(\(requests.map(\.scope)), \(requests.map(\.name)), \(requests.map(\.fingerprint)),
                          \(requests.map { $0.amount?.minorUnits }), \(requests.map { $0.amount?.currency }))
                   AS given(scope, name, fingerprint, amount, currency)
             WHERE NOT EXISTS (
                   SELECT FROM unnest(\(sums.map(\.key)), \(sums.map(\.value))) AS total(currency, amount)
                    WHERE NOT queue.may_move(\(job?.kind.name), total.amount, total.currency))
                ON CONFLICT (scope, name) DO NOTHING
            RETURNING id, idempotency_key, state, announced_at, scope, name
            """
    }

    private static func mayMove(_ amount: EffectAmount, _ job: ClaimedJob?) -> SQL {
        "queue.may_move(\(job?.kind.name), \(amount.minorUnits), \(amount.currency))"
    }

    static func announced(_ request: EffectRequest) -> SQL {
        """
        SELECT id, idempotency_key, state, announced_at, fingerprint FROM queue.effects
         WHERE scope = \(request.scope) AND name = \(request.name)
        """
    }

    /// Of a job's line, whichever of its jobs announced them.
    static func unsettled(of lineage: JobID) -> SQL {
        """
        SELECT id, idempotency_key, state, announced_at, scope, name, fingerprint, amount, currency FROM queue.effects
         WHERE lineage = \(lineage.number) AND state IN ('intended', 'unknown') ORDER BY id
        """
    }

    static func announced(under key: IdempotencyKey) -> SQL {
        """
        SELECT id, idempotency_key, state, announced_at, scope, name, fingerprint, amount, currency FROM queue.effects
         WHERE idempotency_key = \(key.text)
        """
    }

    /// Of several: each is found by its key, and again as what it conflicts with. Asked for an update joined with the new
    /// values the planner reads all there are.
    static func settle(_ settlements: [EffectSettlement], results: [[UInt8]], now: Instant) -> SQL {
        """
        INSERT INTO queue.effects (id, scope, name, fingerprint, announced_at, state, settled_at, result)
        OVERRIDING SYSTEM VALUE
        SELECT given.id, announced.scope, announced.name, announced.fingerprint, announced.announced_at, given.state,
               \(now), given.result
          FROM unnest(\(settlements.map(\.effect.id)), \(settlements.map(\.state.rawValue)),
                      \(results.map { PostgresJSON($0) })) AS given(id, state, result)
         CROSS JOIN LATERAL (
               SELECT scope, name, fingerprint, announced_at FROM queue.effects WHERE id = given.id LIMIT 1) AS announced
            ON CONFLICT (id) DO UPDATE
           SET state = excluded.state, settled_at = excluded.settled_at, result = excluded.result
         WHERE effects.state IN ('intended', 'unknown')
        """
    }

    /// An unknown outcome may still be settled; a settled one never changes.
    static func settle(_ effect: Effect, as state: EffectState, result: [UInt8], now: Instant) -> SQL {
        """
        UPDATE queue.effects
           SET state = \(state.rawValue), settled_at = \(now), result = \(PostgresJSON(result))
         WHERE id = \(effect.id) AND state IN ('intended', 'unknown')
        """
    }
}
