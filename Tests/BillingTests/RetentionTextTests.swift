import Billing
import Dates
import JSONText
import Testing

/// What a catalogue says of those who go, of trials, and of plans that are sold no more.
@Suite struct RetentionTextTests {
    private func catalogue(_ seller: String, _ plan: String) -> String {
        """
        {"seller": {"code": "shop", "name": "Shop", "currency": "USD", \(seller)},
         "metrics": [{"code": "calls", "aggregation": "sum"}],
         "plans": [{"code": "pro", "entitlements": ["export"],
           "prices": [{"code": "seats", "model": "per_unit", "unit": "seat", "amount": "1.00"}], \(plan)}],
         "coupons": [{"code": "stay", "percent": "50"}]}
        """
    }

    @Test func `it is read, written as it was read, and told as a difference`() throws {
        let text = catalogue(
            """
            "reminders": {"term_days": 60}, "cancellation": {"reasons": ["dear", "moved"], "offer": "stay",
             "win_back": {"days": 30, "coupon": "stay"}}
            """,
            """
            "trial_limits": {"calls": 100, "seat": 2, "export": 0}, "retired_from": "2026-12-01",
            "retention_offer": "stay"
            """)
        let read = try Catalogue.read(Array(text.utf8), name: "test.json")
        #expect(read.seller?.reminders == Reminders(trialDays: 3, termDays: 60))
        #expect(
            read.seller?.retention
                == Retention(
                    reasons: ["dear", "moved"], offer: "stay", winBack: Retention.WinBack(days: 30, coupon: "stay")))
        let plan = try #require(read[plan: "pro"])
        #expect(plan.trialLimits.map(\.subject) == ["calls", "export", "seat"])
        #expect(plan.trialLimits.map(\.maximum) == [100, 0, 2] && plan.trialLimits.allSatisfy(\.isHard))
        #expect(plan.retiredFrom == (try LocalDate(parsing: "2026-12-01")) && plan.retentionOffer == "stay")
        #expect(try Catalogue.read(Array(try read.json().text().utf8), name: "again.json") == read)

        let plain = try Catalogue.read(
            Array(catalogue(#""time_zone": "UTC""#, #""trial_days": 0"#).utf8), name: "plain.json")
        let changes = try plain.changes(to: read)
        #expect(changes.map(\.subject) == [.seller, .plan("pro")])
        #expect(changes[0].fields.map(\.key) == ["cancellation", "reminders"])
        #expect(changes[1].fields.map(\.key) == ["retention_offer", "retired_from", "trial_limits"])
    }

    @Test func `what contradicts itself is refused with every fault`() throws {
        let text = catalogue(
            """
            "reminders": {"term_days": 400}, "cancellation": {"reasons": ["dear", "dear"], "offer": "none",
             "win_back": {"coupon": "gone"}}
            """,
            """
            "trial_limits": {"storage": 1, "calls": {"max": 2}}, "retired_from": "soon", "retention_offer": "nothing"
            """)
        let faults = #expect(throws: CatalogueFaults.self) {
            try Catalogue.read(Array(text.utf8), name: "test.json")
        }
        #expect(
            faults?.faults.map(\.path).sorted() == [
                "plans[0].retention_offer", "plans[0].retired_from", "plans[0].trial_limits.calls",
                "plans[0].trial_limits.storage", "seller.cancellation.offer", "seller.cancellation.reasons[1]",
                "seller.cancellation.win_back", "seller.cancellation.win_back.coupon", "seller.reminders.term_days",
            ])
    }
}
