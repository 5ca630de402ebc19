internal import Accounts
internal import Billing
internal import BillingPorts
internal import BooksStore
internal import Commands
internal import Dates
internal import InvoiceGeneration
internal import JobKit
internal import Mails
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
    let gateway = SimulatedGateway()
    private let store: Composition.Store
    /// Invoices of a seller's own series are numbered once everything else of their instant is done.
    private let numbering = Turnstile()

    /// `clock` shows when the simulation begins.
    init(_ scenario: Scenario, composition: Composition, clock: VirtualClock) {
        self.scenario = scenario
        self.composition = composition
        self.clock = clock
        store = composition.store(enqueueLimit: 10_000)
    }

    func run(workers: Int) async throws -> SimulationOutcome {
        let drain = Drain()
        return try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<workers { group.addTask { await worker().run(until: drain) } }
            do {
                let outcome = try await play()
                drain.advance()
                try await group.waitForAll()
                return outcome
            } catch {
                numbering.remove()
                drain.advance()
                drain.advance()
                try? await group.waitForAll()
                throw error
            }
        }
    }

    /// A story of declines is no reason to stop a kind; and all workers live and die with this process, so none of them
    /// can be lost, however busy the machine.
    private var settings: WorkerSettings {
        var settings = WorkerSettings(concurrency: 4)
        settings.breakers[CollectPayments.kind] = .off
        settings.surrender = .seconds(1800)
        settings.expiry = .seconds(3600)
        return settings
    }

    private var counterparts: Counterparts {
        Counterparts(
            gateway: gateway, news: SilentNews(), refunds: SilentNews(), setups: SilentNews(), events: SilentNews(),
            mailer: SimulatedMailer(),
            writer: TemplateMailWriter(.shipped, zones: HostTimeZones()), mailDomain: "simulation.example",
            reconcileAfter: ScriptedGateway.patience)
    }

    private func worker() -> Worker<Composition.Store> {
        Worker(
            store: store, roster: PostgresRoster(control: composition.control),
            registry: counterparts.registry(finalising: GatedFinalisation(numbering: numbering)), clock: clock,
            settings: settings, release: Program.billwright.version, log: composition.log,
            metrics: composition.metrics)
    }

    private func play() async throws -> SimulationOutcome {
        let pulse = try await SimulationPulse(
            composition, store: store, numbering: numbering, queues: counterparts.registry.queues)
        do {
            let outcome = try await play(pulse)
            await pulse.close()
            return outcome
        } catch {
            await pulse.close()
            throw error
        }
    }

    private func play(_ pulse: SimulationPulse) async throws -> SimulationOutcome {
        var desk = try await SimulationDesk(
            scenario, composition: composition, store: store, clock: clock, gateway: gateway)
        try await pulse.settle(at: clock.now())
        var operations = scenario.timeline[...]
        var now = clock.now()
        while now <= scenario.until {
            clock.set(to: now)
            while let next = operations.first, next.at == now {
                operations.removeFirst()
                try await desk.perform(next) { try await pulse.settle(at: now) }
            }
            let due = try await moveOn(at: now, desk, pulse)
            try await desk.judgeReactivations()
            guard let next = [operations.first?.at, due].compactMap(\.self).min() else { break }
            now = next
        }
        try await pulse.requireNoFailures()
        return try SimulationOutcome(try await desk.accounts(), errors: desk.errors, of: scenario)
    }

    /// Lets the system do what is due now. Returns when something is due next.
    private func moveOn(at now: Instant, _ desk: SimulationDesk, _ pulse: SimulationPulse) async throws -> Instant? {
        var due = try await pulse.due(at: now)
        // A sweep leaves out whom an operation's job has locked; most often that job has moved it on.
        for _ in 1...5 {
            if due.isNow { try await desk.renew() }
            try await pulse.settle(at: now)
            due = try await pulse.due(at: now)
            if !due.isNow { return due.next }
        }
        try await pulse.requireNoFailures()
        throw SimulationFault(description: "at \(now) a customer stays due, however often it is moved on")
    }
}

/// Numbers invoices of a seller's own series when their turn has come.
struct GatedFinalisation: JobHandler {
    static let policy = FinaliseInvoicesHandler.policy
    let numbering: Turnstile

    func run(_ job: Job<FinaliseInvoices>, in context: BillingContext) async throws -> JobOutcome {
        await numbering.pass()
        return try await FinaliseInvoicesHandler().run(job, in: context)
    }
}
