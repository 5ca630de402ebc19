internal import Accounts
internal import Billing
internal import BillingPorts
internal import BooksStore
internal import Commands
internal import Dates
internal import InvoiceGeneration
internal import JobKit
internal import Observability
internal import Postgres
internal import QueueStore
internal import Runtime
internal import Scenarios

/// One scenario played by the real system: its queue, workers, handlers and books, on a database of its own. Only time,
/// the payment service and the mail server are made up.
///
/// Time stands while anything is left to do, then jumps to whatever falls due next.
struct Simulation {
    let scenario: Scenario
    let composition: Composition
    let clock: VirtualClock
    let gateway: SimulatedGateway
    private let store: Composition.Store
    /// Invoices of a seller's own series are numbered once everything else of their instant is done.
    let numbering = Gate()

    /// `now` is when a simulation begins.
    init(_ scenario: Scenario, composition: Composition, clock: VirtualClock, gateway: SimulatedGateway) {
        self.scenario = scenario
        self.composition = composition
        self.clock = clock
        self.gateway = gateway
        store = composition.store(enqueueLimit: 10_000)
    }

    func run(workers: Int) async throws -> SimulationResult {
        let drain = Drain()
        return try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<workers { group.addTask { await worker().run(until: drain) } }
            do {
                let result = try await play()
                drain.advance()
                try await group.waitForAll()
                return result
            } catch {
                drain.advance()
                drain.advance()
                try? await group.waitForAll()
                throw error
            }
        }
    }

    /// A story of declines is no reason to stop a kind.
    private var settings: WorkerSettings {
        var settings = WorkerSettings(concurrency: 4)
        settings.breakers[CollectPayments.kind] = .off
        return settings
    }

    private var counterparts: Counterparts {
        Counterparts(
            gateway: gateway, mailer: SimulatedMailer(), mailDomain: "simulation.example", zones: HostTimeZones(),
            reconcileAfter: ScriptedGateway.patience)
    }

    private func worker() -> Worker<Composition.Store> {
        Worker(
            store: store, roster: PostgresRoster(control: composition.control),
            registry: counterparts.registry(finalising: GatedFinalisation(gate: numbering)), clock: clock,
            settings: settings, release: Program.billwright.version, log: composition.log,
            metrics: composition.metrics)
    }

    private func play() async throws -> SimulationResult {
        var desk = try await SimulationDesk(
            scenario, composition: composition, store: store, clock: clock, gateway: gateway)
        let pulse = SimulationPulse(
            composition: composition, store: store, numbering: numbering, queues: counterparts.registry.queues)
        try await pulse.settle(at: clock.now())
        var operations = scenario.timeline[...]
        var now = clock.now()
        while now <= scenario.until {
            clock.set(to: now)
            while let next = operations.first, next.at == now {
                operations.removeFirst()
                try await desk.perform(next) { try await pulse.settle(at: now) }
            }
            try await desk.renew()
            try await pulse.settle(at: now)
            let due = try await pulse.nextDue(after: now)
            guard let next = [operations.first?.at, due].compactMap(\.self).min() else { break }
            now = next
        }
        try await pulse.requireNoFailures()
        return try SimulationResult(
            try await desk.accounts(), errors: desk.errors, until: scenario.until)
    }
}

/// Numbers invoices of a seller's own series when their wave has come.
struct GatedFinalisation: JobHandler {
    static let policy = FinaliseInvoicesHandler.policy
    let gate: Gate

    func run(_ job: Job<FinaliseInvoices>, in context: BillingContext) async throws -> JobOutcome {
        await gate.wait()
        return try await FinaliseInvoicesHandler().run(job, in: context)
    }
}

/// Finds out what the queue has left to do, and when it has something again.
struct SimulationPulse {
    let composition: Composition
    let store: Composition.Store
    let numbering: Gate
    let queues: Set<QueueName>

    /// Returns when nothing that was due by `now` is left.
    func settle(at now: Instant) async throws {
        await store.wakeAll(queues)
        var wait = Duration.microseconds(500)
        while true {
            let left = try await composition.control.query(SimulationSQL.left(at: now)).only(Int32.self)
            switch left {
            case 0: return
            case 1:
                numbering.open()
                wait = .microseconds(500)
            default: numbering.close()
            }
            try await Task.sleep(for: wait)
            wait = min(wait * 2, .milliseconds(10))
            if wait == .milliseconds(10) { await store.wakeAll(queues) }
        }
    }

    func nextDue(after now: Instant) async throws -> Instant? {
        try await composition.control.transaction(settings: [.tenant(.all)], readOnly: true) { transaction in
            try await transaction.query(SimulationSQL.nextDue(after: now)).only(Instant?.self)
        }
    }

    /// In a simulation nothing may go wrong: what did is an error of ours, not part of the result.
    func requireNoFailures() async throws {
        let failures = try await composition.control.query(SimulationSQL.failures).decode(String.self, String.self)
        guard let (kind, error) = failures.first else { return }
        throw SimulationFault(description: "a job \(kind) failed: \(error)")
    }
}

/// Why a simulation has no result.
struct SimulationFault: Error, CustomStringConvertible {
    let description: String
}

enum SimulationSQL {
    /// 0: nothing; 1: only invoices that wait for their numbers; 2: more.
    static func left(at now: Instant) -> SQL {
        """
        SELECT CASE
            WHEN EXISTS (SELECT FROM queue.jobs WHERE kind <> 'finalise_invoices')
              OR EXISTS (SELECT FROM queue.waiting
                          WHERE state = 'blocked' OR state IN ('scheduled', 'retryable') AND due_at <= \(now))
            THEN 2
            WHEN EXISTS (SELECT FROM queue.jobs) THEN 1
            ELSE 0 END::integer
        """
    }

    static func nextDue(after now: Instant) -> SQL {
        """
        SELECT least((SELECT min(next_due_at) FROM books.customers WHERE next_due_at > \(now)),
                     (SELECT min(due_at) FROM queue.waiting
                       WHERE state IN ('scheduled', 'retryable') AND due_at > \(now)))
        """
    }

    static var failures: SQL {
        """
        SELECT kind, error FROM queue.failures
        UNION ALL
        SELECT kind, held_reason FROM queue.waiting WHERE state = 'held'
        LIMIT 1
        """
    }
}
