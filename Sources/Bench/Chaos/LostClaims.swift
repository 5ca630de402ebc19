internal import FoundationEssentials
internal import JobKit
internal import Postgres
internal import Processes
internal import Synchronization

// A claim may be committed before it is on disk. When the server dies in between, the job is in a handler's hands and
// the database knows nothing of it: somebody else is given it, perhaps under the same lease number.
extension ChaosStage {
    func loseClaims() async throws {
        var arrivals = gate.arrivals.makeAsyncIterator()
        for round in 1...max(1, settings.faults.lostClaims) where settings.faults.lostClaims > 0 {
            // A claim that was on disk all the same is no finding; another try loses one.
            for attempt in 1...5 {
                if try await loseClaim(number: settings.jobs + round * 10 + attempt, &arrivals) { break }
            }
        }
        tell("\(tally.withLock { $0.lostClaims }) claims lost with a killed server")
    }

    private func loseClaim(number: Int, _ arrivals: inout AsyncStream<Gate.Arrival>.Iterator) async throws -> Bool {
        // All it commits is committed asynchronously, so that this does not depend on how the store claims. Its one slot
        // is taken by the job, so that it is not the one who is given it again.
        let first = try await crew.start(
            place("worker-early", slots: 1, options: "options='-c synchronous_commit=off'", isPatient: true))
        try await waitForWorker(first)
        // This commit is on disk, and with it the worker's registration.
        try await enqueue([NewJob(BenchBooking(number: number, isGated: true))])
        let early = try await arrival(at: &arrivals, of: first)
        await server.crash(.kill)
        try await server.start()
        tally.withLock { $0.serverKills += 1 }
        let isLost = try await persistently(ChaosSchema.running).isEmpty
        let refused = server.countRefusals()
        if isLost {
            let second = try await crew.start(place("worker-late", isPatient: true))
            let late = try await arrival(at: &arrivals, of: second)
            // The early one finishes first, while the late one still has the job in hand.
            gate.open(early)
            try await waitForRefusal(beyond: refused)
            gate.open(late)
        } else {
            gate.open(early)
        }
        while try await count(ChaosSchema.live) > 0 { try await Task.sleep(for: .milliseconds(50)) }
        await crew.dismiss(within: .seconds(10))
        tally.withLock { tally in
            tally.lostClaims += isLost ? 1 : 0
            tally.lostClaimsRefused += isLost && server.countRefusals() > refused ? 1 : 0
        }
        return isLost
    }

    /// Others may come again: an attempt whose connection was lost is tried once more.
    private func arrival(
        at arrivals: inout AsyncStream<Gate.Arrival>.Iterator, of process: Int32
    ) async throws -> Gate.Arrival {
        while let arrival = await arrivals.next() {
            if arrival.process == process { return arrival }
        }
        throw ChaosRun.Failure.notHandedOut
    }

    private func waitForWorker(_ process: Int32) async throws {
        while try await !persistently(ChaosSchema.workers).decode(UUID.self, Int32.self).contains(where: {
            $0.1 == process
        }) { try await Task.sleep(for: .milliseconds(20)) }
    }

    /// As long as a refusal can take; where nothing refuses, the comparison finds out.
    private func waitForRefusal(beyond count: Int) async throws {
        let deadline = ContinuousClock.now + .seconds(15)
        while ContinuousClock.now < deadline, server.countRefusals() <= count {
            try await Task.sleep(for: .milliseconds(50))
        }
    }
}
