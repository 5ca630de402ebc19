internal import Dates
internal import FoundationEssentials
internal import Glibc
public import JobKit
public import Observability
internal import Synchronization

/// Claims jobs and runs their handlers, as one incarnation after another.
///
/// An incarnation registers under a random id, beats, and ends when it is told to stop or can no longer prove that it is
/// alive. Then its handlers are cancelled, and whatever one of them still tries to commit is refused by the fence.
public struct Worker<Store: JobStore>: Sendable {
    let store: Store
    let roster: any WorkerRoster
    let registry: JobRegistry<Store.Work>
    let clock: any BusinessClock
    let settings: WorkerSettings
    let release: String
    let log: Log
    let metrics: Metrics

    public init(
        store: Store, roster: any WorkerRoster, registry: JobRegistry<Store.Work>, clock: any BusinessClock,
        settings: WorkerSettings, release: String, log: Log, metrics: Metrics
    ) {
        self.store = store
        self.roster = roster
        self.registry = registry
        self.clock = clock
        self.settings = settings
        self.release = release
        self.log = log
        self.metrics = metrics
    }

    /// Runs until `drain` says stop; through losses of the database as well.
    public func run(until drain: Drain) async {
        while drain.stage == .running && !Task.isCancelled {
            let life = Incarnation()
            do {
                try await store.limit(limits, settings.rates)
                try await roster.register(description(of: life.id))
            } catch {
                // Cancelled it could not even wait for the next try.
                if Task.isCancelled { return }
                log.warning("cannot register; trying again", ["error": "\(error)"])
                await drain.wait(for: .draining, atMost: .seconds(1))
                continue
            }
            log.info("working", ["worker": "\(life.id)", "queues": queueNames])
            await live(life, until: drain)
        }
    }

    private func description(of id: WorkerID) -> WorkerDescription {
        WorkerDescription(
            id: id, host: ProcessInfo.processInfo.hostName, processID: getpid(), release: release,
            queues: registry.queues.sorted { $0.name < $1.name },
            kinds: registry.registrations.map { KindDescription($0) })
    }

    private var limits: [KindLimits] {
        registry.registrations.map { kind in
            KindLimits(
                kind: kind.kind, gateway: kind.policy.gateway, callsPerAttempt: kind.policy.callsPerAttempt,
                breaker: settings.breakers[kind.kind] ?? kind.policy.breaker)
        }
    }

    private var queueNames: String { registry.queues.map(\.name).sorted().joined(separator: ",") }

    private enum Event { case allQueuesIdle, presumedLost, graceOver }

    /// One incarnation. Beats go on while it drains, so that nobody takes jobs it is about to finish.
    private func live(_ life: Incarnation, until drain: Drain) async {
        let signals = Dictionary(uniqueKeysWithValues: registry.queues.map { ($0, WakeSignal()) })
        await withTaskGroup(of: Event.self) { group in
            group.addTask {
                await beat(as: life.id)
                return .presumedLost
            }
            group.addTask {
                await withDiscardingTaskGroup { chores in
                    chores.addTask { await rescueOthers(waking: signals) }
                    chores.addTask { await relayWakeUps(to: signals) }
                    chores.addTask { await endRuns(told: life.runs) }
                    chores.addTask { await watchKinds(of: life.tally) }
                    await runQueues(as: life, signals: signals, until: drain)
                    chores.cancelAll()
                }
                return .allQueuesIdle
            }
            group.addTask {
                await drain.wait(for: .draining)
                signals.values.forEach { $0.raise() }
                await drain.wait(for: .stopped, atMost: settings.drainGrace)
                return .graceOver
            }
            // A beat that ends because this task was cancelled says nothing of who is lost.
            if await group.next() == .presumedLost, !Task.isCancelled {
                life.endAsLost()
                log.error("declared lost, or could not beat in time; stopping what runs", ["worker": "\(life.id)"])
            }
            group.cancelAll()
        }
        // Leases that could not be given back keep the row, so that a rescue finds them by it. A lost life has no row, and
        // most likely no database to ask.
        if !life.isLost { try? await roster.retire(life.id) }
        store.forget(life.id)
    }

    private func runQueues(as life: Incarnation, signals: [QueueName: WakeSignal], until drain: Drain) async {
        await withDiscardingTaskGroup { queues in
            for (queue, signal) in signals {
                queues.addTask {
                    let loop = QueueLoop(worker: self, queue: queue, life: life, signal: signal)
                    await loop.run(until: drain)
                }
            }
        }
    }

    private func relayWakeUps(to signals: [QueueName: WakeSignal]) async {
        for await queue in store.wakeUps() {
            if let queue { signals[queue]?.raise() } else { signals.values.forEach { $0.raise() } }
        }
    }
}

/// One life of a worker: a random id, from registration to retirement or loss.
final class Incarnation: Sendable {
    let id = WorkerID(UUID())
    /// Raised when a job of a run has ended here.
    let runs = WakeSignal()
    let tally = Tally()
    private let lost = Atomic<Bool>(false)

    /// Whether it was given up. Then it gives nothing back: a rescue takes its jobs and counts that, so a job that takes
    /// its workers down is held in the end instead of going round for ever.
    var isLost: Bool { lost.load(ordering: .acquiring) }
    func endAsLost() { lost.store(true, ordering: .releasing) }
}

/// How many attempts have completed since a breaker was last told.
final class Tally: Sendable {
    private let counts = Mutex<[JobKind: Int]>([:])

    func add(_ kind: JobKind, _ completed: Int = 1) { counts.withLock { $0[kind, default: 0] += completed } }

    func take() -> [JobKind: Int] {
        counts.withLock { counts in
            defer { counts = [:] }
            return counts
        }
    }
}
