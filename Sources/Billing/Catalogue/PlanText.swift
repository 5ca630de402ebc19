internal import Dates
public import JSONText
public import Money

/// A plan version is stored in the words of the catalogue, so that what was sold can be read for ever.
extension Plan {
    /// The plan as a catalogue writes it. Throws `notANumber` for a rate or quantity that is no decimal number, and
    /// `overflow`; none that was read is either.
    public func json() throws(MoneyFault) -> JSONValue {
        let priceList = try prices.map { (price) throws(MoneyFault) in try price.json(in: currency) }
        var members: [JSONValue.Member] = [
            .init("code", .string(code)), .init("name", .string(name)), .init("interval", interval.json),
            .init("prices", .array(priceList)),
        ]
        if trialDays > 0 { members.append(.init("trial_days", .integer(Int64(trialDays)))) }
        if let minimum { members.append(.init("minimum", .string(minimum.decimal))) }
        if !discounts.isEmpty {
            let list = try discounts.map { (discount) throws(MoneyFault) in try discount.json() }
            members.append(.init("discounts", .array(list)))
        }
        if !limits.isEmpty {
            let list = limits.map {
                JSONValue.Member($0.subject, ["max": .integer($0.maximum), "hard": .bool($0.isHard)])
            }
            members.append(.init("limits", .object(list)))
        }
        if !entitlements.isEmpty {
            members.append(.init("entitlements", .object(entitlements.map { .init($0.code, $0.value.json) })))
        }
        if !trialLimits.isEmpty {
            let list = trialLimits.map { JSONValue.Member($0.subject, .integer($0.maximum)) }
            members.append(.init("trial_limits", .object(list)))
        }
        if let retiredFrom { members.append(.init("retired_from", .text(retiredFrom))) }
        if let retentionOffer { members.append(.init("retention_offer", .string(retentionOffer))) }
        return .object(members)
    }

    /// Reads back what `json()` wrote; what its prices and limits refer to was checked with the catalogue.
    /// Throws with every fault; `name` says where the text came from.
    public static func read(_ bytes: [UInt8], name: String, currency: Currency) throws(CatalogueFaults) -> Plan {
        var reader = PlanReader(currency: currency, metrics: nil)
        let root = reader.fields.faults.collect { () throws(JSONFault) in try JSONNode(parsing: bytes) }
        guard let root, let plan = reader.plan(root), reader.fields.faults.isEmpty else {
            throw CatalogueFaults(name: name, faults: reader.fields.faults.byLine)
        }
        return plan
    }
}

extension Price {
    /// As a catalogue writes it, what is left out being the default. Throws as `Plan.json()` does.
    public func json(in currency: Currency) throws(MoneyFault) -> JSONValue {
        var members: [JSONValue.Member] = [.init("code", .string(code))]
        members += try model.members(in: currency)
        if timing != .inAdvance, model.metric == nil { members.append(.init("bill", .string(timing.rawValue))) }
        if let interval { members.append(.init("interval", interval.json)) }
        if let effectiveFrom { members.append(.init("effective_from", .string(effectiveFrom.description))) }
        if let movesExistingFrom {
            members.append(.init("move_existing_from", .string(movesExistingFrom.description)))
        }
        return .object(members)
    }
}

extension PriceModel {
    /// As catalogues name it.
    public var name: String {
        switch self {
        case .flat: "flat"
        case .oneTime: "one_time"
        case .perUnit: "per_unit"
        case .usage: "usage"
        case .graduated: "graduated"
        case .volume: "volume"
        case .package: "package"
        case .percentage: "percentage"
        }
    }

    /// The part of a price that says what it costs. Throws as `Plan.json()` does.
    public func json(in currency: Currency) throws(MoneyFault) -> JSONValue { .object(try members(in: currency)) }

    fileprivate func members(in currency: Currency) throws(MoneyFault) -> [JSONValue.Member] {
        var members: [JSONValue.Member] = [.init("model", .string(name))]
        switch counted {
        case .unit(let unit): members.append(.init("unit", .string(unit)))
        case .metric(let metric): members.append(.init("metric", .string(metric)))
        case nil: break
        }
        switch self {
        case .flat(let amount), .oneTime(let amount): members.append(.init("amount", .string(amount.decimal)))
        case .perUnit(_, let amount, let included):
            members.append(.init("amount", try amount.majorUnits(of: currency)))
            if included != .zero { members.append(.init("included", try included.json())) }
        case .usage(_, let amount, let included):
            members.append(.init("unit_amount", try amount.majorUnits(of: currency)))
            if included != .zero { members.append(.init("included", try included.json())) }
        case .graduated(_, let tiers), .volume(_, let tiers):
            let list = try tiers.map { (tier) throws(MoneyFault) in try tier.json(in: currency) }
            members.append(.init("tiers", .array(list)))
        case .package(_, let size, let amount, let included):
            members += [.init("size", try size.json()), .init("amount", try amount.majorUnits(of: currency))]
            if included != .zero { members.append(.init("included", try included.json())) }
        case .percentage(_, let percent, let fixed):
            members.append(.init("percent", try percent.json()))
            if fixed != .zero { members.append(.init("fixed", try fixed.majorUnits(of: currency))) }
        }
        return members
    }
}

extension PriceModel.Tier {
    fileprivate func json(in currency: Currency) throws(MoneyFault) -> JSONValue {
        var members: [JSONValue.Member] = [
            .init("up_to", try upTo?.json() ?? .null), .init("unit_amount", try unitAmount.majorUnits(of: currency)),
        ]
        if flatAmount != .zero { members.append(.init("flat_amount", try flatAmount.majorUnits(of: currency))) }
        return .object(members)
    }
}

extension PlanDiscount {
    fileprivate func json() throws(MoneyFault) -> JSONValue {
        var members: [JSONValue.Member] = [.init("code", .string(code)), .init("percent", try percent.json())]
        if let minimumTermMonths { members.append(.init("min_term_months", .integer(Int64(minimumTermMonths)))) }
        if let volume {
            members += [.init("unit", .string(volume.unit)), .init("min_quantity", try volume.minimum.json())]
        }
        return .object(members)
    }
}

extension Rational {
    /// In quotes. Throws `notANumber` for what is no decimal number.
    func json() throws(MoneyFault) -> JSONValue {
        let text = description
        guard !text.utf8.contains(UInt8(ascii: "/")) else { throw .notANumber(text) }
        return .string(text)
    }

    /// This many minor units as a price is written.
    fileprivate func majorUnits(of currency: Currency) throws(MoneyFault) -> JSONValue {
        try (self / Rational(currency.minorUnitsPerMajor)).json()
    }
}

extension BillingInterval {
    /// As a catalogue writes it.
    public var json: JSONValue {
        switch self {
        case .month, .quarter, .year: .string(description)
        case .months(let count): ["months": .integer(Int64(count))]
        case .weeks(let count): ["weeks": .integer(Int64(count))]
        case .days(let count): ["days": .integer(Int64(count))]
        }
    }
}

extension Entitlement.Value {
    /// As a catalogue writes it.
    public var json: JSONValue {
        switch self {
        case .granted(let granted): .bool(granted)
        case .number(let number): .integer(number)
        case .text(let text): .string(text)
        }
    }
}
