public import Dates
public import Postgres

/// What is wrong with a queue, where, and what to do about it. Looks only: each question is one statement, so what moves
/// meanwhile is no finding.
public struct QueueCheckup: Sendable {
    let pool: PostgresPool
    /// What waits longer although it could run is a fault.
    let patience: Duration
    /// How old a snapshot may be: in half an hour of full speed it keeps tens of millions of dead rows.
    let snapshotPatience: Duration

    public init(pool: PostgresPool, patience: Duration, snapshotPatience: Duration = .seconds(1800)) {
        self.pool = pool
        self.patience = patience
        self.snapshotPatience = snapshotPatience
    }

    public struct Finding: Hashable, Sendable {
        public enum Grade: String, Sendable {
            case well
            /// Worth knowing; nothing fails because of it.
            case note
            case fault
        }

        public let subject: String
        public let grade: Grade
        public let detail: String
        /// What to do; empty when all is well.
        public let advice: String

        init(_ subject: String, _ grade: Grade, _ detail: String, advice: String = "") {
            self.subject = subject
            self.grade = grade
            self.detail = detail
            self.advice = advice
        }
    }

    /// The schema must be this program's. `now` is the database's time.
    public func findings(now: Instant) async throws -> [Finding] {
        var findings = [try await cluster(), try await workers()]
        findings += try await waiting(now)
        findings.append(try await strandedJobs())
        findings.append(try await serialKeys())
        findings.append(try await blockedBehindHeld())
        findings.append(try await uniqueKeys())
        findings.append(try await runs())
        findings.append(try await history(now))
        findings.append(try await bloat())
        findings += try await heldSnapshots()
        return findings
    }

    private func cluster() async throws -> Finding {
        guard try await !pool.query("SELECT queue.is_at_home()").only(Bool.self) else {
            return Finding("queue's cluster", .well, "the one its jobs were enqueued in")
        }
        return Finding(
            "queue's cluster", .fault, "the database was restored from another cluster, or upgraded; no worker starts",
            advice: "stop all workers and run: billwright queues relane --reason TEXT")
    }

    private func workers() async throws -> Finding {
        let (alive, silent, leases) = try await pool.query(CheckupSQL.workers).only(
            Int64.self, [String].self, Int64.self)
        guard silent.isEmpty && (leases == 0 || alive > 0) else {
            return Finding(
                "workers", .fault,
                "\(alive) alive; silent for 30 seconds and not rescued: \(silent.joined(separator: ", "));"
                    + " \(leases) leases of workers nobody knows",
                advice: alive == 0
                    ? "start a worker: it takes their jobs within seconds"
                    : "read the workers' logs for 'looking for lost workers failed'")
        }
        return alive == 0
            ? Finding("workers", .note, "none runs", advice: "start one: billwright worker")
            : Finding("workers", .well, "\(alive) alive")
    }

    /// One finding for what waits well, one for each queue and kind that waits too long.
    private func waiting(_ now: Instant) async throws -> [Finding] {
        let rows = try await pool.query(CheckupSQL.waiting(now: now, patience: patience)).decode(
            String.self, String.self, String.self, Int64.self, Int64.self, Bool.self, Int64.self, String?.self)
        var findings: [Finding] = []
        for (queue, kind, state, jobs, seconds, isPaused, workers, gateway) in rows where .seconds(seconds) > patience {
            let subject = "waiting jobs of \(queue)/\(kind)"
            let detail = "\(jobs) \(state), the oldest due for \(Self.text(seconds))"
            if isPaused {
                findings.append(
                    Finding(
                        subject, .note, detail + ", paused",
                        advice: "see `billwright queues list`; resume when it may go on")
                )
            } else {
                findings.append(
                    Finding(
                        subject, .fault, detail,
                        advice: workers == 0
                            ? "no worker serves queue \(queue): start one that knows kind \(kind)"
                            : "\(workers) workers serve the queue: do they know kind \(kind) in its version, are there enough?"
                                + (gateway.map { " Or is the rate of gateway \($0) too low?" } ?? "")
                    ))
            }
        }
        let oldest = rows.map(\.4).max() ?? 0
        let held = try await pool.query("SELECT count(*) FROM queue.waiting WHERE state = 'held'").only(Int64.self)
        if findings.isEmpty {
            findings.append(Finding("waiting jobs", .well, "the oldest has been due for \(Self.text(oldest))"))
        }
        if held > 0 {
            findings.append(
                Finding(
                    "held jobs", .note, "\(held) wait for a person",
                    advice: "billwright jobs list --state held; then retry, release, cancel or discard"))
        }
        return findings
    }

