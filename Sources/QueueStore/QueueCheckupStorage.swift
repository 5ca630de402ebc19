internal import Dates
internal import Postgres

// What the tables cost, and what keeps Postgres from cleaning up in them.
extension QueueCheckup {
    /// Fewer dead rows than this are what five rounds of autovacuum leave.
    private static let deadRows: Int64 = 100_000
    /// How far a snapshot may lag where only its age in transactions is told.
    private static let snapshotTransactions: Int64 = 1_000_000

    func history(_ now: Instant) async throws -> Finding {
        let (kept, hasDays, stray) = try await pool.query(CheckupSQL.history(now: now)).only(
            Int64?.self, Bool.self, Int64.self)
        let last = kept.map { "housekeeping last done \(Self.text($0)) ago" } ?? "housekeeping has never been done"
        guard hasDays && stray == 0 && (kept ?? .max) < 3600 else {
            let rows = stray > 100_000 ? "more than 100000" : "\(stray)"
            return Finding(
                "history", .fault,
                "\(last); partitions of today and tomorrow \(hasDays ? "are there" : "are missing"); "
                    + "\(rows) rows in the default partition",
                advice:
                    "a worker or scheduler does it every ten minutes and moves those rows; if they stay, its log says why"
            )
        }
        return Finding("history", .well, last)
    }

    func bloat() async throws -> Finding {
        let tables = try await pool.query(CheckupSQL.tables).decode(
            String.self, Int64.self, Int64.self, Int64.self, String?.self)
        let bad = tables.filter { $0.2 > max(Self.deadRows, $0.1) }
        func line(_ table: (String, Int64, Int64, Int64, String?)) -> String {
            "\(table.0) \(table.3 / 1_048_576) MB, \(table.1) rows, \(table.2) dead, vacuumed \(table.4 ?? "never")"
        }
        guard bad.isEmpty else {
            return Finding(
                "dead rows", .fault, bad.map(line).joined(separator: "; "),
                advice: "look for an old snapshot below; then VACUUM these tables, or allow autovacuum more workers")
        }
        return Finding("dead rows", .well, "largest: \(tables.prefix(2).map(line).joined(separator: "; "))")
    }

    func heldSnapshots() async throws -> [Finding] {
        let sessions = try await pool.query(CheckupSQL.sessions).decode(
            Int32.self, String.self, String.self, Int64.self, Int64?.self)
        let slots = try await pool.query(CheckupSQL.slots).decode(String.self, Bool.self, Int64.self)
        let prepared = try await pool.query(CheckupSQL.prepared).decode(String.self, String.self, Int64.self)
        var findings: [Finding] = []
        for (pid, user, application, age, seconds) in sessions
        where seconds.map({ .seconds($0) >= snapshotPatience }) ?? (age > Self.snapshotTransactions) {
            let since = seconds.map { Self.text($0) } ?? "a time only members of pg_read_all_stats are told"
            findings.append(
                Finding(
                    "old snapshot", .fault,
                    "session \(pid) (\(user), '\(application)') has been in a transaction for \(since), \(age) transactions",
                    advice: "end it, or SELECT pg_terminate_backend(\(pid)); a backup ends by itself"))
        }
        for (name, isActive, age) in slots where !isActive || age > Self.snapshotTransactions {
            findings.append(
                Finding(
                    "old snapshot", .fault,
                    "replication slot \(name), \(isActive ? "in use" : "not in use"), is \(age) transactions behind",
                    advice: "bring its standby back, or SELECT pg_drop_replication_slot('\(name)')"))
        }
        for (name, owner, seconds) in prepared where .seconds(seconds) >= snapshotPatience {
            findings.append(
                Finding(
                    "old snapshot", .fault,
                    "prepared transaction '\(name)' of \(owner) has been open for \(Self.text(seconds))",
                    advice: "COMMIT PREPARED or ROLLBACK PREPARED '\(name)'; Billwright itself prepares none"))
        }
        return findings.isEmpty
            ? [Finding("old snapshots", .well, "none keeps dead rows from being cleaned up")] : findings
    }
}
