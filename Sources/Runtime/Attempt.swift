internal import Dates
internal import JobKit
internal import Observability

// One attempt after another in a slot: run the handler within its limits, then see to it that its end is written down.
extension QueueLoop {
    func startSlot() {
        let slot = AttemptSlot()
        guard crew.join(slot) else { return }
        slot.start(Task { await self.work(in: slot) })
    }

    private func work(in slot: AttemptSlot) async {
        while !slot.isSpent, let job = await backlog.next() {
            guard let result = await attempt(job, in: slot) else { return }
            await worker.conclude(job, result, in: self)
            noteEnd()
        }
        leave(slot)
    }

    private func leave(_ slot: AttemptSlot) {
        if slot.isSpent { startSlot() }
        crew.leave(slot)
    }

    /// Nil: the handler was left behind and its attempt has been ended by another.
    private func attempt(_ job: ClaimedJob, in slot: AttemptSlot) async -> AttemptResult? {
        guard let registration = worker.registry[job.kind] else {
            preconditionFailure("claimed a job of kind \(job.kind), which no handler here knows")
        }
        if job.rescues > 0, registration.policy.whenLost == .hold { return .lostBefore }
        let started = ContinuousClock.now
        guard slot.begin(job, until: started + registration.policy.timeout) else { return .cancelled }
        let now = worker.clock.now()
        let context = JobContext(now: now, session: worker.store.session(for: job, now: now))
        let outcome: Result<JobOutcome, any Error>
        meters[job.kind]?.latency.observe(max(now - job.dueAt, .zero))
        do { outcome = .success(try await traced(job, registration, context)) } catch { outcome = .failure(error) }
        meters[job.kind]?.duration.observe(started.duration(to: ContinuousClock.now))
        switch (slot.end(), outcome) {
        case (.leftBehind, _): return nil
        // An error after we cancelled is the cancellation, whatever the handler made of it.
        case (.cancelled(let cause), .failure): return AttemptResult(cause)
        case (_, let outcome): return .ended(outcome)
        }
    }

    /// What the handler calls and enqueues belongs to the trace of whoever enqueued the job.
    private func traced(
        _ job: ClaimedJob, _ registration: JobRegistration<Store.Work>, _ context: JobContext<Store.Work>
    ) async throws -> JobOutcome {
        guard let parent = job.trace.flatMap(TraceContext.init(traceparent:)) else {
            return try await registration.run(job, in: context)
        }
        var generator = SystemRandomNumberGenerator()
        return try await TraceContext.$current.withValue(parent.child(span: SpanID(using: &generator))) {
            try await registration.run(job, in: context)
        }
    }

    /// Looks after handlers that are over their time, until cancelled.
    func watchSlots() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(25))
            let slots = crew.slots
            let now = ContinuousClock.now
            for slot in slots {
                guard let (job, cause) = slot.check(at: now, grace: worker.settings.cancelGrace) else { continue }
                // First its place: writing the end down can take as long as the database is away.
                leave(slot)
                Task { await self.worker.conclude(job, AttemptResult(cause), in: self) }
            }
        }
    }
}

/// What became of an attempt.
enum AttemptResult: Sendable {
    case ended(Result<JobOutcome, any Error>)
    /// It was cancelled because it took too long.
    case overran
    /// It was cancelled because the worker stops.
    case cancelled
    /// Its kind wants a person to look when a worker was lost.
    case lostBefore

    init(_ cause: AttemptSlot.Cause) {
        switch cause {
        case .overran: self = .overran
        case .stopped: self = .cancelled
        }
    }
}

extension Worker {
    /// Sees to it that the end of an attempt is written down; after that the job is in hand no more, unless it goes with
    /// others.
    func conclude(_ job: ClaimedJob, _ result: AttemptResult, in loop: QueueLoop<Store>) async {
        if case .ended(.success(let outcome)) = result, case .finished = outcome.ending {
            loop.completions.add(job)
            return
        }
        await settle(job, result, in: loop)
        loop.inHand.end(job)
    }

