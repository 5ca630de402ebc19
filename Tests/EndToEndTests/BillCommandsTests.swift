import BooksStore
import Foundation
import Postgres
import Processes
import QueueStore
import TestSupport
import Testing

/// Billing runs, brakes and operations as a person meets them, with a real worker on a real database.
@Suite(.database(migrations: QueueMigrations.all + BooksMigrations.all), .timeLimit(.minutes(15)))
struct BillCommandsTests {
    /// A seller whose invoices may have two lines of a subscription; `c-2` would have three.
    private static func catalogue(_ numbering: String) -> String {
        """
        {"seller": {"code": "shop", "name": "Shop", "currency": "USD", "brakes": {"max_lines": 2},
                    "invoice": {"numbering": "\(numbering)"}},
         "plans": [
            {"code": "one", "prices": [{"code": "base", "model": "flat", "amount": "10.00"}]},
            {"code": "two", "prices": [{"code": "base", "model": "flat", "amount": "31.00"}]},
            {"code": "wide", "prices": [{"code": "a", "model": "flat", "amount": "1.00"},
                {"code": "b", "model": "flat", "amount": "2.00"}, {"code": "c", "model": "flat", "amount": "3.00"}]}]}
        """
    }
    private static let customers: String = {
        let entries = [("c-0", "one"), ("c-1", "one"), ("c-2", "wide")].map { code, plan in
            """
            {"id": "\(code)", "email": "\(code)@shop.example", "subscriptions": [{"id": "\(code)", "plan": "\(plan)"}]}
            """
        }
        return "{\"customers\": [\(entries.joined(separator: ","))]}"
    }()

    /// A loaded database, reached as the worker's role.
    private struct Shop {
        let environment: [String: String]

        func finish(_ words: String...) async throws -> (status: Ending, run: Run) {
            try await Run.finish(words, environment: environment)
        }

        /// What it printed, which must be one JSON value, and must end so.
        func json<Value: Decodable>(_: Value.Type, _ status: Int32 = 0, _ words: String...) async throws -> Value {
            let (ending, run) = try await Run.finish(words + ["--json"], environment: environment)
            #expect(ending == .code(status), "\(words): \(run.everything)")
            return try JSONDecoder().decode(Value.self, from: Data(run.output.joined().utf8))
        }

        func withWorker(_ body: () async throws -> Void) async throws {
            var settings = environment
            settings["STRIPE_SECRET_KEY"] = "sk_test_12345"
            settings["BILLWRIGHT_SMTP_URL"] = "smtp://127.0.0.1:9"
            let worker = try await Run.start(["worker"], environment: settings, limit: .seconds(120))
            do { try await body() } catch {
                worker.send(.terminate)
                throw error
            }
            worker.send(.terminate)
            #expect(await worker.ended() == .code(0), "\(worker.everything)")
        }
    }

    private static func withShop(
        numbering: String = "customer", _ body: (Shop) async throws -> Void
    ) async throws {
        _ = try await TestDatabase.current.configuration(as: "billwright_worker")
        let url = try #require(try CommandTests.database()["DATABASE_URL"])
        let shop = Shop(environment: ["DATABASE_URL": "\(url) user=billwright_worker", "USER": "clerk"])
        let folder = FileManager.default.temporaryDirectory.appending(path: "bw-\(UUID().uuidString)").path()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Data(catalogue(numbering).utf8).write(to: URL(filePath: "\(folder)/shop.json"))
        try Data(customers.utf8).write(to: URL(filePath: "\(folder)/customers.json"))
        let (status, run) = try await shop.finish(
            "catalog", "load", "\(folder)/shop.json", "--customers", "\(folder)/customers.json")
        #expect(status == .code(0), "\(run.everything)")
        try await body(shop)
    }

    private struct Forecast: Decodable {
        struct Total: Decodable, Equatable {
            let currency: String
            let invoices, total, before, difference: Int
        }
        struct Held: Decodable, Equatable {
            let customer, reason: String
            let total: Int?
        }
        let customers: Int
        let totals: [Total]
        let held: [Held]
    }

    private struct Listed: Decodable {
        let number, customer, state: String
        let total: Int
    }

    private struct Progress: Decodable {
        let state: String
        let failed, held: Int
    }

    private static let held = Forecast.Held(
        customer: "c-2", reason: "subscription c-2 has 3 lines on one invoice, more than 2", total: 600)

