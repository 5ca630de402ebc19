public import Dates
public import JobKit
public import Postgres

/// Housekeeping of the queue's tables. What each step locks, and for how long, is written in the migration `housekeeping`.
public struct PostgresHousekeeping: Housekeeping {
    private let pool: PostgresPool

    /// A pool of work, not the one that beats: a pass may take minutes.
    public init(pool: PostgresPool) { self.pool = pool }

    /// Rows of one statement: a few hundredths of a second.
    private static let batch = 5000
    /// Statements of one kind in a pass: the rest is for the next.
    private static let batches = 200
    /// A statement that takes longer is given up, and what it locks with it.
    private static let patience = Duration.seconds(25)
    /// Rows moved into a day's partition while it may still be written to, and once it is over.
    private static let openDayRows = 50_000
    private static let pastDayRows = 1_000_000

    private static let swept = [
        "history_rest", "failures", "cancellations", "unique_keys", "ticks", "runs", "grants", "looks", "tallies",
        "acts",
    ]

    public func keepHouse(now: Instant) async throws -> HousePass? {
        guard try await pool.query("SELECT queue.take_turn()").only(Bool.self) else { return nil }
        var pass = HousePass()
        // Days first: without them what ends goes where it is in the way.
        try await makeDays(&pass, now)
        try await unlessLocked("drop a day", &pass) { pass in
            while let day = try await answer(String?.self, "SELECT queue.drop_history_day(\(now))::text") {
                pass.droppedDays.append(day)
            }
        }
        for what in Self.swept {
            try await remove(what, &pass, "SELECT queue.sweep(\(what), \(Int32(Self.batch)), \(now))")
        }
        try await remove("lanes", &pass, "SELECT queue.forget_lanes(\(Int32(Self.batch)))")
        if pass.putOff.isEmpty { _ = try await pool.query("SELECT queue.end_turn()") }
        return pass
    }

    private func makeDays(_ pass: inout HousePass, _ now: Instant) async throws {
        let days = try await pool.query(
            "SELECT day::text, day < (\(now) AT TIME ZONE 'UTC')::date FROM queue.days_wanted(\(now)) AS day",
            deadline: .now + Self.patience
        ).decode(String.self, Bool.self)
        for (day, isOver) in days {
            let most = Int32(isOver ? Self.pastDayRows : Self.openDayRows)
            try await unlessLocked("make \(day)", &pass) { pass in
                let isMade = try await answer(Bool.self, "SELECT queue.make_history_day(\(day)::date, \(most))")
                // Another process may have made it meanwhile.
                let isThere = try await answer(
                    Bool.self, "SELECT EXISTS (SELECT FROM queue.history_days WHERE day = \(day)::date)")
                if isMade { pass.madeDays.append(day) } else if !isThere { pass.crowdedDays.append(day) }
            }
        }
    }

    private func remove(_ what: String, _ pass: inout HousePass, _ statement: SQL) async throws {
        try await unlessLocked(what, &pass) { pass in
            for _ in 1...Self.batches {
                let removed = Int(try await answer(Int64.self, statement))
                if removed > 0 { pass.removed[what, default: 0] += removed }
                if removed < Self.batch { return }
            }
        }
    }

    private func answer<Value: PostgresDecodable>(_: Value.Type, _ statement: SQL) async throws -> Value {
        try await pool.query(statement, deadline: .now + Self.patience).only(Value.self)
    }

    /// A lock somebody has is no failure: the step was undone and is tried again when the next pass is due.
    private func unlessLocked(
        _ step: String, _ pass: inout HousePass, _ body: (inout HousePass) async throws -> Void
    ) async throws {
        do { try await body(&pass) } catch let error as PostgresError where ["55P03", "40P01"].contains(error.sqlState)
        {
            pass.putOff.append(step)
        }
    }
}