    private func strandedJobs() async throws -> Finding {
        let jobs = try await pool.query(CheckupSQL.stranded).decode(Int64.self)
        guard !jobs.isEmpty else { return Finding("stranded jobs", .well, "none") }
        return Finding(
            "stranded jobs", .fault,
            "behind their lane's place without a lease, so nobody claims them: \(Self.some(jobs.map { "\($0)" }))",
            advice: "billwright jobs reschedule ID --at NOW --reason TEXT, each; or, with all workers stopped, "
                + "billwright queues relane --reason TEXT")
    }

    private func serialKeys() async throws -> Finding {
        let keys = try await pool.query(CheckupSQL.stuckSerialKeys).decode(String.self, String.self, Int64.self)
        guard !keys.isEmpty else { return Finding("serial keys", .well, "each belongs to a live job") }
        return Finding(
            "serial keys", .fault,
            "taken by jobs that are gone, so theirs wait for ever: "
                + Self.some(keys.map { "\($0.0)/\($0.1) by job \($0.2)" }),
            advice:
                "DELETE FROM queue.heads WHERE queue = … AND serial_key = … AND job = …, and report how it came about")
    }

    private func blockedBehindHeld() async throws -> Finding {
        let jobs = try await pool.query(CheckupSQL.blockingHeld).decode(Int64.self)
        guard !jobs.isEmpty else { return Finding("serial keys' order", .well, "no held job has others behind it") }
        return Finding(
            "serial keys' order", .note,
            "held jobs that others of their key wait for: \(Self.some(jobs.map { "\($0)" }))",
            advice: "billwright jobs release, cancel or discard ID --reason TEXT")
    }

    private func uniqueKeys() async throws -> Finding {
        let keys = try await pool.query(CheckupSQL.stuckUniqueKeys).decode(String.self, String.self, Int64.self)
        guard !keys.isEmpty else { return Finding("unique keys", .well, "each belongs to a live job or a window") }
        return Finding(
            "unique keys", .fault,
            "taken by jobs that are gone, so none of theirs is enqueued: "
                + Self.some(keys.map { "\($0.0)/\($0.1) by job \($0.2)" }),
            advice: "DELETE FROM queue.unique_keys WHERE kind = … AND key = … AND job = …, and report how it came about"
        )
    }

    private func runs() async throws -> Finding {
        let runs = try await pool.query(CheckupSQL.runs).decode(String.self, Bool.self)
        let sealed = runs.filter { $0.1 }.map(\.0)
        guard sealed.isEmpty else {
            return Finding(
                "runs", .fault, "sealed, without a live job, and nobody ends them: \(Self.some(sealed))",
                advice: "start a worker; if one runs, read its log for 'cannot look for runs that have ended'")
        }
        guard runs.isEmpty else {
            return Finding(
                "runs", .note, "open since yesterday without a live job: \(Self.some(runs.map(\.0)))",
                advice: "whoever opened them has not sealed them, so nothing follows: run it again, it finds its run")
        }
        return Finding("runs", .well, "each has a live job, or was ended")
    }

    /// The first ten; statements return at most eleven.
    static func some(_ texts: [String]) -> String {
        texts.prefix(10).joined(separator: ", ") + (texts.count > 10 ? " and more" : "")
    }

    static func text(_ seconds: Int64) -> String {
        switch seconds {
        case ..<120: "\(max(seconds, 0)) s"
        case ..<7200: "\(seconds / 60) min"
        case ..<172_800: "\(seconds / 3600) h"
        default: "\(seconds / 86_400) days"
        }
    }
}
