import Foundation
import Postgres
import Processes
import TestSupport
import Testing

/// `catalog check`, `show`, `diff` and `load`, as a person meets them.
@Suite(.timeLimit(.minutes(15))) struct CatalogCommandsTests {
    /// Lends the paths of files with these texts.
    private static func files(_ texts: [String], _ body: ([String]) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "bw-\(UUID().uuidString)").path()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let paths = texts.indices.map { "\(folder)/\($0).json" }
        for (path, text) in zip(paths, texts) { try Data(text.utf8).write(to: URL(filePath: path)) }
        try await body(paths)
    }

    private static func shop(_ amount: String, extra: String = "") -> String {
        """
        {"seller": {"code": "shop", "name": "Shop", "currency": "USD"},
         "plans": [{"code": "pro", "prices": [{"code": "base", "model": "flat", "amount": "\(amount)"}]\(extra)}]}
        """
    }

    @Test func `check names every fault of every file and ends with 1, and with 0 when there is none`() async throws {
        let faulty = Self.shop("1.005", extra: #", "limits": {"seats": 1}, "colour": 1"#)
        let zone = #"{"seller": {"code": "s", "name": "S", "currency": "USD", "time_zone": "Mars/Base"}, "plans": []}"#
        try await Self.files([faulty, Self.shop("1.00"), zone]) { paths in
            let (status, run) = try await Run.finish(["catalog", "check"] + paths)
            #expect(status == .code(1) && run.errors == [])
            #expect(
                run.output.prefix(4) == [
                    "\(paths[0]): line 2: plans[0].colour: unknown key \"colour\"",
                    "\(paths[0]): line 2: plans[0].prices[0].amount: \"1.005\" has too many decimals: USD has 2",
                    "\(paths[0]): line 2: plans[0].limits.seats: \"seats\" is neither a metric nor a unit of this plan",
                    "\(paths[1]): no faults found",
                ])
            #expect(run.output.count == 5 && run.output[4].hasPrefix("\(paths[2]): seller.time_zone: "))
            let (fine, shipped) = try await Run.finish(["catalog", "check", paths[1], "practice", "tiers.json"])
            #expect(fine == .code(0))
            #expect(shipped.output == [paths[1], "practice", "tiers.json"].map { "\($0): no faults found" })
        }
    }

    @Test func `show prints tiers, allowances and discounts as a table`() async throws {
        let text = """
            {"currency": "USD", "metrics": [{"code": "calls"}],
             "plans": [{"code": "pro", "name": "Pro", "interval": "year", "trial_days": 14, "minimum": "100",
               "prices": [{"code": "base", "model": "flat", "amount": "1200.00"},
                 {"code": "setup", "model": "one_time", "amount": "50.00"},
                 {"code": "calls", "model": "graduated", "metric": "calls", "interval": "month",
                  "tiers": [{"up_to": 1000, "unit_amount": "0.005"}, {"up_to": null, "unit_amount": "0.01", "flat_amount": "5.00"}]},
                 {"code": "seats", "model": "per_unit", "unit": "seat", "amount": "10", "included": 5, "effective_from": "2026-05-01"}],
               "discounts": [{"code": "many", "percent": 5, "unit": "seat", "min_quantity": 50}],
               "limits": {"seat": {"max": 100, "hard": true}}, "entitlements": ["sso"]}],
             "coupons": [{"code": "spring", "percent": 10, "duration": {"periods": 3}, "applies_to": ["base"], "limit": 5}]}
            """
        try await Self.files([text]) { paths in
            let (status, run) = try await Run.finish(["catalog", "show", paths[0]])
            #expect(status == .code(0), "\(run.everything)")
            #expect(
                run.output == [
                    "",
                    "pro  Pro: every year, 14 days of trial",
                    "  price                  counts  billed                   rate",
                    "  base                           in advance               1200.00",
                    "  setup                          once                     50.00",
                    "  calls                  calls   in arrears, every month  up to 1000: 0.005 each",
                    "                                                          over 1000: 0.01 each, 5.00 flat",
                    "  seats from 2026-05-01  seat    in advance               10.00 each, 5 included",
                    "  at least 100.00",
                    "  discount many: 5 % from 50 seat",
                    "  at most 100 seat",
                    "  grants sso",
                    "",
                    "coupons",
                    "  spring  10 %  for 3 periods  on base; 5 times at most",
                    "",
                    "metrics",
                    "  calls  sum",
                ])
            // What it writes as JSON is the same catalogue.
            let (_, json) = try await Run.finish(["catalog", "show", "--json", paths[0]])
            try Data(json.output.joined(separator: "\n").utf8).write(to: URL(filePath: paths[0] + ".copy"))
            let (same, diff) = try await Run.finish(["catalog", "diff", paths[0], paths[0] + ".copy"])
            #expect(same == .code(0) && diff.output == ["no difference"])
        }
    }

    @Test func `diff lists what differs, and ends with 1 if anything does`() async throws {
        try await Self.files([Self.shop("1.00"), Self.shop("2.00", extra: #", "trial_days": 14"#)]) { paths in
            let (status, run) = try await Run.finish(["catalog", "diff"] + paths)
            #expect(status == .code(1))
            #expect(
                run.output == [
                    "changed plan pro: trial_days none -> 14",
                    #"changed price pro/base: amount "1.00" -> "2.00""#,
                ])
            let (_, json) = try await Run.finish(["catalog", "diff", "--json"] + paths)
            let changes = try JSONSerialization.jsonObject(with: Data(json.output.joined().utf8)) as? [[String: Any]]
            #expect(changes?.compactMap { $0["what"] as? String } == ["plan", "price"])
        }
    }

    @Test(.database) func `load takes a shipped or own catalogue, and a change as a new version`() async throws {
        let environment = try CommandTests.database()
        let (migrated, _) = try await Run.finish(["migrate"], environment: environment)
        #expect(migrated == .code(0))
        let load = { (name: String) async throws -> [String] in
            let (status, run) = try await Run.finish(["catalog", "load", name], environment: environment)
            #expect(status == .code(0), "\(run.everything)")
            return run.output
        }
        #expect(try await load("practice") == ["practice: 4 plans new, 0 as they were; 6 metrics and 2 coupons new"])
        #expect(try await load("practice") == ["practice: 0 plans new, 4 as they were; 0 metrics and 0 coupons new"])
        try await Self.files([Self.shop("1.00"), Self.shop("2.00")]) { paths in
            for path in paths {
                let said = try await load(path)
                #expect(said == ["\(path): 1 plans new, 0 as they were; 0 metrics and 0 coupons new"])
            }
        }
        let prices = try await TestDatabase.current.withPool { pool in
            try await pool.query(
                """
                SELECT definition #>> '{plans,0,prices,0,amount}' FROM books.catalogues JOIN books.sellers USING (seller_id)
                 WHERE code = 'shop' ORDER BY revision
                """
            ).decode(String.self)
        }
        #expect(prices == ["1.00", "2.00"])
    }
}
