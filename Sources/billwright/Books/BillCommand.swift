internal import Accounts
internal import Billing
internal import BillingPorts
internal import BooksStore
internal import Commands
internal import Dates
internal import JSONText
internal import JobKit
internal import QueueStore

extension Commands.Command {
    static let bill = Commands.Command(
        "bill", "Invoices what a seller's customers owe by a date, as a run of jobs; or tells what that would be.",
        settings: [
            .database, .seller, .by, .reason,
            Setting("--date", "DATE", help: "such as 2026-12-01; today in the seller's zone if left out"),
            Setting(
                switch: "--dry-run", help: "tell what would be invoiced and write nothing; a future date may be asked"),
            Setting(switch: "--release", help: "release the held customers of that date's run"),
            Setting(switch: "--detach", help: "make the run and do not wait for it"),
            Setting("--batch", "N", default: "100", help: "customers of one job, up to 1000"), .json,
        ],
        discussion: """
            Nothing is billed early: each customer's date is that of its own zone. The run goes on when this command is
            interrupted; 'billwright runs show, stop and resume' look at it, stop it and let it go on. Whom a brake parks
            is held with the reason, the others go on. Status 1 if any of the run's jobs failed or are held.
            """,
        run: BillCommand.run)
}

private enum BillCommand {
    @Sendable static func run(_ arguments: Arguments) async throws -> Int32 {
        let batch = try arguments.integer("--batch", in: 1...1000)
        let wanted = try arguments.date("--date")
        let isDry = arguments.isOn("--dry-run")
        guard !(isDry && arguments.isOn("--release")) else { throw UsageError("--dry-run and --release contradict") }
        if arguments.isOn("--release") { _ = try arguments.required("--reason") }
        return try await BooksDesk.run(arguments, as: "bill") { desk in
            let today = try HostTimeZones().rules(desk.seller.timeZone).localDate(of: desk.now)
            let date = wanted ?? today
            if isDry { return try await dryRun(desk, date, today: today, arguments) }
            guard date <= today else {
                throw UsageError("\(date) is still to come: nothing is billed early; --dry-run tells what it would be")
            }
            if arguments.isOn("--release") { return try await release(desk, date, arguments) }
            return try await bill(desk, date, batch: batch, arguments)
        }
    }

    private static func dryRun(
        _ desk: BooksDesk, _ date: LocalDate, today: LocalDate, _ arguments: Arguments
    ) async throws -> Int32 {
        let forecast = try await Forecast.make(desk, by: date, today: today)
        if arguments.isOn("--json") {
            Terminal.print(forecast.json.text())
        } else {
            for line in forecast.text { Terminal.print(line) }
        }
        return 0
    }

    private static func bill(
        _ desk: BooksDesk, _ date: LocalDate, batch: Int, _ arguments: Arguments
    ) async throws -> Int32 {
        let runs = BillingRuns(desk: desk, date: date)
        let (run, name, state) = try await runs.open()
        guard state == .open else {
            Terminal.complain(
                "run \(run) (\(name)) is going on, or waits for held customers: billwright runs show \(name)")
            return 1
        }
        try await runs.fill(run, batch: batch)
        return try await watch(name, desk, arguments)
    }

    private static func release(_ desk: BooksDesk, _ date: LocalDate, _ arguments: Arguments) async throws -> Int32 {
        let reason = try arguments.required("--reason")
        guard let run = try await BillingRuns(desk: desk, date: date).latest() else {
            Terminal.complain("there is no run for \(date)")
            return 1
        }
        let held = try await BillingRuns.heldCustomers(of: run.id, desk)
        if held.isEmpty { Terminal.note("nobody is held by run \(run.id) (\(run.name))") }
        for customer in held {
            guard let open = try await desk.inspection.accounts([customer]).first else { continue }
            let parking = try await desk.release(open, by: arguments.person, because: reason)
            Terminal.note("released \(open.account.code)\(parking.map { ", \($0.total)" } ?? "")")
        }
        return try await watch(run.name, desk, arguments)
    }