    private func settle(_ job: ClaimedJob, _ result: AttemptResult, in loop: QueueLoop<Store>) async {
        switch result {
        case .ended(.success(let outcome)): await settle(job, outcome.ending, in: loop)
        case .ended(.failure(let error as StaleLease)):
            loop.meters[job.kind]?.staleLeases.increment()
            log.error("\(error)", fields(job))
        case .ended(.failure(let error as EffectOverLimit)):
            log.error("kind stopped by its breaker", fields(job, error: "\(error)"))
            await end(job, as: .released, now: clock.now(), in: loop)
        case .ended(.failure(let error)): await fail(job, "\(error)", in: loop)
        case .overran:
            await fail(job, "ran longer than \(registry[job.kind]?.policy.timeout ?? .zero)", in: loop)
        // A life that was lost gives nothing back: a rescue takes its jobs and counts that.
        case .cancelled where loop.life.isLost: return
        case .cancelled: await end(job, as: .released, now: clock.now(), in: loop)
        case .lostBefore:
            await end(job, as: .held(reason: "its worker was lost while it ran"), now: clock.now(), in: loop)
        }
    }

    private func settle(_ job: ClaimedJob, _ ending: JobOutcome.Ending, in loop: QueueLoop<Store>) async {
        switch ending {
        case .finished, .completed:
            loop.meters[job.kind]?.completed.increment()
            loop.life.tally.add(job.kind)
        case .snoozed(let until): await end(job, as: .snoozed(due: until), now: clock.now(), in: loop)
        case .discarded(let reason):
            await end(job, as: .discarded(error: Worker.readable(reason)), now: clock.now(), in: loop)
        case .held(let reason): await end(job, as: .held(reason: Worker.readable(reason)), now: clock.now(), in: loop)
        }
    }

    private func fail(_ job: ClaimedJob, _ error: String, in loop: QueueLoop<Store>) async {
        guard let policy = registry[job.kind]?.policy else { return }
        loop.meters[job.kind]?.failed.increment()
        let text = Worker.readable(error)
        let now = clock.now()
        if job.attempt >= policy.maxAttempts, policy.whenExhausted == .hold {
            log.error("held after \(job.attempt) attempts", fields(job, error: text))
            await end(job, as: .held(reason: "failed \(job.attempt) times, last: \(text)"), now: now, in: loop)
        } else if job.attempt >= policy.maxAttempts {
            log.error("given up after \(job.attempt) attempts", fields(job, error: text))
            await end(job, as: .discarded(error: text), now: now, in: loop)
        } else {
            log.warning("attempt failed", fields(job, error: text))
            let due = now + policy.backoff.delay(after: job.attempt, of: job.id)
            await end(job, as: .retried(due: due, error: text), now: now, in: loop)
        }
    }

    /// An error is read by people; what they need stands at its beginning. Postgres keeps no text with a NUL in it.
    private static func readable(_ error: String) -> String {
        let kept = error.unicodeScalars.lazy.filter { $0 != "\0" }.prefix(4001)
        guard kept.count > 4000 else { return String(String.UnicodeScalarView(kept)) }
        return String(String.UnicodeScalarView(kept.prefix(4000))) + "… (cut, \(error.utf8.count) bytes)"
    }

    /// Writes the ending down, trying until it is written or somebody else has the job. While this incarnation lives,
    /// nobody would rescue a job whose ending was lost.
    private func end(_ job: ClaimedJob, as ending: AttemptEnding, now: Instant, in loop: QueueLoop<Store>) async {
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
                if Task.isCancelled || loop.life.isLost { return }
                try? await Task.sleep(for: wait)
                wait = min(wait * 2, .seconds(5))
            }
        }
    }

    private func fields(_ job: ClaimedJob, error: String = "") -> KeyValuePairs<String, String> {
        [
            "job": "\(job.id)", "kind": job.kind.name, "attempt": "\(job.attempt)", "lease": "\(job.lease.number)",
            "key": job.serialKey ?? "", "trace": job.trace ?? "", "error": error,
        ]
    }
}