    @Test(arguments: [
        ("customer", ["C-0-0001", "C-1-0001", "C-2-0001"]), ("seller", ["INV-0001", "INV-0002", "INV-0003"]),
    ])
    func `a run bills whom its dry run named and holds whom that held, until they are released`(
        numbering: String, numbers: [String]
    ) async throws {
        try await Self.withShop(numbering: numbering) { shop in
            let forecast = try await shop.json(Forecast.self, 0, "bill", "--dry-run")
            let total = Forecast.Total(currency: "USD", invoices: 2, total: 2000, before: 0, difference: 2000)
            #expect(forecast.customers == 3 && forecast.totals == [total] && forecast.held == [Self.held])
            #expect(try await shop.json([Listed].self, 0, "invoices", "list").isEmpty, "nothing was written")

            let (early, refusal) = try await shop.finish("bill", "--date", "2999-01-01")
            #expect(early == .code(2) && refusal.errors[0].contains("nothing is billed early"))
            let far = try await shop.json(Forecast.self, 0, "bill", "--dry-run", "--date", Self.inDays(31))
            #expect(far.totals.first?.invoices == 4 && far.totals.first?.before == 2000, "a month more for each")

            try await shop.withWorker {
                let run = try await shop.json(Progress.self, 1, "bill")
                #expect(run.held == 1 && run.failed == 0 && run.state == "running")
                #expect(
                    try await shop.json([Listed].self, 0, "invoices", "list").map(\.number) == Array(numbers.prefix(2)))
                let (status, parked) = try await shop.finish("customers", "list", "--parked")
                #expect(status == .code(0) && parked.output.count == 1 && parked.output[0].hasPrefix("c-2"))

                // The job alone may not go out: the brake holds it again.
                let (twice, second) = try await shop.finish("bill")
                #expect(twice == .code(1) && second.errors.joined().contains("waits for held customers"))

                let ended = try await shop.json(Progress.self, 0, "bill", "--release", "--reason", "as agreed")
                #expect(ended.held == 0 && ended.failed == 0)
                let all = try await shop.json([Listed].self, 0, "invoices", "list")
                #expect(all.map(\.total) == [1000, 1000, 600] && all.map(\.number) == numbers)
            }
            let (_, shown) = try await shop.finish("customers", "show", "c-2")
            #expect(shown.output.contains { $0.contains("by clerk, because as agreed") && $0.contains("release") })
            let (doctor, findings) = try await shop.finish("doctor")
            #expect(doctor == .code(1), "it has neither a gateway nor a sender")
            #expect(findings.output.contains("ok    books: 3 customers, 3 invoices; everything agrees"))
        }
    }

    private static func inDays(_ days: Int) -> String {
        let date = Date.now.addingTimeInterval(Double(days) * 86_400)
        return date.formatted(.iso8601.year().month().day())
    }

    @Test func `one invoice is explained line by line, paid, and then no longer taken back`() async throws {
        try await Self.withShop { shop in
            try await shop.withWorker { _ = try await shop.json(Progress.self, 1, "bill") }
            let (status, explained) = try await shop.finish("invoices", "explain", "C-0-0001")
            #expect(status == .code(0))
            #expect(explained.output.suffix(1) == ["      = 10.00 for a whole cycle (month)"])
            let (preview, told) = try await shop.finish("invoices", "pay", "C-0-0001", "--preview")
            #expect(preview == .code(0), "\(told.everything)")
            #expect(told.output.contains("  payment_received C-0-0001: cash from receivable 10.00 USD"))
            #expect(told.output.last == "nothing was changed")
            #expect(try await shop.json(Listed.self, 0, "invoices", "show", "C-0-0001").state == "open")
            let (unexplained, usage) = try await shop.finish("invoices", "pay", "C-0-0001")
            #expect(unexplained == .code(2) && usage.errors == ["billwright: --reason must be set"])
            let (paid, done) = try await shop.finish("invoices", "pay", "C-0-0001", "--reason", "wire 17")
            #expect(paid == .code(0) && done.output.first?.hasPrefix("invoice C-0-0001  paid") == true)
            let (refused, fault) = try await shop.finish("invoices", "void", "C-0-0001", "--reason", "mistake")
            #expect(refused == .code(1) && fault.errors == ["billwright: not_open: invoice C-0-0001 is paid"])
            let (none, missing) = try await shop.finish("invoices", "explain", "C-9-0001")
            #expect(none == .code(1) && missing.errors == ["billwright: not_found: there is no invoice C-9-0001"])
            let (balanced, ledger) = try await shop.finish("ledger", "balance", "--json")
            #expect(balanced == .code(0) && ledger.output[0].contains(#""balanced":true"#))
            #expect(ledger.output[0].contains(#"{"account":"cash","currency":"USD","balance":1000}"#))
        }
    }

    @Test func `a change is previewed, made with its reason, and told in the history`() async throws {
        try await Self.withShop { shop in
            try await shop.withWorker { _ = try await shop.json(Progress.self, 1, "bill") }
            let change = ["subscriptions", "change-plan", "c-0", "--plan", "two", "--when", "now"]
            let (status, preview) = try await Run.finish(change + ["--preview"], environment: shop.environment)
            #expect(status == .code(0), "\(preview.everything)")
            #expect(preview.output.contains { $0.hasPrefix("would be invoiced on ") && $0.hasSuffix(": 21.00 USD") })
            #expect(preview.output.contains { $0.contains("is given back of line 1 of C-0-0001") })
            #expect(preview.output.last == "nothing was changed")

            let (made, now) = try await Run.finish(
                change + ["--reason", "grew", "--by", "boss"], environment: shop.environment)
            #expect(made == .code(0) && now.output[0].contains("plan two"), "\(now.everything)")
            let (_, history) = try await shop.finish("subscriptions", "show", "c-0")
            #expect(history.output.contains { $0.contains("is active: started") })
            #expect(history.output.last?.contains(#"by boss, because grew: {"#) == true, "\(history.everything)")

            let (end, ending) = try await shop.finish("subscriptions", "cancel", "c-0", "--reason", "moving away")
            #expect(end == .code(0) && ending.output.contains { $0.hasSuffix(": cancelled") }, "\(ending.everything)")
            let (_, again) = try await shop.finish("subscriptions", "resume", "c-0", "--reason", "stays")
            #expect(!again.output.contains { $0.hasSuffix(": cancelled") })
            let (twice, fault) = try await shop.finish("subscriptions", "resume", "c-0", "--reason", "stays", "--json")
            #expect(twice == .code(1) && fault.output[0].hasPrefix(#"{"error":{"code":"illegal_transition","#))

            let (made2, other) = try await shop.finish(
                "subscriptions", "subscribe", "c-0b", "--customer", "c-0", "--plan", "one", "--reason", "a second one")
            #expect(made2 == .code(0) && other.output[0].hasPrefix("subscription c-0b  "), "\(other.everything)")
        }
    }
}
