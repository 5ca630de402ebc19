internal import JobKit
internal import Observability
internal import Synchronization

/// Completes jobs whose handlers had nothing to write: all that ended while the last commit was under way go with the
/// next, so one waits for nobody and thousands share a commit.
final class Completions<Store: JobStore>: Sendable {
    private struct State {
        var jobs: [ClaimedJob] = []
        var isClosed = false
        var isGivenUp = false
    }

    private let worker: Worker<Store>
    private let life: Incarnation
    private let state = Mutex(State())
    private let signal = WakeSignal()
    private let meters: [JobKind: JobMetrics]
    private let ended: @Sendable ([ClaimedJob]) -> Void

    /// `ended` is called when jobs have left.
    init(
        worker: Worker<Store>, life: Incarnation, meters: [JobKind: JobMetrics],
        ended: @escaping @Sendable ([ClaimedJob]) -> Void
    ) {
        self.meters = meters
        self.worker = worker
        self.life = life
        self.ended = ended
    }

    var count: Int { state.withLock { $0.jobs.count } }

    func add(_ job: ClaimedJob) {
        let isFirst = state.withLock { state in
            state.jobs.append(job)
            return state.jobs.count == 1
        }
        if isFirst { signal.raise() }
    }

    func close() {
        state.withLock { $0.isClosed = true }
        signal.raise()
    }

    /// The worker stops at once: what cannot be committed at the next try is left to a rescue.
    func giveUp() { state.withLock { $0.isGivenUp = true } }

    /// Returns when closed and empty, or when this life is lost: then a rescue has the jobs.
    func run() async {
        while !life.isLost {
            let (count, isClosed) = state.withLock { ($0.jobs.count, $0.isClosed) }
            if count > 0 {
                guard await commit(count) else { return }
            } else if isClosed {
                return
            } else {
                await signal.sleep(for: .seconds(3600))
            }
        }
    }

    /// What one statement ends at most.
    private static var batch: Int { 2000 }

    /// False: given up.
    private func commit(_ count: Int) async -> Bool {
        let jobs = state.withLock { Array($0.jobs.prefix(min(count, Completions.batch))) }
        var mayHaveCommitted = false
        var wait = Duration.milliseconds(100)
        while !life.isLost {
            do {
                // A task of its own: the worker's end must not cut off a commit under way.
                let done = try await Task { [worker] in
                    try await worker.store.complete(jobs, now: worker.clock.now())
                }.value
                state.withLock { $0.jobs.removeFirst(jobs.count) }
                tell(jobs, done, mayHaveCommitted)
                ended(jobs)
                return true
            } catch {
                mayHaveCommitted = true
                worker.log.error(
                    "could not complete jobs; trying again", ["count": "\(jobs.count)", "error": "\(error)"])
                try? await Task { [wait] in try await Task.sleep(for: wait) }.value
                wait = min(wait * 2, .seconds(5))
                if state.withLock({ $0.isGivenUp }) { return false }
            }
        }
        return false
    }

    private func tell(_ jobs: [ClaimedJob], _ done: Set<JobID>, _ mayHaveCommitted: Bool) {
        for (kind, ended) in Dictionary(grouping: jobs, by: \.kind) {
            let stale = ended.filter { !done.contains($0.id) }
            let completed = mayHaveCommitted ? ended.count : ended.count - stale.count
            meters[kind]?.completed.increment(by: completed)
            life.tally.add(kind, completed)
            // After a lost answer they were most likely completed by the try before.
            guard !stale.isEmpty, !mayHaveCommitted else { continue }
            meters[kind]?.staleLeases.increment(by: stale.count)
            for job in stale { worker.log.error("\(StaleLease(job.lease))", ["job": "\(job.id)", "kind": kind.name]) }
        }
    }
}
