internal import Dates
internal import JobKit
internal import Observability
internal import Synchronization

/// Keeps one queue's slots busy.
///
/// It claims what can start at once, and of jobs that are over in a moment as many more as the slots would end in
/// `lookahead`: a round trip for each would cost more than the jobs. Where jobs take long nothing waits here that another
/// worker could be running.
final class QueueLoop<Store: JobStore>: Sendable {
    let worker: Worker<Store>
    let queue: QueueName
    let life: Incarnation
    let signal: WakeSignal
    let backlog: Backlog
    let inHand: JobsInHand
    let completions: Completions<Store>
    let crew: Crew
    let meters: [JobKind: JobMetrics]
    private let pace = Mutex(Pace())

    init(worker: Worker<Store>, queue: QueueName, life: Incarnation, signal: WakeSignal) {
        self.worker = worker
        self.queue = queue
        self.life = life
        self.signal = signal
        inHand = JobsInHand(runs: life.runs)
        let meters = Dictionary(
            uniqueKeysWithValues: worker.registry.registrations.filter { $0.queue == queue }.map {
                ($0.kind, JobMetrics(worker.metrics, queue: queue, kind: $0.kind))
            })
        self.meters = meters
        // A slot that waits is room for a job, and only now can it be seen.
        backlog = Backlog { signal.raise() }
        completions = Completions(worker: worker, life: life, meters: meters) { [inHand] jobs in
            inHand.end(jobs)
            signal.raise()
        }
        crew = Crew()
    }

    /// Returns when told to drain or cancelled, after every attempt it started has ended or was left behind.
    func run(until drain: Drain) async {
        for _ in 0..<worker.settings.concurrency(of: queue) { startSlot() }
        // Tasks of their own: what runs must be seen to its end also when this one is cancelled.
        let committing = Task { await completions.run() }
        let watching = Task { await watchSlots() }
        await claimJobs(until: drain)
        await giveBackUnstarted()
        await withTaskCancellationHandler {
            await crew.dismissed()
        } onCancel: {
            crew.cancelAll()
        }
        completions.close()
        await withTaskCancellationHandler {
            await committing.value
        } onCancel: {
            completions.giveUp()
        }
        watching.cancel()
        await watching.value
    }

    private func claimJobs(until drain: Drain) async {
        let kinds = worker.registry.registrations.filter { $0.queue == queue }
        let versions = Dictionary(uniqueKeysWithValues: kinds.map { ($0.kind, $0.version) })
        var mayHoldStrays = false
        var isDeclared = false
        var lastSweep = ContinuousClock.now
        while drain.stage == .running && !Task.isCancelled && !life.isLost {
            let room = room()
            guard room > 0 else {
                await signal.sleep(for: worker.settings.pollInterval)
                continue
            }
            let request = ClaimRequest(worker: life.id, queue: queue, kinds: versions, limit: room)
            // A claim given up here may still commit there, after the first look.
            if mayHoldStrays || lastSweep.duration(to: .now) > .seconds(60) {
                mayHoldStrays = await !giveBackStrays()
                lastSweep = .now
            }
            guard !mayHoldStrays, let jobs = await claim(request) else {
                // The claim may have been committed and only its answer lost: nobody else would find those jobs.
                mayHoldStrays = true
                await signal.sleep(for: .seconds(1))
                continue
            }
            inHand.begin(jobs)
            backlog.add(jobs)
            if jobs.isEmpty {
                isDeclared = await rest(request, isDeclared: isDeclared)
            } else if isDeclared {
                isDeclared = false
                getUp()
            }
        }
        await worker.store.declare(life.id, asleep: false, in: queue)
    }

