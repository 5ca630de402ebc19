internal import Accounts
internal import Billing
internal import BillingPorts
internal import BooksStore
internal import Dates
internal import JSONText
internal import Money

/// What billing a seller's customers by a date would bring, worked out as billing works it out, and written nowhere.
struct Forecast: Sendable {
    struct Total: Sendable {
        var invoices = 0
        var total: Money
        /// What those customers were invoiced for in the period before.
        var before: Money
    }

    struct Held: Sendable {
        let customer: String
        let reason: String
        /// Nil: it cannot be worked out.
        let total: Money?
    }

    let seller: String
    let date: LocalDate
    private(set) var customers = 0
    private(set) var totals: [Currency: Total] = [:]
    private(set) var held: [Held] = []

    private init(seller: String, date: LocalDate) {
        self.seller = seller
        self.date = date
    }

    /// Customers read at once: enough to be quick, few enough that their rows fit anywhere.
    private static let batch = 200

    /// A date after `today` is reckoned as if everybody's had come and nothing happened until then; else as of now.
    static func make(_ desk: BooksDesk, by date: LocalDate, today: LocalDate) async throws -> Forecast {
        var forecast = Forecast(seller: desk.seller.code, date: date)
        let bound = BillingRuns.bound(of: date)
        let instant = date > today ? max(desk.now, bound) : min(desk.now, bound)
        let count = try await desk.inspection.countOfCustomersToBill(of: desk.seller.id, by: instant)
        var progress = ProgressLine("looked at", of: count, "customers")
        var cursor: Customer.ID?
        repeat {
            let page = try await desk.inspection.customersToBill(
                of: desk.seller.id, by: instant, after: cursor, limit: batch)
            for open in try await desk.inspection.accounts(page) {
                let end = open.account.calendar.midnight(date.adding(days: 1)) - .microseconds(1)
                try forecast.add(open.account, from: desk.now, until: date > today ? max(desk.now, end) : desk.now)
            }
            cursor = page.count < batch ? nil : page.last?.customer
            progress.add(page.count)
        } while cursor != nil
        return forecast
    }

    private mutating func add(_ account: Account, from now: Instant, until end: Instant) throws {
        customers += 1
        let preview: BillingPreview
        do { preview = try account.preview(from: now, until: end) } catch {
            held.append(Held(customer: account.code, reason: "cannot be worked out: \(error)", total: nil))
            return
        }
        let zero = Money.zero(account.currency)
        for issue in preview.issues {
            var sum = totals[account.currency] ?? Total(total: zero, before: zero)
            sum.invoices += 1
            sum.total = try sum.total + issue.draft.total
            sum.before = try sum.before + (issue.before ?? zero)
            totals[account.currency] = sum
        }
        if let parking = preview.parking {
            held.append(Held(customer: account.code, reason: parking.reason, total: parking.total))
        }
    }
}

extension Forecast {
    private var ordered: [(Currency, Total)] { totals.sorted { $0.key.code < $1.key.code } }

    /// How many held customers a person is told of.
    private static let named = 50

    var text: [String] {
        var lines = ["\(seller) by \(date): \(customers) customers are due or parked"]
        for (_, total) in ordered {
            let difference = (try? total.total - total.before).map { ($0.isNegative ? "" : "+") + $0.decimal } ?? "?"
            lines.append(
                "  \(total.invoices) invoices  \(total.total)  period before \(total.before.decimal)  "
                    + "difference \(difference)")
        }
        if totals.isEmpty { lines.append("  nothing to invoice") }
        if !held.isEmpty { lines.append("  \(held.count) held") }
        for one in held.prefix(Self.named) {
            lines.append("    \(one.customer)\(one.total.map { "  \($0)" } ?? "")  \(one.reason)")
        }
        if held.count > Self.named { lines.append("    and \(held.count - Self.named) more; --json tells them all") }
        return lines + ["nothing was written"]
    }

    var json: JSONValue {
        [
            "seller": .string(seller), "date": .text(date), "dry_run": true, "customers": .integer(Int64(customers)),
            "totals": .array(
                ordered.map { currency, total in
                    [
                        "currency": .string(currency.code), "invoices": .integer(Int64(total.invoices)),
                        "total": .integer(total.total.minorUnits), "before": .integer(total.before.minorUnits),
                        "difference": .integer(total.total.minorUnits - total.before.minorUnits),
                    ]
                }),
            "held": .array(
                held.map {
                    .present([
                        "customer": .string($0.customer), "reason": .string($0.reason),
                        "total": $0.total.map { .integer($0.minorUnits) },
                        "currency": $0.total.map { .string($0.currency.code) },
                    ])
                }),
        ]
    }
}

/// How far a long look has come, on standard error and not more than once a second.
struct ProgressLine {
    private let verb, noun: String
    private let total: Int
    private var done = 0
    private var last = ContinuousClock.now

    init(_ verb: String, of total: Int, _ noun: String) {
        self.verb = verb
        self.total = total
        self.noun = noun
    }

    mutating func add(_ count: Int) {
        done += count
        guard ContinuousClock.now - last > .seconds(1) else { return }
        last = .now
        Terminal.note("\(verb) \(done) of \(total) \(noun)")
    }
}
