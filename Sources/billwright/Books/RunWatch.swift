internal import Accounts
internal import BillingPorts
internal import BooksStore
internal import Commands
internal import Dates
internal import JSONText
internal import JobKit
internal import Money
internal import QueueStore
internal import Runtime

/// Follows a run until nothing of it is left to do at once; it goes on whether somebody watches or not.
struct RunWatch: Sendable {
    let desk: BooksDesk
    let name: String
    let isJSON: Bool

    private static let interval = Duration.seconds(1)

    private var runs: QueueRuns { QueueRuns(pool: desk.composition.control) }

    /// Returns 1 if any of its jobs failed or are held, or it was stopped.
    func follow() async throws -> Int32 {
        let drain = Drain()
        let signals = Signals(drain)
        defer { signals.cancel() }
        var told = ""
        while true {
            guard let run = try await runs.find(name) else { return 1 }
            let progress = try await runs.progress(of: run.id)
            let line = RunsCommands.line(run, progress)
            if line != told { Terminal.note(line) }
            told = line
            if run.state == .ended || progress.isAtRest {
                return try await tell(status: progress.failed + progress.held == 0 ? 0 : 1)
            }
            if run.state == .stopped {
                Terminal.note("it was stopped: billwright runs resume \(name) --reason …")
                return try await tell(status: 1)
            }
            await drain.wait(for: .draining, atMost: Self.interval)
            if drain.stage > .running {
                Terminal.note(
                    "the run goes on: billwright runs show \(name); to stop it: billwright runs stop \(name) --reason …"
                )
                return try await tell(status: 0)
            }
        }
    }

    /// How it stands, on standard output.
    func tell(status: Int32) async throws -> Int32 {
        guard let run = try await runs.find(name) else { return 1 }
        let progress = try await runs.progress(of: run.id)
        Terminal.print(isJSON ? RunsCommands.json(run, progress).text() : RunsCommands.line(run, progress))
        if progress.held > 0, !isJSON {
            for customer in try await BillingRuns.heldCustomers(of: run.id, desk).prefix(Self.named) {
                guard let open = try await desk.inspection.accounts([customer]).first else { continue }
                let reason =
                    open.account.parking.map { "\($0.total): \($0.reason)" }
                    ?? "billwright jobs list --run \(run.id) --state held"
                Terminal.print("  held \(open.account.code)  \(reason)")
            }
        }
        return status
    }

    /// Held customers that a person is told of.
    private static let named = 50
}

extension QueueRuns.Progress {
    /// Whether what is left waits for a person or for its time.
    fileprivate var isAtRest: Bool {
        jobs.allSatisfy { state, _ in ["completed", "discarded", "cancelled", "held", "scheduled"].contains(state) }
    }
}
