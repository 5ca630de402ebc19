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
    private let running = RunningJobs()

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
        var mayHoldStrays = false
        await withDiscardingTaskGroup { attempts in
            while drain.stage == .running && !Task.isCancelled {
                let free = slots - running.count
                guard free > 0 else {
                    await signal.sleep(for: worker.settings.pollInterval)
                    continue
                }
                let request = ClaimRequest(
                    worker: life.id, queue: queue, kinds: versions, limit: min(free, QueueLoop.claimLimit))
                if mayHoldStrays { mayHoldStrays = await !giveBackStrays() }
                guard !mayHoldStrays, let jobs = await claim(request) else {
                    // The claim may have been committed and only its answer lost: nobody else would find those jobs.
                    mayHoldStrays = true
                    await signal.sleep(for: .seconds(1))
                    continue
                }
                for job in jobs {
                    running.start(job.id)
                    attempts.addTask {
                        await worker.attempt(job, in: life)
                        running.end(job.id)
                        signal.raise()
                    }
                }
                if jobs.count < request.limit { await signal.sleep(for: await idleTime(request)) }
            }
        }
    }

    /// Whether there are none any more.
    private func giveBackStrays() async -> Bool {
        do {
            try await worker.store.giveBackStrays(of: life.id, in: queue, running: running.all)
            return true
        } catch {
            worker.log.warning("cannot look for lost claims; trying again", ["queue": queue.name, "error": "\(error)"])
            return false
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

/// The jobs of a queue that are running here.
private final class RunningJobs: Sendable {
    private let jobs = Mutex<Set<JobID>>([])

    var count: Int { jobs.withLock { $0.count } }
    var all: Set<JobID> { jobs.withLock { $0 } }
    func start(_ job: JobID) { jobs.withLock { _ = $0.insert(job) } }
    func end(_ job: JobID) { jobs.withLock { _ = $0.remove(job) } }
}
