import Billing
import Dates
import JSONText
import Money
import Testing

@Suite struct ShippedCustomersTests {
    @Test func `its customers are the same on every reading, and a few have a card that declines`() throws {
        let catalogue = try ShippedCatalogueTests.catalogue("practice")
        let today = try Sample.date("2026-11-21")
        let read = {
            try CustomerFile.read(
                ShippedCatalogueTests.file("practice-customers.json"), name: "practice-customers.json",
                catalogue: catalogue,
                loadDate: today)
        }
        let entries = try read().entries
        #expect(entries.count == 300)
        #expect(try read().entries == entries)
        let first = try #require(entries.first)
        #expect((first.customer.code, first.customer.name) == ("practice-0001", "Practice 0001"))
        #expect(first.customer.email == "billing+0001@practice.example")
        let plans = Dictionary(grouping: entries.flatMap(\.subscriptions), by: \.plan).mapValues(\.count)
        #expect(
            plans == [
                "starter_month": 150, "starter_year": 45, "professional_month": 75, "professional_year": 30,
            ])
        let declines = entries.filter { $0.payment?.token == "pm_card_chargeCustomerFail" }
        #expect((5...15).contains(declines.count))
        #expect(Set(declines.flatMap(\.subscriptions).map(\.plan)).count > 1)
        let starts = entries.flatMap(\.subscriptions).compactMap(\.start)
        #expect(starts.min() == (try Sample.date("2026-10-23")))
        #expect(starts.max() == today)
    }
}

@Suite struct CustomerFileTests {
    private func faults(_ text: String) throws -> [String] {
        let catalogue = try Sample.catalogue(
            "[{\"code\": \"p\", \"interval\": \"month\", \"prices\": [\(Sample.flat("10.00"))]}]")
        let date = try Sample.date("2026-01-01")
        do {
            _ = try CustomerFile.read(Array(text.utf8), name: "c.json", catalogue: catalogue, loadDate: date)
            return []
        } catch {
            return error.faults.map(\.description)
        }
    }

    @Test(arguments: [
        (#"{"customers": [{"id": "a", "email": "a"}]}"#, #"line 1: customers[0].email: "a" is not an e-mail address"#),
        (#"{"customers": [{"id": "a"}]}"#, #"line 1: customers[0]: "email" is missing"#),
        (
            #"{"customers": [{"id": "a", "email": "a@b.test"}, {"id": "A", "email": "a@b.test"}]}"#,
            #"line 1: customers[1].id: customer "A" stands twice"#
        ),
        (
            #"{"customers": [{"id": "a", "email": "a@b.test", "billing_day": 32}]}"#,
            "line 1: customers[0].billing_day: 32 is not between 1 and 31"
        ),
        (
            #"{"customers": [{"id": "a", "email": "a@b.test", "payment": {"method": "card", "token": "4242424242424242"}}]}"#,
            "line 1: customers[0].payment.token: must be a gateway's token; card numbers are never taken"
        ),
        (
            #"{"customers": [{"id": "a", "email": "a@b.test", "subscriptions": [{"id": "s", "plan": "q"}]}]}"#,
            #"line 1: customers[0].subscriptions[0].plan: no plan "q" in the catalogue"#
        ),
        (
            #"{"customers": [{"id": "a", "email": "a@b.test", "subscriptions": [{"id": "s", "plan": "p", "quantities": {"seat": 2}}]}]}"#,
            #"line 1: customers[0].subscriptions[0].quantities.seat: the plan has no price by "seat""#
        ),
        (
            #"{"customers": [{"id": "a", "email": "a@b.test", "currency": "EUR", "subscriptions": [{"id": "s", "plan": "p"}]}]}"#,
            "line 1: customers[0]: the catalogue's plans are in USD, not in EUR"
        ),
        (
            #"{"generate": {"count": 1, "id": "a-%04d", "name": "A %04d", "email": "a%04d@corp.com"}}"#,
            #"line 1: generate.email: "corp.com" is not a reserved domain, as practice.example is"#
        ),
        (
            #"{"generate": {"count": 1, "id": "a", "name": "A %04d", "email": "a%04d@a.test"}}"#,
            #"line 1: generate.id: needs one number, as "%04d""#
        ),
    ])
    func `what is wrong with a customer is named`(text: String, fault: String) throws {
        #expect(try faults(text) == [fault])
    }

    @Test func `a listed customer is read as it is written`() throws {
        let catalogue = try Sample.catalogue(
            """
            [{"code": "p", "interval": "month",
              "prices": [{"code": "s", "model": "per_unit", "unit": "seat", "amount": "5.00"}]}]
            """)
        let text = """
            {"customers": [{"id": "acme", "email": "a@acme.test", "time_zone": "Asia/Kathmandu", "billing_day": 5,
              "address": {"country": "US", "region": "CA"}, "payment": {"method": "card", "token": "pm_card_visa"},
              "subscriptions": [{"id": "s1", "plan": "p", "start": "2026-02-03", "quantities": {"seat": 7}, "trial_days": 0}]}]}
            """
        let file = try CustomerFile.read(
            Array(text.utf8), name: "c", catalogue: catalogue, loadDate: Sample.date("2026-01-01"))
        let entry = try #require(file.entries.first)
        #expect(entry.customer.name == "acme")
        #expect((entry.customer.timeZone, entry.customer.billingDay) == ("Asia/Kathmandu", 5))
        #expect(entry.customer.address?.region == "CA")
        #expect(entry.payment?.token == "pm_card_visa")
        #expect(entry.subscriptions[0].quantities == ["seat": 7])
        #expect(entry.subscriptions[0].start == (try Sample.date("2026-02-03")))
        #expect(entry.subscriptions[0].trialDays == 0)
    }
}
