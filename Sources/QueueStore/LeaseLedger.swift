internal import JobKit
internal import Synchronization

/// Which leases of this process have jobs left. One that has none is dropped with the worker's next claim, so that the
/// table of leases stays as small as what is running.
final class LeaseLedger: Sendable {
    private struct State {
        var open: [Int64: Int] = [:]
        var finished: [WorkerID: [Int64]] = [:]
    }

    private let state = Mutex(State())

    /// Finished ones told at a claim, at most: the rest is told at the next.
    private static let batch = 500

    func opened(_ number: Int64, jobs: Int) {
        guard jobs > 0 else { return }
        state.withLock { $0.open[number] = jobs }
    }

    func ended(_ jobs: some Sequence<ClaimedJob>) {
        state.withLock { state in
            for job in jobs {
                let number = job.lease.number
                guard let left = state.open[number] else { continue }
                state.open[number] = left > 1 ? left - 1 : nil
                if left <= 1 { state.finished[job.lease.worker, default: []].append(number) }
            }
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
