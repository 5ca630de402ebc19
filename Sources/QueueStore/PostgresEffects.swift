internal import Dates
internal import FoundationEssentials
public import JobKit
internal import Postgres

/// The effect ledger: what is announced here is announced once, and is called for only after the commit.
extension PostgresWork {
    public func announce(_ request: EffectRequest) async throws -> EffectStanding {
        let inserted = try await transaction.query(EffectSQL.announce(request, for: job, now: now))
        if let row = inserted.first { return .new(try PostgresWork.effect(row)) }
        guard let row = try await transaction.query(EffectSQL.announced(request)).first else {
            guard let job, let amount = request.amount else {
                throw UnreadableRow("\(request.name) of \(request.scope) was neither announced nor there")
            }
            throw EffectOverLimit(kind: job.kind, amount: amount)
        }
        let (_, _, _, _, fingerprint) = try row.decode(
            Int64.self, String.self, String.self, Instant.self, String.self)
        guard fingerprint == request.fingerprint else {
            throw EffectMismatch(request: request, announced: fingerprint)
        }
        let effect = try PostgresWork.effect(row)
        return switch effect.state {
        case .intended, .unknown: .unresolved(effect)
        case .confirmed, .refused: .settled(effect)
        }
    }

    public func announce(_ requests: [EffectRequest]) async throws -> [EffectStanding?] {
        guard !requests.isEmpty else { return [] }
        var standings: [String: EffectStanding] = [:]
        for row in try await transaction.query(EffectSQL.announce(requests, for: job, now: now)) {
            let (id, key, state, announcedAt, scope, name) = try row.decode(
                Int64.self, String.self, String.self, Instant.self, String.self, String.self)
            let effect = try PostgresWork.effect(id, key, state, announcedAt)
            standings["\(scope) \(name)"] = .new(effect)
        }
        var over: EffectOverLimit?
        var found: [EffectStanding?] = []
        for request in requests {
            if let standing = standings["\(request.scope) \(request.name)"] {
                found.append(standing)
                continue
            }
            // There already, or more than may move in all: then as much as may, in this order.
            do { found.append(try await announce(request)) } catch let error as EffectOverLimit {
                found.append(nil)
                over = over ?? error
            }
        }
        if let over, found.allSatisfy({ $0 == nil }) { throw over }
        return found
    }

    private static func effect(_ row: Row) throws -> Effect {
        let (id, key, state, announcedAt, _) = try row.decode(
            Int64.self, String.self, String.self, Instant.self, String.self)
        return try effect(id, key, state, announcedAt)
    }

    private static func effect(
        _ id: Int64, _ key: String, _ state: String, _ announcedAt: Instant
    ) throws(UnreadableRow) -> Effect {
        guard let known = EffectState(rawValue: state) else { throw UnreadableRow("effect \(id) has state '\(state)'") }
        return Effect(id: id, key: IdempotencyKey(key), state: known, announcedAt: announcedAt)
    }

    /// Announced by a job of this one's line, and neither confirmed nor refused.
    func unsettledEffects(of job: ClaimedJob) async throws -> [AnnouncedEffect] {
        try await transaction.query(EffectSQL.unsettled(of: job.lineage)).map { try PostgresWork.announced($0) }
    }

    /// The effect that a counterpart names by its key; nil: none of ours.
    public func effect(under key: IdempotencyKey) async throws -> AnnouncedEffect? {
        try await transaction.query(EffectSQL.announced(under: key)).first.map { try PostgresWork.announced($0) }
    }

    private static func announced(_ row: Row) throws -> AnnouncedEffect {
        let (id, key, state, announcedAt, scope, name, fingerprint, minorUnits, currency) = try row.decode(
            Int64.self, String.self, String.self, Instant.self, String.self, String.self, String.self, Int64?.self,
            String?.self)
        var amount: EffectAmount?
        if let minorUnits, let currency { amount = EffectAmount(minorUnits: minorUnits, currency: currency) }
        return AnnouncedEffect(
            request: EffectRequest(scope: scope, name: name, fingerprint: fingerprint, amount: amount),
            effect: try PostgresWork.effect(id, key, state, announcedAt))
    }

    public func settle(_ effect: Effect, as state: EffectState, result: [UInt8]) async throws {
        precondition(state != .intended, "settling says how it ended")
        let rows = try await transaction.query(
            EffectSQL.settle(effect, as: state, result: try PostgresWork.bounded(result), now: now))
        guard rows.affectedRows == 1 else {
            throw UnreadableRow("effect \(effect.id) is settled already; it cannot become \(state.rawValue)")
        }
    }

    public func settle(_ settlements: [EffectSettlement]) async throws {
        guard !settlements.isEmpty else { return }
        precondition(settlements.allSatisfy { $0.state != .intended }, "settling says how it ended")
        let results = try settlements.map { try PostgresWork.bounded($0.result) }
        _ = try await transaction.query(EffectSQL.settle(settlements, results: results, now: now))
    }

    /// Ids and codes, not whole answers: past this only the beginning is kept. Refusing it would lose how a call ended.
    static let resultLimit = 16 * 1024

    private struct CutResult: Encodable {
        let cut = true
        let bytes: Int
        let beginning: String
    }

    private static func bounded(_ result: [UInt8]) throws -> [UInt8] {
        guard result.count > resultLimit else { return result }
        let beginning = String(decoding: result.prefix(1024), as: UTF8.self)
        return Array(try JSONEncoder().encode(CutResult(bytes: result.count, beginning: beginning)))
    }
}
