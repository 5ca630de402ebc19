internal import Dates
internal import JobKit
internal import Observability
internal import Synchronization

/// Keeps one queue's slots full: claims no more than can start at once, so nothing waits in memory that another worker
/// could be running.
struct QueueLoop<Store: JobStore>: Sendable {
    let worker: Worker<Store>
    let queue: QueueName
    let life: Incarnation
    let signal: WakeSignal
    private let running = RunningCount()

    init(worker: Worker<Store>, queue: QueueName, life: Incarnation, signal: WakeSignal) {
        self.worker = worker
        self.queue = queue
        self.life = life
        self.signal = signal
    }

    /// Past this, one claim holds its locks longer than it saves.
    private static var claimLimit: Int { 100 }

    /// Returns when told to drain or cancelled, after every attempt it started has ended.
    func run(until drain: Drain) async {
        let kinds = worker.registry.registrations.filter { $0.queue == queue }
        let versions = Dictionary(uniqueKeysWithValues: kinds.map { ($0.kind, $0.version) })
        let slots = worker.settings.concurrency(of: queue)
        await withDiscardingTaskGroup { attempts in
            while drain.stage == .running && !Task.isCancelled {
                let free = slots - running.now
                guard free > 0 else {
                    await signal.sleep(for: worker.settings.pollInterval)
                    continue
                }
                let request = ClaimRequest(
                    worker: life.id, queue: queue, kinds: versions, limit: min(free, QueueLoop.claimLimit))
                guard let jobs = await claim(request) else {
                    await signal.sleep(for: .seconds(1))
                    continue
                }
                for job in jobs {
                    running.start()
                    attempts.addTask {
                        await worker.attempt(job, in: life)
                        running.end()
                        signal.raise()
                    }
                }
                if jobs.count < request.limit { await signal.sleep(for: await idleTime(request)) }
            }
        }
    }

    /// Nil: the database did not answer.
    private func claim(_ request: ClaimRequest) async -> [ClaimedJob]? {
        do {
            let jobs = try await worker.store.claim(request, now: worker.clock.now())
            worker.metrics.count("billwright_jobs_claimed_total", ["queue": queue.name], by: jobs.count)
            return jobs
        } catch {
            worker.log.warning("claim failed; trying again", ["queue": queue.name, "error": "\(error)"])
            return nil
        }
    }

    /// Until the next job comes due, at most the poll interval.
    private func idleTime(_ request: ClaimRequest) async -> Duration {
        let now = worker.clock.now()
        guard let due = try? await worker.store.nextDue(request, after: now) else {
            return worker.settings.pollInterval
        }
        return min(max(due - now, .zero), worker.settings.pollInterval)
    }
}

/// How many attempts of a queue are running.
private final class RunningCount: Sendable {
    private let count = Atomic<Int>(0)

    var now: Int { count.load(ordering: .acquiring) }
    func start() { count.add(1, ordering: .acquiringAndReleasing) }
    func end() { count.subtract(1, ordering: .acquiringAndReleasing) }
}
