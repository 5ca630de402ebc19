public import JSONText
public import Money

/// A plan version is stored in the words of the catalogue, so that what was sold can be read for ever.
extension Plan {
    /// The plan as a catalogue writes it. Throws `overflow` if a unit price has too many digits, as none read has.
    public func json() throws(MoneyFault) -> JSONValue {
        var priceList: [JSONValue] = []
        for price in prices { priceList.append(try price.json(in: currency)) }
        var members: [JSONValue.Member] = [
            .init("code", .string(code)), .init("name", .string(name)), .init("interval", interval.json),
            .init("prices", .array(priceList)),
        ]
        if trialDays > 0 { members.append(.init("trial_days", .integer(Int64(trialDays)))) }
        if !limits.isEmpty {
            let list = limits.map {
                JSONValue.Member($0.subject, ["max": .integer($0.maximum), "hard": .bool($0.isHard)])
            }
            members.append(.init("limits", .object(list)))
        }
        if !entitlements.isEmpty {
            members.append(.init("entitlements", .object(entitlements.map { .init($0.code, $0.value.json) })))
        }
        return .object(members)
    }

    /// Reads back what `json()` wrote; what its limits refer to was checked with the catalogue.
    /// Throws with every fault; `name` says where the text came from.
    public static func read(_ bytes: [UInt8], name: String, currency: Currency) throws(CatalogueFaults) -> Plan {
        var reader = CatalogueReader(currency: currency)
        let root = reader.faults.collect { () throws(JSONFault) in try JSONNode(parsing: bytes) }
        let limited = (try? root?.optional("limits")?.members().map(\.key)) ?? []
        guard let root, let plan = reader.plan(root, currency: currency, metrics: Set(limited)), reader.faults.isEmpty
        else { throw CatalogueFaults(name: name, faults: reader.faults.faults) }
        return plan
    }
}

extension Price {
    fileprivate func json(in currency: Currency) throws(MoneyFault) -> JSONValue {
        var members: [JSONValue.Member] = [.init("code", .string(code))]
        switch model {
        case .flat(let amount):
            members += [.init("model", "flat"), .init("amount", .string(amount.decimal))]
        case .perUnit(let unit, let amount, let included):
            let major = try amount / Rational(currency.minorUnitsPerMajor)
            members += [
                .init("model", "per_unit"), .init("unit", .string(unit)), .init("amount", .string(major.description)),
            ]
            if included != .zero { members.append(.init("included", .string(included.description))) }
        default: preconditionFailure("model \(model) cannot be written yet")
        }
        if timing != .inAdvance { members.append(.init("bill", .string(timing.rawValue))) }
        if let interval { members.append(.init("interval", interval.json)) }
        return .object(members)
    }
}

extension BillingInterval {
    fileprivate var json: JSONValue {
        switch self {
        case .month, .quarter, .year: .string(description)
        case .months(let count): ["months": .integer(Int64(count))]
        case .weeks(let count): ["weeks": .integer(Int64(count))]
        case .days(let count): ["days": .integer(Int64(count))]
        }
    }
}

extension Entitlement.Value {
    fileprivate var json: JSONValue {
        switch self {
        case .granted(let granted): .bool(granted)
        case .number(let number): .integer(number)
        case .text(let text): .string(text)
        }
    }
}
