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

    /// An unknown outcome may still be settled; a settled one never changes.
    static func settle(_ effect: Effect, as state: EffectState, result: [UInt8], now: Instant) -> SQL {
        """
        UPDATE queue.effects
           SET state = \(state.rawValue), settled_at = \(now), result = \(PostgresJSON(result))
         WHERE id = \(effect.id) AND state IN ('intended', 'unknown')
        """
    }
}
