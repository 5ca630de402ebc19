import Accounts
import Billing
import Dates
import Documents
import Money

/// A customer of two subscriptions with a coupon, taxed at 20 %, invoiced for June 2026.
enum SampleAccount {
    static let june = Instant(microseconds: 1_780_272_000_000_000)

    static func make(_ currency: Currency = .eur, country: String = "FR", net days: Int = 14) throws -> Account {
        let plan = Plan(
            code: "team", name: "Team plan", currency: currency, interval: .month,
            prices: [
                Price(code: "base", model: .flat(amount: Money(minorUnits: 4900, currency))),
                Price(
                    code: "extra_seats", model: .perUnit(unit: "seat", amount: Rational(900), included: Rational(3))),
            ])
        let coupon = Coupon(code: "SPRING", benefit: .percent(Rational(10)), duration: .forever)
        return Account(
            code: "acme", currency: currency, zone: .utc, sellerZone: .utc,
            settings: BillingSettings(
                currency: currency, netDays: days, taxRates: [TaxRate(country: "FR", percent: Rational(20))]),
            catalogue: Catalogue(currency: currency, plans: [plan], coupons: [coupon]),
            email: "billing@acme.example", address: Customer.Address(country: country, postalCode: "75001"))
    }

    static func invoiced(
        _ currency: Currency = .eur, country: String = "FR", seats: Rational = 5, coupons: [String] = ["SPRING"]
    ) throws -> Account {
        var account = try make(currency, country: country)
        try account.perform(
            .subscribe(
                Operation.Subscribe(code: "acme-1", plan: "team", quantities: ["seat": seats], coupons: coupons)),
            at: june)
        try account.bill(at: june)
        return account
    }

    static func branding(_ locale: DocumentLocale = .english) -> Branding {
        var branding = Branding()
        branding.legalName = "Shop Software Ltd"
        branding.address = ["1 High Street", "London"]
        branding.taxIDs = [Branding.TaxID(name: "VAT ID", value: "GB123456789")]
        branding.locale = locale
        branding.footer = "Thank you.\n\n Payable in euros. "
        return branding
    }
}

extension Account {
    mutating func bill(at instant: Instant) throws {
        let number = nextNumber
        _ = try invoice(at: instant) { _ in number }
    }

    func document(
        _ reference: DocumentReference, _ branding: Branding = SampleAccount.branding(), link: String? = nil
    ) throws -> Document? {
        try DocumentWriter(
            self, customerName: "Acme GmbH", sellerName: "Shop", branding: branding, paymentLink: link
        ).document(reference)
    }
}
