import BooksStore
import Foundation
import Postgres
import Processes
import QueueStore
import TestSupport
import Testing

/// Keeping customers, trials and coupons as a person meets them at the terminal.
@Suite(.database(migrations: QueueMigrations.all + BooksMigrations.all), .timeLimit(.minutes(15)))
struct RetentionCommandsTests {
    private static let catalogue = """
        {"seller": {"code": "shop", "name": "Shop", "currency": "USD",
                    "cancellation": {"reasons": ["dear", "moved"], "offer": "stay"}},
         "metrics": [{"code": "calls", "aggregation": "sum"}],
         "plans": [
            {"code": "one", "prices": [{"code": "base", "model": "flat", "amount": "10.00"}]},
            {"code": "try", "trial_days": 14, "trial_limits": {"calls": 100},
             "prices": [{"code": "base", "model": "flat", "amount": "10.00"}]},
            {"code": "old", "retired_from": "2020-01-01",
             "prices": [{"code": "base", "model": "flat", "amount": "10.00"}]}],
         "coupons": [{"code": "stay", "percent": "50", "duration": "forever", "limit": 1, "expires": "2999-01-01"}]}
        """
    private static let customers = """
        {"customers": [{"id": "c-0", "email": "c-0@shop.example", "subscriptions": [{"id": "c-0", "plan": "one"}]},
                       {"id": "c-1", "email": "c-1@shop.example", "subscriptions": [{"id": "c-1", "plan": "try"}]}]}
        """

    private static func withShop(_ body: (_ finish: (String) async throws -> (Ending, Run)) async throws -> Void)
        async throws
    {
        _ = try await TestDatabase.current.configuration(as: "billwright_worker")
        let url = try #require(try CommandTests.database()["DATABASE_URL"])
        let environment = ["DATABASE_URL": "\(url) user=billwright_worker", "USER": "clerk"]
        let folder = FileManager.default.temporaryDirectory.appending(path: "bw-\(UUID().uuidString)").path()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Data(catalogue.utf8).write(to: URL(filePath: "\(folder)/shop.json"))
        try Data(customers.utf8).write(to: URL(filePath: "\(folder)/customers.json"))
        func finish(_ line: String) async throws -> (Ending, Run) {
            try await Run.finish(line.split(separator: " ").map(String.init), environment: environment)
        }
        let (status, run) = try await finish("catalog load \(folder)/shop.json --customers \(folder)/customers.json")
        #expect(status == .code(0), "\(run.everything)")
        try await body(finish)
    }

    @Test func `whoever cancels is asked why and offered something, once; and all of it is told`() async throws {
        try await Self.withShop { finish in
            let cancel = "subscriptions cancel c-0 --when period_end"
            let (wrong, fault) = try await finish("\(cancel) --code bored --reason asked")
            #expect(wrong == .code(1))
            #expect(fault.errors == ["billwright: not_found: there is no reason bored; there are dear, moved"])
            let (seen, preview) = try await finish("\(cancel) --code dear --preview")
            #expect(seen == .code(0) && preview.output.last == "nothing was changed", "\(preview.everything)")
            #expect(preview.output.contains { $0.contains("offered to stay: coupon stay") })
            #expect(preview.output.first == "is due before and would be invoiced first: 10.00 USD")
            let (early, nothing) = try await finish("subscriptions accept-offer c-0 --reason phoned")
            #expect(early == .code(1) && nothing.errors[0].contains("illegal_transition"), "\(nothing.everything)")

            let (asked, _) = try await finish("\(cancel) --code dear --comment Dear! --reason asked")
            #expect(asked == .code(0))
            let (_, shown) = try await finish("subscriptions show c-0")
            #expect(
                shown.output.contains { $0.contains("because dear: Dear!, 10.00 USD a month") }, "\(shown.everything)")
            let (stays, offer) = try await finish("subscriptions accept-offer c-0 --reason phoned")
            #expect(stays == .code(0) && !offer.output.contains { $0.hasSuffix(": cancelled") }, "\(offer.everything)")
            let (again, second) = try await finish("\(cancel) --code moved --reason asked")
            #expect(again == .code(0) && !second.output.contains { $0.contains("offered to stay") })

            let (_, told) = try await finish("subscriptions cancellations --json")
            #expect(
                told.output.joined() == #"[{"reason":"moved","count":1,"currency":"USD","lost_mrr":500,"#
                    + #""withdrawn":0,"took_offer":0},{"reason":"dear","count":0,"currency":"USD","lost_mrr":0,"#
                    + #""withdrawn":1,"took_offer":1}]"#)
            let (_, coupons) = try await finish("catalog coupons")
            #expect(
                coupons.output == [
                    "coupon  handed in  until              taken off", "stay    1 of 1     before 2999-01-01",
                ])
        }
    }

    @Test func `trials show their limits and are counted; what is retired is sold to nobody`() async throws {
        try await Self.withShop { finish in
            let (_, shown) = try await finish("subscriptions show c-1")
            #expect(shown.output.contains("    0 of 100 calls"), "\(shown.everything)")
            let (_, trials) = try await finish("subscriptions trials --json")
            #expect(
                trials.output.joined() == #"[{"plan":"try","started":1,"extended":0,"converted":0,"expired":0,"#
                    + #""cancelled":0,"running":1,"rate":null}]"#)
            let (_, none) = try await finish("subscriptions trials --until 2020-01-01")
            #expect(none.output == ["no trials"])
            let (refused, fault) = try await finish("subscriptions change-plan c-0 --plan old --reason cheaper")
            #expect(refused == .code(1))
            #expect(
                fault.errors == [
                    "billwright: not_found: plan old is not sold any more since 2020-01-01; who has it keeps it"
                ])
        }
    }
}