    /// How the run stands: when it is at rest, or at once.
    private static func watch(_ name: String, _ desk: BooksDesk, _ arguments: Arguments) async throws -> Int32 {
        let watch = RunWatch(desk: desk, name: name, isJSON: arguments.isOn("--json"))
        return arguments.isOn("--detach") ? try await watch.tell(status: 0) : try await watch.follow()
    }
}

/// The runs that bill one seller by one date. There is one at a time; when it has ended another may be made, which finds
/// what has fallen due since.
struct BillingRuns: Sendable {
    let desk: BooksDesk
    let date: LocalDate

    private func name(_ number: Int) -> String {
        "billing/\(desk.seller.code)/\(date)" + (number == 1 ? "" : "/\(number)")
    }

    /// The one that has not ended, or a new one.
    func open() async throws -> (run: RunID, name: String, state: OpenedRun.State) {
        var number = 1
        while true {
            let name = name(number)
            let opened = try await desk.transaction { work in
                try await work.open(NewRun(name: name, tenant: desk.seller.id.rawValue))
            }
            if opened.state != .ended { return (opened.id, name, opened.state) }
            number += 1
        }
    }

    /// The last one that was made; nil: none was.
    func latest() async throws -> QueueRuns.Run? {
        let runs = QueueRuns(pool: desk.composition.pool)
        var last: QueueRuns.Run?
        var number = 1
        while let run = try await runs.find(name(number)) {
            last = run
            number += 1
        }
        return last
    }

    /// When the date has ended everywhere: 12 hours after it has in UTC.
    static func bound(of date: LocalDate) -> Instant {
        TimeZoneRules.utc.instant(of: date.adding(days: 1)) + .seconds(12 * 3600)
    }

    /// Enqueues jobs for everybody who owes something by the date, and seals the run. One that died half way is filled
    /// anew: what a customer has two jobs for is invoiced once.
    func fill(_ run: RunID, batch: Int) async throws {
        let instant = min(desk.now, Self.bound(of: date))
        let total = try await desk.inspection.countOfCustomersToBill(of: desk.seller.id, by: instant)
        var progress = ProgressLine("enqueued", of: total, "customers")
        var cursor: Customer.ID?
        repeat {
            let page = try await desk.inspection.customersToBill(
                of: desk.seller.id, by: instant, after: cursor, limit: batch * Self.jobsAtOnce)
            cursor = page.count < batch * Self.jobsAtOnce ? nil : page.last?.customer
            let (isLast, seller) = (cursor == nil, desk.seller.id)
            try await desk.transaction { work in
                let jobs = try stride(from: 0, to: page.count, by: batch).map { start in
                    let customers = page[start..<min(start + batch, page.count)].map(\.customer)
                    return try NewJob(GenerateInvoices(seller: seller, customers: customers)).in(run)
                }
                if !jobs.isEmpty { try await work.enqueue(jobs) }
                if isLast { try await work.seal(run) }
            }
            progress.add(page.count)
        } while cursor != nil
    }

    /// Jobs of one transaction.
    private static let jobsAtOnce = 20

    /// Whom its held jobs are for.
    static func heldCustomers(of run: RunID, _ desk: BooksDesk) async throws -> [CustomerKey] {
        var filter = QueueInspection.Filter()
        filter.states = ["held"]
        filter.kind = GenerateInvoices.kind.name
        filter.run = run.number
        filter.limit = 1000
        var customers: Set<CustomerKey> = []
        while true {
            let page = try await QueueInspection(pool: desk.composition.pool).list(filter)
            for job in page {
                let list = try JSONNode(parsing: Array(job.arguments.utf8)).required("customers").array()
                for node in list {
                    customers.insert(CustomerKey(seller: desk.seller.id, customer: Customer.ID(try node.integer())))
                }
            }
            guard page.count == filter.limit, let last = page.last else { return customers.sorted() }
            filter.before = last.id
        }
    }
}
