import Billing
import Dates
import Money
import Testing

@Suite struct CatalogueChangeTests {
    private func catalogue(_ plans: String, metrics: String = "", coupons: String = "") throws -> Catalogue {
        let text = #"{"currency": "USD", "metrics": [\#(metrics)], "plans": [\#(plans)], "coupons": [\#(coupons)]}"#
        return try Catalogue.read(Array(text.utf8), name: "t")
    }

    private func plan(_ code: String, _ prices: String..., extra: String = "") -> String {
        #"{"code": "\#(code)", "prices": [\#(prices.joined(separator: ", "))]\#(extra)}"#
    }

    @Test func `equal catalogues have no changes, whatever their order of keys and plans`() throws {
        let (one, two) = (plan("a", Sample.flat("1")), plan("b", Sample.flat("2")))
        let catalogue = try catalogue("\(one), \(two)")
        #expect(try catalogue.changes(to: catalogue) == [])
        #expect(try catalogue.changes(to: self.catalogue("\(two), \(one)")) == [])
    }

    @Test func `what is added, removed and changed is listed, prices by their versions`() throws {
        let may = #", "effective_from": "2026-05-01""#
        let old = try catalogue(
            "\(plan("gone", Sample.flat("1"))), \(plan("p", Sample.flat("1"), Sample.flat("2", code: "extra")))",
            metrics: #"{"code": "calls"}"#, coupons: #"{"code": "spring", "percent": 10}"#)
        let new = try catalogue(
            "\(plan("p", Sample.flat("1.50"), Sample.flat("2", extra: may), extra: #", "trial_days": 14"#)), "
                + plan("fresh", Sample.flat("1")),
            metrics: #"{"code": "calls", "aggregation": "max"}"#, coupons: #"{"code": "summer", "percent": 10}"#)
        let expected: [CatalogueChange] = [
            .init(
                kind: .changed, subject: .metric("calls"),
                fields: [.init(key: "aggregation", old: #""sum""#, new: #""max""#)]),
            .init(kind: .changed, subject: .plan("p"), fields: [.init(key: "trial_days", old: nil, new: "14")]),
            .init(kind: .added, subject: .plan("fresh"), fields: []),
            .init(kind: .removed, subject: .plan("gone"), fields: []),
            .init(
                kind: .changed, subject: .price("base", plan: "p", from: nil),
                fields: [.init(key: "amount", old: #""1.00""#, new: #""1.50""#)]),
            .init(kind: .added, subject: .price("base", plan: "p", from: "2026-05-01"), fields: []),
            .init(kind: .removed, subject: .price("extra", plan: "p", from: nil), fields: []),
            .init(kind: .added, subject: .coupon("summer"), fields: []),
            .init(kind: .removed, subject: .coupon("spring"), fields: []),
        ]
        #expect(try old.changes(to: new) == expected)
    }
}
