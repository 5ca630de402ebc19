public import BillingPorts
public import Dates
internal import Foundation
public import JobKit
internal import Postgres
internal import QueueStore

/// What became of the jobs that a test let run.
public struct Drained: Sendable {
    /// How each attempt ended, in order: `completed`, `snoozed`, `discarded: …`, `held: …`, `failed: …`, `crashed`.
    public internal(set) var endings: [String] = []
    /// Business time when nothing was left to run.
    public internal(set) var now: Instant
}

extension BillingFixture {
    /// Runs every job of these kinds that comes due from `now` until `end`, moving time on to the next one whenever
    /// nothing is left; nil: only what is due at `now`.
    ///
    /// A worker that dies at `crash` writes down nothing more. Another takes its place, once the roster has found it lost.
    @discardableResult
    public func drain(
        from now: Instant, until end: Instant? = nil, crash: CrashPoint = .never,
        @JobRegistryBuilder<any BillingWork> _ handlers: () -> [JobRegistration<any BillingWork>]
    ) async throws -> Drained {
        let registry = JobRegistry(handlers)
        var drained = Drained(now: now)
        var worker = try await hire(registry)
        while true {
            while let job = try await claim(registry, worker, now: drained.now) {
                let attempt = Attempt(job: job, registry: registry, store: store, now: drained.now, crash: crash)
                drained.endings.append(try await attempt.run())
                guard crash.isDown else { continue }
                try await lose(worker, now: drained.now)
                crash.recover()
                worker = try await hire(registry)
            }
            guard let next = try await nextDue(registry, worker, after: drained.now), next <= end ?? now else { break }
            drained.now = next
        }
        try await roster.retire(worker)
        return drained
    }

    private func hire(_ registry: JobRegistry<any BillingWork>) async throws -> WorkerID {
        let worker = WorkerID(UUID())
        try await roster.register(
            WorkerDescription(
                id: worker, host: "test", processID: 1, release: "test", queues: Array(registry.queues)))
        return worker
    }

    /// Takes all jobs from their workers, who do not know yet.
    public func loseWorkers(now: Instant) async throws { try await lose("true", now: now) }

    private func lose(_ worker: WorkerID, now: Instant) async throws { try await lose("id = \(worker.uuid)", now: now) }

    /// As silence would; others that work beside them are not lost, however slow the test's machine is.
    private func lose(_ workers: SQL, now: Instant) async throws {
        _ = try await pool.query("UPDATE queue.workers SET beat_at = beat_at - interval '1 hour' WHERE \(workers)")
        _ = try await roster.rescueLost(expiry: .seconds(1800), budget: 3, now: now)
    }

    private func requests(_ registry: JobRegistry<any BillingWork>, _ worker: WorkerID) -> [ClaimRequest] {
        registry.queues.sorted { $0.name < $1.name }.map { queue in
            let kinds = registry.registrations.filter { $0.queue == queue }.map { ($0.kind, $0.version) }
            return ClaimRequest(
                worker: worker, queue: queue, kinds: Dictionary(uniqueKeysWithValues: kinds), limit: 1)
        }
    }

    private func claim(
        _ registry: JobRegistry<any BillingWork>, _ worker: WorkerID, now: Instant
    ) async throws -> ClaimedJob? {
        for request in requests(registry, worker) {
            if let job = try await store.claim(request, now: now).first { return job }
        }
        return nil
    }

    private func nextDue(
        _ registry: JobRegistry<any BillingWork>, _ worker: WorkerID, after now: Instant
    ) async throws -> Instant? {
        var earliest: Instant?
        for request in requests(registry, worker) {
            guard let due = try await store.nextDue(request, after: now) else { continue }
            earliest = earliest.map { min($0, due) } ?? due
        }
        return earliest
    }
}

/// One attempt, ended as a worker ends it. Only what a worker decides by the wall clock is left out.
private struct Attempt {
    let job: ClaimedJob
    let registry: JobRegistry<any BillingWork>
    let store: any JobStore<any BillingWork>
    let now: Instant
    let crash: CrashPoint

    func run() async throws -> String {
        guard let registration = registry[job.kind] else {
            preconditionFailure("claimed a job of kind \(job.kind), which no handler here knows")
        }
        let session = CrashingSession(session: store.session(for: job, now: now), crash: crash)
        let result: Result<JobOutcome, any Error>
        do {
            result = .success(try await registration.run(job, in: JobContext(now: now, session: session)))
        } catch { result = .failure(error) }
        // Whatever a handler makes of its own death, nobody hears of it.
        guard !crash.isDown else { return "crashed" }
        switch result {
        case .success(let outcome): return try await end(outcome.ending)
        case .failure(let error): return try await fail("\(error)", registration.policy)
        }
    }

    private func end(_ ending: JobOutcome.Ending) async throws -> String {
        switch ending {
        case .completed: return "completed"
        case .finished: return try await complete()
        case .snoozed(let due): return try await write(.snoozed(due: due), "snoozed")
        case .discarded(let reason): return try await write(.discarded(error: reason), "discarded: \(reason)")
        case .held(let reason): return try await write(.held(reason: reason), "held: \(reason)")
        }
    }

    private func complete() async throws -> String {
        guard crash.survives("before the completion is written down") else { return "crashed" }
        guard try await store.complete([job], now: now) == [job.id] else { throw StaleLease(job.lease) }
        guard crash.survives("after the completion is written down") else { return "crashed" }
        return "completed"
    }

    private func fail(_ error: String, _ policy: JobPolicy) async throws -> String {
        if job.attempt >= policy.maxAttempts, policy.whenExhausted == .hold {
            return try await write(.held(reason: error), "held: \(error)")
        }
        if job.attempt >= policy.maxAttempts { return try await write(.discarded(error: error), "discarded: \(error)") }
        let due = now + policy.backoff.delay(after: job.attempt, of: job.id)
        return try await write(.retried(due: due, error: error), "failed: \(error)")
    }

    private func write(_ ending: AttemptEnding, _ text: String) async throws -> String {
        guard crash.survives("before the ending is written down") else { return "crashed" }
        try await store.end(job, as: ending, now: now)
        guard crash.survives("after the ending is written down") else { return "crashed" }
        return text
    }
}
