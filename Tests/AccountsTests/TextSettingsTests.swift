import Billing
import Chance
import Dates
import JSONText
import Money
import Testing

@testable import Accounts

extension TextSamples {
    fileprivate mutating func settings() throws -> BillingSettings {
        let days = Set(some { $0.count(1...30) }).sorted()
        var settings = BillingSettings(
            currency: currency,
            proration: Proration(
                unit: pick(Proration.Unit.self), credit: pick(Proration.CreditBasis.self),
                allowances: pick(Proration.Allowances.self)),
            numbering: InvoiceNumbering(pick(InvoiceNumbering.Scheme.self), prefix: maybe { $0.code() }),
            netDays: count(0...90),
            dunning: Dunning(retryDays: days, graceDays: count(0...60), final: pick(Dunning.Final.self)),
            taxRates: try some {
                TaxRate(country: "US", region: $0.maybe { $0.code() }, percent: try $0.decimal())
            },
            brakes: try maybe {
                Brakes(maximumLines: $0.maybe { $0.count() }, maximumGrowth: try $0.maybe { try $0.decimal() })
            })
        settings.rendersDocuments = count(0...1) == 1
        return settings
    }

    fileprivate mutating func coupon() throws -> Coupon {
        let benefit: Coupon.Benefit =
            switch count(0...2) {
            case 0: .percent(try decimal())
            case 1: .amount(money(0...100_000))
            default: .trialDays(count(1...60))
            }
        let duration: Coupon.Duration =
            switch count(0...2) {
            case 0: .once
            case 1: .forever
            default: .periods(count(1...24))
            }
        return Coupon(
            code: code(), benefit: benefit, duration: duration, appliesTo: Set(some { $0.code() }).sorted(),
            limit: maybe { $0.count() }, expires: maybe { $0.date() })
    }
}

@Suite struct TextSettingsTests {
    @Test(arguments: SeededGenerator.seeds, [Currency.usd, .jpy])
    func `settings and coupons that were stored are read back as they were`(seed: UInt64, currency: Currency) throws {
        var samples = TextSamples(random: SeededGenerator(seed: seed), currency: currency)
        for _ in 0..<100 {
            let settings = try samples.settings()
            #expect(try BillingSettings(reading: stored(settings.json)) == settings)
            let coupon = try samples.coupon()
            let text = try coupon.json().text(sortingKeys: true)
            #expect(try Coupon.read(Array(text.utf8), name: "column", currency: currency) == coupon)
        }
    }

    @Test func `the stored form stays as it is`() throws {
        let plain =
            #""proration":{"unit":"day","credit":"full","allowances":"whole"},"invoice":{"net_days":0,"numbering":"customer"},"#
            + #""dunning":{"retry_days":[1,3,7],"grace_days":15,"final":"suspend"},"tax":{"rates":[]}"#
        #expect(BillingSettings(currency: .eur).json.text() == #"{"currency":"EUR",\#(plain)}"#)
        let settings = BillingSettings(
            currency: .usd, proration: Proration(unit: .fixed30, credit: .paid, allowances: .day),
            numbering: InvoiceNumbering(.seller, prefix: "EU"), netDays: 30,
            dunning: Dunning(retryDays: [2], graceDays: 5, final: .cancel),
            taxRates: [
                TaxRate(country: "US", region: "CA", percent: try Rational(parsing: "7.25")),
                TaxRate(country: "DE", percent: 19),
            ], brakes: Brakes(maximumLines: 50, maximumGrowth: try Rational(parsing: "2.5")))
        #expect(
            settings.json.text()
                == #"{"currency":"USD","proration":{"unit":"fixed_30","credit":"paid","allowances":"day"},"#
                + #""invoice":{"net_days":30,"numbering":"seller","prefix":"EU"},"#
                + #""dunning":{"retry_days":[2],"grace_days":5,"final":"cancel"},"#
                + #""tax":{"rates":[{"country":"US","region":"CA","percent":"7.25"},{"country":"DE","percent":"19"}]},"#
                + #""brakes":{"max_lines":50,"max_growth":"2.5"}}"#)
    }

    // That each operation's words are read as that operation is tested with the scenarios' reader.
    @Test func `an operation's words stay as they are`() throws {
        let day = try LocalDate(parsing: "2026-01-15")
        let at = try Instant(parsing: "2026-01-15T09:30:00Z")
        let usd = { Money(minorUnits: $0, .usd) }
        let operations: [(Operation, String)] = [
            (
                .subscribe(
                    Operation.Subscribe(
                        code: "s1", plan: "pro", start: day, billingDay: 15, quantities: ["seat": 7, "desk": 1],
                        trialDays: 14, coupons: ["ten"], prices: ["base": try Rational(parsing: "39.5")],
                        term: Operation.Term(months: 12))),
                #"{"do":"subscribe","id":"s1","customer":"acme","plan":"pro","start":"2026-01-15","billing_day":15,"align":"anniversary","quantities":{"desk":"1","seat":"7"},"trial_days":14,"coupons":["ten"],"prices":{"base":"39.5"},"term":{"months":12,"renew":true}}"#
            ),
            (
                .changePlan(
                    subscription: "s1", plan: "big", Operation.Timing(when: .now, invoice: .next), effective: day),
                #"{"do":"change_plan","subscription":"s1","plan":"big","effective":"2026-01-15","when":"now","invoice":"next"}"#
            ),
            (
                .usage(UsageEvent(id: "e1", metric: "calls", properties: ["region": "eu"], time: at)),
                #"{"do":"usage","customer":"acme","metric":"calls","id":"e1","quantity":"1","event":{"region":"eu"},"time":"2026-01-15T09:30:00Z"}"#
            ),
            (
                .creditNote(invoice: 2, .lines([Operation.NoteLine(code: "base", amount: usd(500))]), as: .refund),
                #"{"do":"credit_note","invoice":{"customer":"acme","nth":2},"lines":[{"code":"base","amount":"5.00"}],"as":"refund"}"#
            ),
            (
                .overrideDunning(.extendGrace(days: 3)),
                #"{"do":"override","customer":"acme","dunning":"extend_grace","days":3}"#
            ),
            (.bill(day), #"{"do":"bill","date":"2026-01-15"}"#),
        ]
        for (operation, text) in operations {
            #expect(try operation.json(customer: "acme", in: .usd).text() == text)
        }
    }
}
