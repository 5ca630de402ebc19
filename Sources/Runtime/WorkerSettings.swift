public import JobKit

/// A worker's limits. The defaults keep a lost job invisible for less than 30 seconds: 20 until its worker is declared
/// lost, 5 until someone looks, and the rest to claim it.
public struct WorkerSettings: Sendable {
    /// Jobs of one queue that run at a time in this process.
    public var concurrency: Int
    /// Where a queue needs another number.
    public var concurrencyByQueue: [QueueName: Int]
    /// How long a lost wake-up can go unnoticed.
    public var pollInterval: Duration = .seconds(2)
    public var beatInterval: Duration = .seconds(5)
    /// Silence after which others take a worker's jobs.
    public var expiry: Duration = .seconds(20)
    /// Silence after which a worker gives itself up; short of `expiry`, so that it stops before its jobs move on.
    public var surrender: Duration = .seconds(12)
    public var rescueInterval: Duration = .seconds(5)
    /// A job whose worker was lost this often is held for a person: it may be what kills them.
    public var rescueBudget = 3
    /// How long running jobs may finish after the first order to stop.
    public var drainGrace: Duration = .seconds(30)
    /// How long a cancelled handler may take to end before it is left behind.
    public var cancelGrace: Duration = .seconds(5)

    /// In place of what the kind's policy says.
    public var breakers: [JobKind: Breaker] = [:]
    /// By the gateway's name; one that is not named may be called without limit.
    public var rates: [String: CallRate] = [:]

    public init(concurrency: Int = 8, concurrencyByQueue: [QueueName: Int] = [:]) {
        precondition(concurrency >= 1 && concurrencyByQueue.values.allSatisfy { $0 >= 1 })
        self.concurrency = concurrency
        self.concurrencyByQueue = concurrencyByQueue
    }

    func concurrency(of queue: QueueName) -> Int { concurrencyByQueue[queue] ?? concurrency }
}
