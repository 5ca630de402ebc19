internal import Accounts
internal import Billing
internal import BillingPorts
internal import BooksStore
internal import Commands
internal import Dates
internal import FoundationEssentials
internal import Glibc
internal import JobKit
internal import Mails
internal import Money
internal import Observability
internal import Postgres
internal import QueueStore
internal import Runtime
internal import Scenarios

extension Commands.Command {
    static let benchBilling = Commands.Command(
        "bench billing", "Measures a billing run: renew, invoice, tax, ledger, charge, for customers due on one day.",
        settings: [
            Setting("--customers", "N,...", default: "1000,10000", help: "how many, each measured by itself"),
            Setting("--workers", "N", default: "2", help: "worker loops of this process"),
            Setting("--history", "N", default: "1", help: "months that each customer was billed before"), .json,
        ],
        discussion: """
            On a durable Postgres of its own. Each customer has one monthly subscription with two prices, a tax and a card;
            its charge is answered by a payment service in this process, so what is measured is ours. Time begins with the
            first instant of the billing day and ends when the last receipt is written down. Use a release build.
            """,
        run: BillingBench.run)
}

enum BillingBench {
    @Sendable static func run(_ arguments: Arguments) async throws -> Int32 {
        let counts = try (arguments.text("--customers") ?? "").split(separator: ",").map { text throws(UsageError) in
            guard let count = Int(text), (1...10_000_000).contains(count) else {
                throw UsageError("--customers: '\(text)' is not a number of customers")
            }
            return count
        }
        let workers = try arguments.integer("--workers", in: 1...64)
        let history = try arguments.integer("--history", in: 1...120)
        var figures: [BillingFigure] = []
        for count in counts {
            Terminal.complain("\(count) customers")
            figures.append(
                try await PrivateServer.lend(isDurable: true) { local in
                    try await SimulationServer.lend(on: local.configuration) { server in
                        try await measure(
                            count, workers: workers, history: history, on: server, postmaster: local.processID)
                    }
                })
        }
        for figure in figures {
            for line in arguments.isOn("--json") ? [figure.json] : figure.lines { Terminal.print(line) }
        }
        return 0
    }

    private static func measure(
        _ count: Int, workers: Int, history: Int, on server: SimulationServer, postmaster: CInt
    ) async throws -> BillingFigure {
        let clock = VirtualClock(TimeZoneRules.utc.instant(of: billingDay.adding(months: -history)))
        return try await server.lend(workers: workers, clock: clock) { composition in
            let run = try await BillingRunUnderTest(composition: composition, clock: clock, workers: workers)
            let seller = try await run.found(count)
            return try await run.working {
                for month in (0..<history).reversed() {
                    // The first is what the load itself brought about.
                    try await run.renew(seller)
                    try await run.settle()
                    clock.set(to: TimeZoneRules.utc.instant(of: billingDay.adding(months: -month)))
                    if month > 0 { Terminal.complain("billed \(history - month) months before") }
                }
                let cpu = CPUTime.now(of: postmaster)
                let start = ContinuousClock.now
                try await run.renew(seller)
                try await run.settle()
                let elapsed = start.duration(to: .now)
                let used = CPUTime.now(of: postmaster)
                return BillingFigure(
                    customers: count, seconds: elapsed / .seconds(1), workerCPU: used.own - cpu.own,
                    databaseCPU: used.database - cpu.database, paid: try await run.paid(on: billingDay))
            }
        }
    }

    /// The day that is measured.
    static let billingDay = LocalDate.clamped(year: 2026, month: 6, day: 1)
}

/// The system whose billing run is measured.
struct BillingRunUnderTest {
    let composition: Composition
    let clock: VirtualClock
    let workers: Int
    private let store: Composition.Store
    private let registry: JobRegistry<any BillingWork>
    private let pulse: SimulationPulse

    init(composition: Composition, clock: VirtualClock, workers: Int) async throws {
        self.composition = composition
        self.clock = clock
        self.workers = workers
        store = composition.store(enqueueLimit: 10_000)
        registry =
            Counterparts(
                gateway: SimulatedGateway(), news: SilentNews(), refunds: SilentNews(), setups: SilentNews(),
                events: SilentNews(), mailer: SimulatedMailer(),
                writer: TemplateMailWriter(.shipped, zones: HostTimeZones()), mailDomain: "bench.example",
                reconcileAfter: .seconds(300)
            ).registry
        pulse = try await SimulationPulse(
            composition, store: store, numbering: Turnstile(), queues: registry.queues,
            longestPause: .milliseconds(50))
    }

