internal import JobKit
internal import Observability

// Staying alive, and taking over from those who did not. Real time only: no business clock here. What fails because its
// task was cancelled is no failure, and nobody is told of it.
extension Worker {
    /// Beats until cancelled. Returns when this incarnation must count itself lost: the roster has forgotten it, or no
    /// beat got through for `surrender`.
    func beat(as id: WorkerID) async {
        var lastHeard = ContinuousClock.now
        while !Task.isCancelled {
            // Counted from before the call: an answer that took long proves no more than its start.
            let asked = ContinuousClock.now
            do {
                let heartbeat = try await roster.beat(id)
                guard heartbeat.isRegistered else { return }
                guard asked - lastHeard < settings.surrender else { return }
                lastHeard = asked
                clock.synchronise(databaseTime: heartbeat.databaseTime)
            } catch {
                if Task.isCancelled { return }
                log.warning("heartbeat failed", ["worker": "\(id)", "error": "\(error)"])
                if ContinuousClock.now - lastHeard >= settings.surrender { return }
            }
            let next = asked + settings.beatInterval
            try? await Task.sleep(until: min(next, lastHeard + settings.surrender), clock: .continuous)
        }
    }

    /// Every worker rescues; locks keep two from taking the same job.
    func rescueOthers(waking signals: [QueueName: WakeSignal]) async {
        while !Task.isCancelled {
            var isUnfinished = false
            do {
                let rescue = try await roster.rescueLost(
                    expiry: settings.expiry, budget: settings.rescueBudget, now: clock.now())
                if !rescue.requeued.isEmpty {
                    log.warning("rescued jobs of lost workers", ["count": "\(rescue.requeued.count)"])
                    metrics.count("billwright_jobs_rescued_total", by: rescue.requeued.count)
                }
                for job in rescue.held {
                    log.error("job held: its workers keep dying", ["job": "\(job)"])
                    metrics.count("billwright_jobs_held_total")
                }
                isUnfinished = rescue.requeued.count + rescue.held.count >= 5000
                for queue in rescue.queues { signals[queue]?.raise() }
            } catch {
                if Task.isCancelled { return }
                log.warning("looking for lost workers failed", ["error": "\(error)"])
            }
            if !isUnfinished { try? await Task.sleep(for: settings.rescueInterval) }
        }
    }

    /// Ends runs when a job of one has ended here, and now and then those whose last job ended with a worker that was lost
    /// before it looked.
    func endRuns(told signal: WakeSignal) async {
        while !Task.isCancelled {
            await signal.sleep(for: settings.rescueInterval)
            do {
                for run in try await store.endRuns(now: clock.now()) { log.info("run ended", ["run": "\(run)"]) }
            } catch {
                if Task.isCancelled { return }
                log.warning("cannot look for runs that have ended; trying again", ["error": "\(error)"])
            }
            // Jobs of a run end by the thousand; one look serves those of a moment.
            try? await Task.sleep(for: .milliseconds(100))
        }
    }

    /// Looks whether a kind must be stopped, with every other worker in turns.
    func watchKinds(of tally: Tally) async {
        while !Task.isCancelled {
            try? await Task.sleep(for: settings.rescueInterval)
            var completed = Dictionary(uniqueKeysWithValues: registry.registrations.map { ($0.kind, 0) })
            completed.merge(tally.take()) { $1 }
            do {
                for stopped in try await store.watch(completed, every: settings.rescueInterval, now: clock.now()) {
                    metrics.count("billwright_breaker_trips_total", ["kind": stopped.kind.name])
                    log.error("kind stopped by its breaker", ["kind": stopped.kind.name, "error": stopped.reason])
                }
            } catch {
                if Task.isCancelled { return }
                for (kind, count) in completed where count > 0 { tally.add(kind, count) }
                log.warning("cannot look whether a kind must be stopped; trying again", ["error": "\(error)"])
            }
        }
    }
}
