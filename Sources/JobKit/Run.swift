/// One run: its id for life.
public struct RunID: Hashable, Sendable, CustomStringConvertible {
    public let number: Int64

    public init(_ number: Int64) { self.number = number }

    public var description: String { String(number) }
}

/// Jobs that are counted together, and the one job to enqueue when the last of them has ended.
///
/// A run is opened, jobs are enqueued into it over as many transactions as it takes, and it is sealed. From then on only
/// its own jobs add to it. A held job has not ended: the run waits for the person it waits for.
public struct NewRun: Sendable {
    /// What makes opening it again find it: "billing/7/2026-11-30".
    public let name: String
    public let tenant: Int64?
    /// Enqueued exactly once, in the transaction that ends the run; left out when a live job has its unique key.
    public let followUp: NewJob?

    public init(name: String, tenant: Int64?, followUp: NewJob? = nil) {
        precondition(!name.isEmpty && followUp?.dueAt == nil && followUp?.uniqueWindow == nil && followUp?.run == nil)
        self.name = name
        self.tenant = tenant
        self.followUp = followUp
    }
}

/// A run as whoever opens it finds it.
public struct OpenedRun: Hashable, Sendable {
    public enum State: Hashable, Sendable { case open, sealed, ended }

    public let id: RunID
    public let state: State

    public init(id: RunID, state: State) {
        self.id = id
        self.state = state
    }
}

/// Jobs were enqueued into a run by somebody outside it after it was sealed, or into one that was never opened.
public struct RunSealed: Error, Hashable, CustomStringConvertible {
    public let runs: [RunID]

    public init(runs: [RunID]) { self.runs = runs }

    public var description: String {
        "of the runs \(runs.map(\.description).joined(separator: ", ")) one is sealed, or was never opened; nothing was enqueued"
    }
}
