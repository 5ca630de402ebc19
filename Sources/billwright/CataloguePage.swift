internal import Billing
internal import Dates
internal import Money

/// A catalogue as a person reads it: amounts in major units, one table of prices for each plan.
struct CataloguePage {
    private let catalogue: Catalogue
    private(set) var text = ""

    /// Throws `overflow` for a unit price that has too many digits, as none that was read has.
    init(_ catalogue: Catalogue) throws(MoneyFault) {
        self.catalogue = catalogue
        if let seller = catalogue.seller { add(seller) }
        for plan in catalogue.plans { try add(plan) }
        section("coupons", catalogue.coupons.map { [$0.code] + $0.terms })
        section("metrics", catalogue.metrics.map { [$0.code, $0.aggregation.rawValue, $0.field ?? ""] })
    }

    private mutating func add(_ seller: Seller) {
        let (invoices, dunning) = (seller.invoices, seller.dunning)
        line("\(seller.code)  \(seller.name), \(seller.currency), \(seller.timeZone)")
        let due = invoices.netDays == 0 ? "at once" : "after \(invoices.netDays) days"
        line("  invoices numbered by \(invoices.numbering.scheme.rawValue), due \(due)")
        let days = dunning.retryDays.map { "\($0)" }.joined(separator: ", ")
        let retries = days.isEmpty ? "not charged again" : "charged again after \(days) days"
        line("  what fails is \(retries); \(dunning.final.rawValue) after \(dunning.graceDays) days")
        if let most = seller.brakes?.maximumLines { line("  parked with more than \(most) lines of a subscription") }
        let reminders = seller.reminders
        if reminders != Reminders() {
            line("  told \(reminders.trialDays) days before a trial ends, \(reminders.termDays) before a term")
        }
        if !seller.retention.reasons.isEmpty { line("  asks why: \(seller.retention.reasons.joined(separator: ", "))") }
        if let offer = seller.retention.offer { line("  offers coupon \(offer) to who cancels") }
        if let winBack = seller.retention.winBack {
            line("  invites back \(winBack.days) days later\(winBack.coupon.map { ", with coupon \($0)" } ?? "")")
        }
        if let growth = seller.brakes?.maximumGrowth { line("  parked over \(growth) times the period before") }
        if let branding = seller.branding {
            let when = branding.rendering == .onIssue ? "made as soon as they are issued" : "made when asked for"
            line("  documents in \(branding.locale.rawValue), \(when)")
        }
    }

    private mutating func add(_ plan: Plan) throws(MoneyFault) {
        line("")
        let trial = plan.trialDays > 0 ? ", \(plan.trialDays) days of trial" : ""
        let retired = plan.retiredFrom.map { ", not sold from \($0) on" } ?? ""
        line("\(plan.code)  \(plan.name): every \(plan.interval)\(trial)\(retired)")
        var rows = [["price", "counts", "billed", "rate"]]
        for price in plan.prices { rows += try Self.rows(of: price, in: plan) }
        table(rows)
        if let minimum = plan.minimum { line("  at least \(minimum.decimal)") }
        for discount in plan.discounts {
            line("  discount \(discount.code): \(discount.percent) %\(discount.conditions)")
        }
        for limit in plan.limits { line("  \(limit.isHard ? "at most" : "allows") \(limit.maximum) \(limit.subject)") }
        for limit in plan.trialLimits { line("  in the trial at most \(limit.maximum) \(limit.subject)") }
        if let offer = plan.retentionOffer { line("  offers coupon \(offer) to who cancels") }
        if !plan.entitlements.isEmpty {
            line("  grants \(plan.entitlements.map(\.text).joined(separator: ", "))")
        }
    }