    /// Sleeps until there may be something to claim. Returns whether it stands declared that this worker sleeps.
    ///
    /// The first moments pass undeclared: on a busy system they are all there is, and nobody outside pays for a wake-up.
    private func rest(_ request: ClaimRequest, isDeclared: Bool) async -> Bool {
        let idle = await idleTime(request)
        if isDeclared {
            if await signal.sleep(for: idle) {
                getUp()
                return false
            }
        } else {
            let isRaised = await signal.sleep(for: min(idle, QueueLoop.doze))
            if isRaised || idle < QueueLoop.doze { return false }
        }
        // What was committed until now is seen by the claim that follows.
        await worker.store.declare(life.id, asleep: true, in: queue)
        return true
    }

    /// Off the path of what woke us.
    private func getUp() {
        Task { [worker, life, queue] in await worker.store.declare(life.id, asleep: false, in: queue) }
    }

    private static var doze: Duration { .milliseconds(100) }

    /// How many more jobs to claim now; none while half of what is foreseen is still there.
    private func room() -> Int {
        let ahead = backlog.count
        let foreseen = pace.withLock { $0.jobs(in: QueueLoop.lookahead) }
        let wanted = min(backlog.idle + foreseen, QueueLoop.claimLimit)
        guard ahead * 2 <= foreseen, completions.count < 2 * QueueLoop.claimLimit else { return 0 }
        return max(wanted - ahead, 0)
    }

    private static var lookahead: Duration { .milliseconds(50) }
    /// Past this a claim holds its lane longer than it saves.
    private static var claimLimit: Int { 2000 }

    /// A job has left its slot: there may be room again.
    func noteEnd() {
        pace.withLock { $0.ended += 1 }
        if room() > 0 { signal.raise() }
    }

    private func giveBackUnstarted() async {
        let rest = backlog.close()
        guard !rest.isEmpty, !life.isLost else { return }
        do { try await Task { [worker] in try await worker.store.giveBack(rest) }.value } catch {
            worker.log.error("could not give back claimed jobs; a rescue will", ["error": "\(error)"])
        }
    }

    /// Whether there are none any more.
    private func giveBackStrays() async -> Bool {
        do {
            try await worker.store.giveBackStrays(of: life.id, in: queue, running: inHand.all)
            return true
        } catch {
            if Task.isCancelled { return false }
            worker.log.warning("cannot look for lost claims; trying again", ["queue": queue.name, "error": "\(error)"])
            return false
        }
    }

    /// Nil: the database did not answer.
    private func claim(_ request: ClaimRequest) async -> [ClaimedJob]? {
        do {
            let jobs = try await worker.store.claim(request, now: worker.clock.now())
            for (kind, claimed) in Dictionary(grouping: jobs, by: \.kind) {
                meters[kind]?.claimed.increment(by: claimed.count)
            }
            return jobs
        } catch {
            // What a claim that was cut off may have leased goes with this worker's life.
            if Task.isCancelled { return nil }
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

/// Every job that was claimed here and whose end is not yet written down: what is no stray.
final class JobsInHand: Sendable {
    private let jobs = Mutex<Set<JobID>>([])
    /// Raised when a job of a run has ended.
    private let runs: WakeSignal

    init(runs: WakeSignal) { self.runs = runs }

    var all: Set<JobID> { jobs.withLock { $0 } }
    func begin(_ new: [ClaimedJob]) { jobs.withLock { $0.formUnion(new.lazy.map(\.id)) } }
    func end(_ ended: [ClaimedJob]) {
        jobs.withLock { $0.subtract(ended.lazy.map(\.id)) }
        if ended.contains(where: { $0.run != nil }) { runs.raise() }
    }
    func end(_ job: ClaimedJob) { end([job]) }
}

/// How fast jobs of a queue end here.
private struct Pace {
    var ended = 0
    private var since = ContinuousClock.now
    private var perSecond = 0.0

    /// How many end in `time`, as the last moments went.
    mutating func jobs(in time: Duration) -> Int {
        let elapsed = since.duration(to: .now) / .seconds(1)
        if elapsed >= 0.002, ended > 0 || elapsed > 0.1 {
            perSecond = Double(ended) / elapsed
            ended = 0
            since = .now
        }
        return Int(perSecond * (time / .seconds(1)))
    }
}
