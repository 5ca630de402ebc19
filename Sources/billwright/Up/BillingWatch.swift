internal import Accounts
internal import Billing
internal import BillingPorts
internal import BooksStore
internal import Dates
internal import Ledger
internal import Money
internal import Postgres
internal import QueueStore
internal import Runtime

/// Follows a billing run until the queue is quiet: nothing is running, due, or waiting to be tried again. A database
/// that goes away meanwhile is waited for.
struct BillingWatch: Sendable {
    let composition: Composition
    let drain: Drain
    let started: ContinuousClock.Instant

    /// Nil: told to stop before it was quiet.
    func untilQuiet() async throws -> BillingReport? {
        var last = ""
        let before = try await jobsEnded("completed")
        let discardedBefore = try await jobsEnded("discarded")
        while drain.stage == .running {
            do {
                let state = try await look()
                let line = state.line
                if line != last { Terminal.print(line) }
                last = line
                if state.waiting == 0 {
                    return BillingReport(
                        summary: state.summary, held: state.held, jobs: try await jobsEnded("completed") - before,
                        discarded: try await jobsEnded("discarded") - discardedBefore,
                        duration: started.duration(to: .now))
                }
            } catch let error as PostgresError where error.mayRetry != .no {
                // Looking changes nothing, so it can always be done again. The workers do as much with their work.
                Terminal.print("the database is away; waiting: \(error)")
            }
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await drain.wait(for: .draining) }
                group.addTask { try? await Task.sleep(for: .seconds(1)) }
                await group.next()
                group.cancelAll()
            }
        }
        return nil
    }

    private struct Look {
        let summary: BooksSummary
        let waiting: Int
        let held: Int

        var line: String {
            let invoices = summary.invoices.values.reduce(0, +)
            return "invoices \(invoices)  paid \(summary.invoices[.paid] ?? 0)  "
                + "declined \(summary.declined)  mails \(summary.mails[.sent] ?? 0)  "
                + "jobs left \(waiting)"
        }
    }

    private func look() async throws -> Look {
        let depths = try await QueueInspection(pool: composition.control).depths()
        let waiting = depths.filter { !["held", "scheduled"].contains($0.state) }.reduce(0) { $0 + $1.jobs }
        let held = depths.filter { $0.state == "held" }.reduce(0) { $0 + $1.jobs }
        return Look(summary: try await BooksSummary.read(composition.pool), waiting: waiting, held: held)
    }

    private func jobsEnded(_ state: String) async throws -> Int {
        try await composition.pool.query(
            "SELECT count(*) FROM queue.history WHERE state = \(state)"
        ).only(Int.self)
    }
}

/// What a billing run came to.
struct BillingReport: Sendable {
    let summary: BooksSummary
    let held: Int
    /// Completed in this run.
    let jobs: Int
    /// Given up in this run.
    let discarded: Int
    let duration: Duration

    /// Whether nothing waits for a person or for an answer, nothing was given up, and the books agree with themselves.
    var isSettled: Bool {
        held == 0 && discarded == 0 && summary.isBalanced
            && summary.unansweredAttempts == 0 && !summary.attempts.contains { $0.key.isPending && $0.value > 0 }
    }

    var lines: [String] {
        let invoices = summary.invoices.values.reduce(0, +)
        let seconds = duration / .seconds(1)
        let tenths = Int((seconds * 10).rounded())
        var lines = [
            "customers   \(summary.customers)",
            "invoices    \(invoices)" + amounts(summary.invoiced),
            "paid        \(summary.invoices[.paid] ?? 0)" + amounts(summary.paid),
            "failed      \(summary.declined) declined, \(held) jobs held for a person, \(discarded) given up",
            "mails       \(summary.mails[.sent] ?? 0) sent, \(summary.mails[.refused] ?? 0) refused",
            "booked      " + summary.balances.map { "\($0.account.rawValue) \($0.amount)" }.joined(separator: ", "),
            "books       " + (summary.isBalanced ? "balance" : "DO NOT BALANCE"),
            "jobs        \(jobs) completed; this run took \(tenths / 10).\(tenths % 10) s"
                + (seconds > 0.5 ? ", \(Int(Double(jobs) / seconds)) jobs/s" : ""),
        ]
        lines += summary.violations.map { "violated    \($0)" }
        return lines
    }

    private func amounts(_ totals: [BooksSummary.Total]) -> String {
        totals.isEmpty ? "" : "  (" + totals.map { "\($0.amount)" }.joined(separator: ", ") + ")"
    }
}

extension BooksSummary {
    /// Attempts that a gateway refused.
    fileprivate var declined: Int {
        attempts.filter { !$0.key.isPending && ![.success, .refunded, .withdrawn].contains($0.key) }.reduce(0) {
            $0 + $1.value
        }
    }
}
