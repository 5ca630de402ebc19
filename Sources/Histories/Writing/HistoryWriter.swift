internal import Dates
internal import JSONText

/// Writes a random history as a scenario file: settings, a catalogue, customers and what they do, legal or not. The
/// same seed writes the same text.
struct HistoryWriter {
    var dice: Dice
    /// Decimals of the currency's minor unit.
    let exponent: Int
    let currency: String
    let isWhole: Bool
    var catalogue = WrittenCatalogue()
    var customers: [String] = []
    /// By customer, in the order in which they were asked for.
    var subscriptions: [(code: String, plan: String)] = []
    var usageCount = 0
    var addOnCount = 0
    /// The date of the operation that is written.
    var today = LocalDate.earliest

    init(seed: UInt64) {
        var dice = Dice(seed: seed)
        (currency, exponent) = dice.pick(weighed: [(6, ("USD", 2)), (2, ("JPY", 0)), (1, ("BHD", 3))])
        isWhole = dice.chance(30)
        self.dice = dice
    }

    static let zones = [
        "UTC", "America/New_York", "Europe/Berlin", "Asia/Kathmandu", "Pacific/Apia", "Australia/Lord_Howe",
        "America/St_Johns", "Pacific/Kiritimati", "Africa/Casablanca", "Asia/Tokyo", "America/Sao_Paulo",
        "Pacific/Niue",
    ]

    mutating func history(seed: UInt64) -> JSONValue {
        let settings = settings()
        let catalog = catalog()
        let customers = writtenCustomers()
        let (timeline, until) = timeline()
        return [
            "scenario": .string("Random history \(seed)."), "settings": settings, "catalog": catalog,
            "customers": customers, "timeline": timeline, "until": until,
        ]
    }

    private mutating func settings() -> JSONValue {
        var settings: [JSONValue.Member] = [.init("currency", .string(currency))]
        if dice.chance(50) { settings.append(.init("time_zone", .string(dice.pick(Self.zones)))) }
        settings.append(
            .init(
                "proration",
                [
                    "unit": .string(dice.pick(weighed: [(4, "day"), (2, "second"), (2, "fixed_30")])),
                    "credit": .string(dice.chance(75) ? "full" : "paid"),
                    "allowances": .string(dice.chance(75) ? "whole" : "day"),
                ]))
        var invoice: [JSONValue.Member] = [
            .init("net_days", .integer(Int64(dice.pick([0, 0, 0, 5, 14, 30])))),
            .init("numbering", .string(dice.chance(75) ? "customer" : "seller")),
        ]
        if dice.chance(20) { invoice.append(.init("prefix", "EU")) }
        settings.append(.init("invoice", .object(invoice)))
        if dice.chance(60) {
            settings.append(
                .init(
                    "dunning",
                    [
                        "retry_days": .array(
                            dice.pick([[1, 3, 7], [1], [], [2, 5], [10, 40]]).map { .integer($0) }),
                        "grace_days": .integer(Int64(dice.pick([0, 1, 5, 15, 60]))),
                        "final": .string(dice.chance(60) ? "suspend" : "cancel"),
                    ]))
        }
        if dice.chance(50) { settings.append(.init("tax", ["rates": taxRates()])) }
        return .object(settings)
    }

    private mutating func taxRates() -> JSONValue {
        var rates: [JSONValue] = [["country": "US", "percent": .string(dice.pick(["10", "7.25", "0.5", "100", "0"]))]]
        if dice.chance(50) { rates.append(["country": "US", "region": "CA", "percent": "8.875"]) }
        if dice.chance(30) { rates.append(["country": "DE", "percent": "19"]) }
        return .array(rates)
    }

    private mutating func writtenCustomers() -> JSONValue {
        var written: [JSONValue] = []
        for id in ["acme", "bolt", "cove"].prefix(dice.pick(weighed: [(6, 1), (3, 2), (1, 3)])) {
            customers.append(id)
            var customer: [JSONValue.Member] = [.init("id", .string(id))]
            if dice.chance(80) { customer.append(.init("email", .string("\(id)@example.com"))) }
            if dice.chance(70) { customer.append(.init("time_zone", .string(dice.pick(Self.zones)))) }
            if dice.chance(60) { customer.append(.init("address", address())) }
            if dice.chance(10) { customer.append(.init("tax_exempt", .bool(true))) }
            if dice.chance(20) {
                customer.append(.init("billing_day", .integer(Int64(dice.pick([1, 15, 28, 29, 30, 31])))))
            }
            if dice.chance(80) { customer.append(.init("payment", .object(payment()))) }
            written.append(.object(customer))
        }
        return .array(written)
    }

    mutating func address() -> JSONValue {
        dice.pick([["country": "US", "region": "CA"], ["country": "US"], ["country": "DE"]])
    }

    mutating func payment() -> [JSONValue.Member] {
        var payment: [JSONValue.Member] = [
            .init("method", .string(dice.pick(weighed: [(6, "card"), (2, "ach"), (2, "wire")])))
        ]
        if dice.chance(20) { payment.append(.init("net_days", .integer(Int64(dice.pick([0, 7, 30]))))) }
        if dice.chance(50) {
            let outcomes = [
                "success", "success", "success", "insufficient_funds", "card_declined", "expired_card", "lost_card",
                "requires_action", "unreachable", "timeout_not_charged", "timeout_charged",
            ]
            let count = dice.number(1...5)
            payment.append(.init("outcomes", .array((0..<count).map { _ in .string(dice.pick(outcomes)) })))
        }
        return payment
    }

    /// An amount as people write it, up to some thousand major units.
    mutating func money(atLeast least: Int = 0) -> JSONValue {
        let scale = (0..<exponent).reduce(1) { whole, _ in whole * 10 }
        let major = dice.pick([0, 1, 10, 29, 30, 31, 99, 100, 365, 1200, dice.number(0...3000)])
        let minor = isWhole || exponent == 0 ? 0 : dice.number(0...scale - 1)
        return .string(text(max(least, major * scale + minor)))
    }

    /// A price of one, which may be finer than a minor unit.
    mutating func unitPrice() -> JSONValue {
        if dice.chance(20) { return .string(dice.pick(["0.001", "0.0333", "0.5", "1.005"])) }
        return .string(text(dice.number(1...2000)))
    }

    private func text(_ minor: Int) -> String {
        guard exponent > 0 else { return String(minor) }
        let digits = String(minor)
        let padded = String(repeating: "0", count: max(0, exponent + 1 - digits.utf8.count)) + digits
        return "\(padded.dropLast(exponent)).\(padded.suffix(exponent))"
    }

    mutating func quantity() -> JSONValue {
        .string(dice.pick(["0", "1", "2", "3", "5", "10", "100", "7.5", "0.333", String(dice.number(0...500))]))
    }
}
