internal import Dates
internal import JobKit
internal import Observability

// One attempt at one job: run the handler within its limits, then write down how it ended.
extension Worker {
    func attempt(_ job: ClaimedJob, in life: Incarnation) async {
        let started = ContinuousClock.now
        let now = clock.now()
        guard let registration = registry[job.kind] else {
            preconditionFailure("claimed a job of kind \(job.kind), which no handler here knows")
        }
        if job.rescues > 0, registration.policy.whenLost == .hold {
            await end(job, as: .held(reason: "its worker was lost while it ran"), now: now)
            return
        }
        let context = JobContext(now: now, session: store.session(for: job, now: now))
        let result = await bounded(by: registration.policy.timeout, grace: settings.cancelGrace) {
            try await registration.run(job, in: context)
        }
        metrics.observe(
            "billwright_job_duration_seconds", ["kind": job.kind.name], started.duration(to: ContinuousClock.now))
        if case .cancelled = result, life.isLost { return }
        await conclude(job, result, policy: registration.policy, now: now)
    }

    private func conclude(
        _ job: ClaimedJob, _ result: BoundedResult<JobOutcome>, policy: JobPolicy, now: Instant
    ) async {
        switch result {
        case .ended(.success(let outcome)):
            switch outcome.ending {
            case .completed:
                metrics.count("billwright_jobs_completed_total", ["kind": job.kind.name])
                log.debug("completed", fields(job))
            case .snoozed(let until): await end(job, as: .snoozed(due: until), now: now)
            case .discarded(let reason): await end(job, as: .discarded(error: Worker.readable(reason)), now: now)
            case .held(let reason): await end(job, as: .held(reason: Worker.readable(reason)), now: now)
            }
        case .ended(.failure(let error as StaleLease)):
            metrics.count("billwright_stale_leases_total", ["kind": job.kind.name])
            log.error("\(error)", fields(job))
        case .ended(.failure(let error)): await fail(job, "\(error)", policy: policy)
        case .overran: await fail(job, "ran longer than \(policy.timeout)", policy: policy)
        case .cancelled: await end(job, as: .released, now: now)
        }
    }

    private func fail(_ job: ClaimedJob, _ error: String, policy: JobPolicy) async {
        metrics.count("billwright_jobs_failed_total", ["kind": job.kind.name])
        let text = Worker.readable(error)
        let now = clock.now()
        if job.attempt >= policy.maxAttempts, policy.whenExhausted == .hold {
            log.error("held after \(job.attempt) attempts", fields(job, error: text))
            await end(job, as: .held(reason: "failed \(job.attempt) times, last: \(text)"), now: now)
        } else if job.attempt >= policy.maxAttempts {
            log.error("discarded after \(job.attempt) attempts", fields(job, error: text))
            await end(job, as: .discarded(error: text), now: now)
        } else {
            log.warning("attempt failed", fields(job, error: text))
            let due = now + policy.backoff.delay(after: job.attempt, of: job.id)
            await end(job, as: .retried(due: due, error: text), now: now)
        }
    }

    /// An error is read by people; what they need stands at its beginning. Postgres keeps no text with a NUL in it.
    private static func readable(_ error: String) -> String {
        String(String.UnicodeScalarView(error.unicodeScalars.lazy.filter { $0 != "\0" }.prefix(4000)))
    }

    /// Writes the ending down, trying until it is written or somebody else has the job. While this incarnation lives,
    /// nobody would rescue a job whose ending was lost.
    private func end(_ job: ClaimedJob, as ending: AttemptEnding, now: Instant) async {
        var wait = Duration.milliseconds(100)
        while true {
            do {
                // A task of its own: the cancellation that ended the attempt must not cancel this write.
                try await Task { try await store.end(job, as: ending, now: now) }.value
                return
            } catch let stale as StaleLease {
                log.warning("\(stale)", fields(job))
                return
            } catch {
                log.error("could not write down how the attempt ended", fields(job, error: "\(error)"))
                if Task.isCancelled { return }
                try? await Task.sleep(for: wait)
                wait = min(wait * 2, .seconds(5))
            }
        }
    }

    private func fields(_ job: ClaimedJob, error: String = "") -> KeyValuePairs<String, String> {
        [
            "job": "\(job.id)", "kind": job.kind.name, "attempt": "\(job.attempt)", "lease": "\(job.lease.number)",
            "error": error,
        ]
    }
}