    /// A seller with a plan, and its customers, each with a card and a subscription from today on.
    func found(_ count: Int) async throws -> Seller.ID {
        let loader = CatalogueLoader(composition.booksStore)
        let settings = BillingSettings(
            currency: .usd, taxRates: [TaxRate(country: "FR", percent: Rational(20))])
        let seller = try await loader.loadSeller(
            Seller(code: "bench", name: "Bench", timeZone: "UTC", currency: .usd, invoices: InvoiceSettings()),
            settings: settings, now: clock.now())
        let plan = Plan(
            code: "pro", name: "Pro", currency: .usd, interval: .month,
            prices: [
                Price(code: "base", model: .flat(amount: Money(minorUnits: 4900, .usd))),
                Price(code: "seats", model: .perUnit(unit: "seat", amount: Rational(900), included: .zero)),
            ])
        _ = try await loader.loadCatalogue(
            Catalogue(currency: .usd, plans: [plan], metrics: [], coupons: []), of: seller, now: clock.now())
        let customers = (0..<count).map { place in
            NewCustomer(
                code: "c\(place)", name: "Customer \(place)", email: "c\(place)@bench.example",
                address: Customer.Address(country: "FR"), arrangement: PaymentArrangement(method: .card),
                token: "sim_card",
                subscriptions: [Accounts.Operation.Subscribe(code: "s\(place)", plan: "pro", quantities: ["seat": 3])])
        }
        _ = try await loader.loadCustomers(customers, of: seller, now: clock.now())
        return seller
    }

    func working<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
        let drain = Drain()
        return try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<workers {
                let worker = Worker(
                    store: store, roster: PostgresRoster(control: composition.control), registry: registry,
                    clock: clock, settings: WorkerSettings(concurrency: 8), release: "bench", log: composition.log,
                    metrics: composition.metrics)
                group.addTask { await worker.run(until: drain) }
            }
            defer {
                drain.advance()
                drain.advance()
            }
            return try await body()
        }
    }

    func renew(_ seller: Seller.ID) async throws {
        try await store.transaction(tenant: .one(seller.rawValue), now: clock.now()) { work in
            try await work.enqueue(RenewSubscriptions(seller: seller))
        }
    }

    func settle() async throws { try await pulse.settle(at: clock.now()) }

    func paid(on date: LocalDate) async throws -> Int {
        try await composition.control.transaction(settings: [.tenant(.all)], readOnly: true) { transaction in
            try await transaction.query(
                "SELECT count(*) FROM books.invoices WHERE issued_on = \(date) AND state = 'paid'"
            ).only(Int.self)
        }
    }
}

/// What a billing run came to.
struct BillingFigure {
    let customers: Int
    let seconds: Double
    let workerCPU, databaseCPU: Double
    let paid: Int

    private var figures: [(String, Double)] {
        [
            ("billing_\(customers)_paid", Double(paid)), ("billing_\(customers)_s", seconds),
            ("billing_\(customers)_invoices_per_s", Double(paid) / seconds),
            ("billing_\(customers)_worker_cpu_ms_per_invoice", workerCPU * 1000 / Double(max(paid, 1))),
            ("billing_\(customers)_database_cpu_ms_per_invoice", databaseCPU * 1000 / Double(max(paid, 1))),
        ]
    }

    var lines: [String] { figures.map { "ours \($0.0) \(BillingFigure.text($0.1))" } }
    var json: String {
        "{" + figures.map { "\"\($0.0)\":\(BillingFigure.text($0.1))" }.joined(separator: ",") + "}"
    }

    /// Three decimals.
    private static func text(_ value: Double) -> String {
        let thousandths = Int((value * 1000).rounded())
        let rest = String(thousandths % 1000)
        return "\(thousandths / 1000)." + String(repeating: "0", count: 3 - rest.count) + rest
    }
}

/// Seconds of the processor that this process and a Postgres have used.
struct CPUTime {
    let own, database: Double

    static func now(of postmaster: CInt) -> CPUTime {
        CPUTime(own: ticks("self"), database: ticks("\(postmaster)", withChildren: true))
    }

    /// Of a process; with those of its children that have ended and, since backends live on, those that run.
    private static func ticks(_ process: String, withChildren: Bool = false) -> Double {
        var total = stat(process, withChildren ? [13, 14, 15, 16] : [13, 14])
        guard withChildren else { return total / 100 }
        let children = FileManager.default.contents(atPath: "/proc/\(process)/task/\(process)/children")
        for child in String(decoding: children ?? Data(), as: UTF8.self).split(separator: " ") {
            total += stat(String(child), [13, 14])
        }
        return total / 100
    }

    private static func stat(_ process: String, _ fields: [Int]) -> Double {
        guard let data = FileManager.default.contents(atPath: "/proc/\(process)/stat") else { return 0 }
        let text = String(decoding: data, as: UTF8.self)
        // The second field, the program's name, may hold anything but ends with the last parenthesis.
        let rest = text.split(separator: ")").last?.split(separator: " ") ?? []
        return fields.reduce(0) { sum, field in
            rest.indices.contains(field - 2) ? sum + (Double(rest[field - 2]) ?? 0) : sum
        }
    }
}
