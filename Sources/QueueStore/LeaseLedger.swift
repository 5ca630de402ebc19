internal import JobKit
internal import Synchronization

/// Which leases of this process have jobs left. One that has none is dropped with the worker's next claim, so that the
/// table of leases stays as small as what is running.
final class LeaseLedger: Sendable {
    private struct State {
        var open: [Int64: (worker: WorkerID, jobs: Set<JobID>)] = [:]
        var finished: [WorkerID: [Int64]] = [:]
    }

    private let state = Mutex(State())

    /// Finished ones told at a claim, at most: the rest is told at the next.
    private static let batch = 500

    func opened(_ number: Int64, by worker: WorkerID, jobs: [ClaimedJob]) {
        guard !jobs.isEmpty else { return }
        state.withLock { $0.open[number] = (worker, Set(jobs.map(\.id))) }
    }

    func ended(_ jobs: some Sequence<ClaimedJob>) {
        state.withLock { state in
            for job in jobs {
                let number = job.lease.number
                // By name, not by count: an attempt that was left behind ends a second time when it finds out.
                guard state.open[number]?.jobs.remove(job.id) != nil, state.open[number]?.jobs.isEmpty == true else {
                    continue
                }
                state.open[number] = nil
                state.finished[job.lease.worker, default: []].append(number)
            }
        }
    }

    /// A life that is over claims no more, so what it held is dropped by a rescue, and who ends late is refused.
    func forget(_ worker: WorkerID) {
        state.withLock { state in
            state.open = state.open.filter { $0.value.worker != worker }
            state.finished[worker] = nil
        }
    }

    /// Leases to drop with the next claim.
    func finished(by worker: WorkerID) -> [Int64] {
        state.withLock { Array($0.finished[worker, default: []].prefix(LeaseLedger.batch)) }
    }

    /// They have been dropped, all but those that keep a lane's place: housekeeping finds these.
    func dropped(_ numbers: [Int64], by worker: WorkerID) {
        guard !numbers.isEmpty else { return }
        let gone = Set(numbers)  // Another queue's claim may have told the same.
        state.withLock { $0.finished[worker]?.removeAll { gone.contains($0) } }
    }
}
