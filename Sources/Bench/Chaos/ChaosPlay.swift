internal import Chance
internal import FoundationEssentials
internal import JobKit
internal import Postgres
internal import Processes
internal import Synchronization

// The order of events: lost claims first, while nobody else writes; then the crew works and faults come; then the count.
extension ChaosStage {
    func play() async throws -> ChaosReport {
        let begin = ContinuousClock.now
        try await loseClaims()
        try await startCrew()
        let watching = Task { await watch.run() }
        defer { watching.cancel() }
        try await strikeWhileTheyWork()
        try await enqueueJobs(upTo: settings.jobs)
        while try await count(ChaosSchema.live) > 0 { try await Task.sleep(for: .milliseconds(250)) }
        for deserter in await crew.deserters { tally.withLock { $0.findings.append("a worker ended: \(deserter)") } }
        await crew.dismiss(within: .seconds(20))
        return try await verdict(took: ContinuousClock.now - begin)
    }

    /// One worker is an hour ahead, one is reached through the relay, the others are plain.
    private func startCrew() async throws {
        try await crew.start(place("worker-ahead", ahead: .seconds(3600)))
        try await crew.start(place("worker-relayed", relayed: true))
        for number in 3...max(3, settings.workers) { try await crew.start(place("worker-\(number)")) }
        tell("\(settings.workers) workers; \(settings.jobs) jobs, \(settings.schedule.count) faults to come")
    }

    /// Jobs keep step with the faults, so that each fault strikes people at work.
    private func strikeWhileTheyWork() async throws {
        let schedule = settings.schedule
        var generator = SeededGenerator(seed: settings.seed, 2)
        let backlog = settings.concurrency * settings.workers * 8
        try await withThrowingTaskGroup(of: Void.self) { pauses in
            var told = ContinuousClock.now
            for (index, fault) in schedule.enumerated() {
                let share = { (number: Int) in self.settings.jobs * number / (schedule.count + 1) }
                try await enqueueJobs(upTo: min(settings.jobs, share(index + 1) + backlog))
                try await waitUntil(ended: share(index), orFor: settings.timing.gap)
                try await strike(fault, &generator, &pauses)
                if told + .seconds(5) < .now {
                    tell("\(index + 1) of \(schedule.count) faults, \(tally.withLock { $0.enqueued }) jobs enqueued")
                    told = .now
                }
            }
            try await pauses.waitForAll()
        }
    }

    private func strike(
        _ fault: Fault, _ generator: inout SeededGenerator, _ pauses: inout ThrowingTaskGroup<Void, any Error>
    ) async throws {
        switch fault {
        case .kill:
            guard let victim = await crew.awake.randomElement(using: &generator) else { return }
            try await crew.kill(victim)
            tally.withLock { $0.killed += 1 }
        case .pause:
            // Somebody has to go on working: at most half of them stand still.
            while await crew.awake.count <= settings.workers / 2 { try await Task.sleep(for: .milliseconds(100)) }
            guard let victim = await crew.awake.randomElement(using: &generator) else { return }
            await crew.pause(victim)
            tally.withLock { $0.stopped += 1 }
            pauses.addTask { [self] in
                try await Task.sleep(for: settings.timing.expiry + settings.timing.rescue * 2)
                await crew.resume(victim)
            }
        case .restart:
            await server.crash(.quit)
            try await server.start()
            tally.withLock { $0.serverRestarts += 1 }
        case .cut:
            let names = ["worker-ahead", "worker-relayed", "worker-3"]
            let name = names.randomElement(using: &generator) ?? names[0]
            let cut = try await count(
                """
                SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = \(name)
                """)
            tally.withLock { $0.connectionsCut += cut }
        case .silence: relay.silenceListeners()
        case .lock: try await lockTheLane()
        }
    }

    /// Holds the lock of the lane of new jobs with effects, as a stray transaction of an operator would, and then enqueues:
    /// some for that lane, so that every claim comes by it, and after them probes of a lower priority. The probes cannot
    /// have been claimed before the lock; whoever waits for the lock instead of passing it never comes to them.
    private func lockTheLane() async throws {
        let probes = settings.concurrency * settings.workers
        while try await count(ChaosSchema.isLaneMet) == 0 { try await Task.sleep(for: .milliseconds(50)) }
        let passed = try await pool.transaction { transaction in
            _ = try await transaction.query(ChaosSchema.lockLane)
            let first = tally.withLock { tally in
                defer { tally.probes += probes * 2 }
                return ChaosStage.firstProbe + tally.probes
            }
            try await enqueue(try (first..<first + probes).map { try NewJob(BenchEffect(number: $0)) })
            let numbers = first + probes..<first + probes * 2
            try await enqueue(try numbers.map { try NewJob(BenchBooking(number: $0), priority: .background) })
            let ended = ChaosSchema.ended(keys: numbers.map { "\($0)" })
            let deadline = ContinuousClock.now + ChaosStage.patience
            while ContinuousClock.now < deadline, try await count(ended) < probes {
                try await Task.sleep(for: .milliseconds(50))
            }
            return try await count(ended)
        }
        tally.withLock { tally in
            tally.endedPastLock.append(passed)
            guard passed < probes else { return }
            tally.findings.append(
                "\(probes - passed) of \(probes) jobs had to wait for a lane that is not theirs to be unlocked")
        }
    }

    /// Beyond every number that a job of the run itself may have.
    private static let firstProbe = 1_000_000_000
    /// Several times what a worker needs to look again when half of them stand still.
    private static let patience = Duration.seconds(15)

    private func waitUntil(ended: Int, orFor limit: Duration) async throws {
        let deadline = ContinuousClock.now + limit
        while ContinuousClock.now < deadline, try await count(ChaosSchema.ended) < ended {
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Every fifth is a booking, the others are effects.
    private func enqueueJobs(upTo total: Int) async throws {
        while case let begin = tally.withLock({ $0.enqueued }), begin < total {
            let end = min(begin + 500, total)
            try await enqueue(
                try (begin + 1...end).map { number in
                    number.isMultiple(of: 5)
                        ? try NewJob(BenchBooking(number: number)) : try NewJob(BenchEffect(number: number))
                })
            tally.withLock { $0.enqueued = end }
        }
    }
}