    /// A row, and one more for each further tier.
    private static func rows(of price: Price, in plan: Plan) throws(MoneyFault) -> [[String]] {
        let rates = try price.model.rates(in: plan.currency)
        let counts =
            switch price.model.counted {
            case .unit(let unit): unit
            case .metric(let metric): metric
            case nil: ""
            }
        var billed = price.isInArrears ? "in arrears" : "in advance"
        if case .oneTime = price.model { billed = "once" }
        if let interval = price.interval, interval != plan.interval { billed += ", every \(interval)" }
        let from = price.effectiveFrom.map { " from \($0)" } ?? ""
        return [[price.code + from, counts, billed, rates[0]]] + rates.dropFirst().map { ["", "", "", $0] }
    }

    private mutating func section(_ title: String, _ rows: [[String]]) {
        guard !rows.isEmpty else { return }
        line("")
        line(title)
        table(rows)
    }

    private mutating func table(_ rows: [[String]]) {
        for line in TextTable(rows, indent: "  ").lines { self.line(line) }
    }

    private mutating func line(_ line: String) { text += line + "\n" }
}

extension PriceModel {
    /// What it costs, in major units: one text, or one for each tier. Throws `overflow`.
    fileprivate func rates(in currency: Currency) throws(MoneyFault) -> [String] {
        let over = { (included: Rational) in included == .zero ? "" : ", \(included) included" }
        switch self {
        case .flat(let amount), .oneTime(let amount): return [amount.decimal]
        case .perUnit(_, let amount, let included), .usage(_, let amount, let included):
            return ["\(try amount.price(in: currency)) each\(over(included))"]
        case .graduated(_, let tiers): return try Self.rates(tiers, in: currency) { "\($0) each" }
        case .volume(_, let tiers): return try Self.rates(tiers, in: currency) { "\($0) for all" }
        case .package(_, let size, let amount, let included):
            return ["\(try amount.price(in: currency)) a package of \(size)\(over(included))"]
        case .percentage(_, let percent, let fixed):
            return ["\(percent) %" + (fixed == .zero ? "" : ", \(try fixed.price(in: currency)) an event")]
        }
    }

    private static func rates(
        _ tiers: [Tier], in currency: Currency, _ unit: (String) -> String
    ) throws(MoneyFault) -> [String] {
        var lower: Rational?
        return try tiers.map { (tier) throws(MoneyFault) in
            let range = tier.upTo.map { "up to \($0)" } ?? lower.map { "over \($0)" } ?? "any"
            lower = tier.upTo
            let flat = tier.flatAmount == .zero ? "" : ", \(try tier.flatAmount.price(in: currency)) flat"
            return "\(range): \(unit(try tier.unitAmount.price(in: currency)))\(flat)"
        }
    }
}

extension Rational {
    /// This many minor units in major units: `75.00`, `0.0525`.
    fileprivate func price(in currency: Currency) throws(MoneyFault) -> String {
        guard isWhole, let minorUnits = Int64(exactly: numerator) else {
            return try (self / Rational(currency.minorUnitsPerMajor)).description
        }
        return Money(minorUnits: minorUnits, currency).decimal
    }
}

extension PlanDiscount {
    fileprivate var conditions: String {
        let term = minimumTermMonths.map { " for terms from \($0) months" } ?? ""
        return term + (volume.map { " from \($0.minimum) \($0.unit)" } ?? "")
    }
}

extension Entitlement {
    fileprivate var text: String {
        switch value {
        case .granted(true): code
        case .granted(false): "no \(code)"
        case .number(let number): "\(code) \(number)"
        case .text(let text): "\(code) \(text)"
        }
    }
}

extension Coupon {
    /// What it gives, for how long, and on which conditions.
    fileprivate var terms: [String] {
        let gives =
            switch benefit {
            case .percent(let percent): "\(percent) %"
            case .amount(let amount): amount.decimal
            case .trialDays(let days): "\(days) days of trial"
            }
        let lasts =
            switch duration {
            case .once: "once"
            case .forever: "forever"
            case .periods(let count): "for \(count) periods"
            }
        var conditions: [String] = []
        if !appliesTo.isEmpty { conditions.append("on \(appliesTo.joined(separator: ", "))") }
        if let limit { conditions.append("\(limit) times at most") }
        if let expires { conditions.append("before \(expires)") }
        return [gives, lasts, conditions.joined(separator: "; ")]
    }
}
