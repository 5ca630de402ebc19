internal import Billing
internal import Dates
public import JSONText
public import Money

/// An operation is kept for the audit in the words of a scenario's timeline, all but its instant.
extension Operation {
    /// `customer` is whose account it is for, and `currency` the account's. Throws `notANumber` for a price that no
    /// catalogue could have had.
    public func json(customer: String, in currency: Currency) throws(MoneyFault) -> JSONValue {
        let owner = JSONValue.string(customer)
        switch self {
        case .subscribe(let wish): return wish.json(owner)
        case .changePlan, .changeQuantity, .addPrice, .removePrice: return try changeJSON(in: currency)
        case .changeBillingDay, .cancel, .acceptOffer, .pause, .resume, .reactivate, .extendTrial:
            return cycleJSON(owner)
        case .creditNote, .pay, .refund, .chargeback, .chargebackReversed, .void, .writeOff: return documentJSON(owner)
        case .usage(let event): return event.json(owner)
        case .credit(let amount): return words("credit", ["customer": owner, "amount": .decimal(amount)])
        case .useCoupon(let subscription, let coupon):
            return words(
                "use_coupon",
                [
                    "customer": subscription == nil ? owner : nil, "subscription": subscription.map { .string($0) },
                    "coupon": .string(coupon),
                ])
        case .setPayment(let payment):
            return words(
                "set_payment",
                [
                    "customer": owner, "method": .string(payment.method.rawValue),
                    "net_days": payment.netDays.map { .count($0) },
                ])
        case .setAddress(let address): return words("set_address", ["customer": owner, "address": address.json])
        case .invoice(let lines):
            return words("invoice", ["customer": owner, "lines": .array(lines.map(\.json))])
        case .overrideDunning(.pause): return words("override", ["customer": owner, "dunning": "pause"])
        case .overrideDunning(.resume): return words("override", ["customer": owner, "dunning": "resume"])
        case .overrideDunning(.extendGrace(let days)):
            return words("override", ["customer": owner, "dunning": "extend_grace", "days": .count(days)])
        case .release: return words("release", ["customer": owner])
        case .bill(let date): return words("bill", ["date": .text(date)])
        }
    }

    private func changeJSON(in currency: Currency) throws(MoneyFault) -> JSONValue {
        switch self {
        case .changePlan(let subscription, let plan, let timing, let effective):
            return words(
                "change_plan", timing,
                [
                    "subscription": .string(subscription), "plan": .string(plan),
                    "effective": effective.map { .text($0) },
                ])
        case .changeQuantity(let subscription, let unit, let quantity, let timing):
            return words(
                "change_quantity", timing,
                ["subscription": .string(subscription), "unit": .string(unit), "quantity": .number(quantity)])
        case .addPrice(let subscription, let price, let timing):
            let price = try price.json(in: currency)
            return words("add_price", timing, ["subscription": .string(subscription), "price": price])
        case .removePrice(let subscription, let price, let timing):
            return words("remove_price", timing, ["subscription": .string(subscription), "price": .string(price)])
        default: preconditionFailure("\(self) changes no price")
        }
    }

    private func cycleJSON(_ owner: JSONValue) -> JSONValue {
        switch self {
        case .changeBillingDay(.customer, let day):
            return words("change_billing_day", ["customer": owner, "day": .count(day)])
        case .changeBillingDay(.subscription(let code), let day):
            return words("change_billing_day", ["subscription": .string(code), "day": .count(day)])
        case .cancel(let subscription, let when, let unused, let reason, let comment):
            return words(
                "cancel",
                [
                    "subscription": .string(subscription), "when": when.map { .string($0.rawValue) },
                    "unused": .string(unused.rawValue), "reason": reason.map { .string($0) },
                    "comment": comment.map { .string($0) },
                ])
        case .acceptOffer(let subscription, let coupon):
            return words("accept_offer", ["subscription": .string(subscription), "coupon": .string(coupon)])
        case .pause(let subscription): return words("pause", ["subscription": .string(subscription)])
        case .resume(let subscription): return words("resume", ["subscription": .string(subscription)])
        case .reactivate(let subscription): return words("reactivate", ["subscription": .string(subscription)])
        case .extendTrial(let subscription, let days, let approvedBy):
            return words(
                "extend_trial",
                ["subscription": .string(subscription), "days": .count(days), "approved_by": .string(approvedBy)])
        default: preconditionFailure("\(self) moves no cycle")
        }
    }

    private func documentJSON(_ owner: JSONValue) -> JSONValue {
        func words(
            _ verb: String, _ nth: Int, amount: Money? = nil, lines: [JSONValue]? = nil, use: CreditNoteUse? = nil
        ) -> JSONValue {
            Accounts.words(
                verb,
                [
                    "invoice": ["customer": owner, "nth": .count(nth)], "amount": amount.map { .decimal($0) },
                    "lines": lines.map { .array($0) }, "as": use.map { .string($0.rawValue) },
                ])
        }
        switch self {
        case .creditNote(let nth, .amount(let amount), let use):
            return words("credit_note", nth, amount: amount, use: use)
        case .creditNote(let nth, .lines(let lines), let use):
            return words("credit_note", nth, lines: lines.map(\.json), use: use)
        case .pay(let nth, let amount): return words("pay", nth, amount: amount)
        case .refund(let nth, let amount): return words("refund", nth, amount: amount)
        case .chargeback(let nth, let amount): return words("chargeback", nth, amount: amount)
        case .chargebackReversed(let nth): return words("chargeback_reversed", nth)
        case .void(let nth): return words("void", nth)
        case .writeOff(let nth): return words("write_off", nth)
        default: preconditionFailure("\(self) is done to no document")
        }
    }
}

private func words(_ verb: String, _ members: KeyValuePairs<String, JSONValue?>) -> JSONValue {
    let members = members.compactMap { key, value in value.map { JSONValue.Member(key, $0) } }
    return .object([JSONValue.Member("do", .string(verb))] + members)
}

private func words(
    _ verb: String, _ timing: Operation.Timing, _ members: KeyValuePairs<String, JSONValue?>
) -> JSONValue {
    guard case .object(let list) = words(verb, members) else { preconditionFailure("words make an object") }
    let when = timing.when.map { JSONValue.Member("when", .string($0.rawValue)) }
    return .object(list + [when].compactMap(\.self) + [JSONValue.Member("invoice", .string(timing.invoice.rawValue))])
}

extension JSONValue {
    /// In major units, as people set an amount.
    fileprivate static func decimal(_ amount: Money) -> JSONValue { .string(amount.decimal) }

    /// In alphabetical order; left out if there are none.
    fileprivate static func numbers(_ values: [String: Rational]) -> JSONValue? {
        if values.isEmpty { return nil }
        return .object(values.sorted { $0.key < $1.key }.map { Member($0.key, .number($0.value)) })
    }
}

extension Operation.Subscribe {
    fileprivate func json(_ owner: JSONValue) -> JSONValue {
        words(
            "subscribe",
            [
                "id": .string(code), "customer": owner, "plan": .string(plan), "start": start.map { .text($0) },
                "billing_day": billingDay.map { .count($0) }, "align": .string(align.rawValue),
                "quantities": .numbers(quantities), "trial_days": trialDays.map { .count($0) },
                "coupons": .list(coupons.map { .string($0) }), "prices": .numbers(prices),
                "term": term.map { ["months": .count($0.months), "renew": .bool($0.renews)] },
            ])
    }
}

extension UsageEvent {
    fileprivate func json(_ owner: JSONValue) -> JSONValue {
        words(
            "usage",
            [
                "customer": owner, "metric": .string(metric), "id": .string(id), "quantity": .number(quantity),
                "event": properties.isEmpty ? nil : propertiesJSON, "time": time.map { .text($0) },
            ])
    }
}

extension Customer.Address {
    fileprivate var json: JSONValue {
        .present([
            "country": .string(country), "region": region.map { .string($0) },
            "postal_code": postalCode.map { .string($0) },
        ])
    }
}

extension Operation.NoteLine {
    fileprivate var json: JSONValue { ["code": .string(code), "amount": .decimal(amount)] }
}

extension Operation.OneOffLine {
    fileprivate var json: JSONValue {
        .present([
            "code": .string(code), "amount": .decimal(amount), "description": description.map { .string($0) },
            "obligation": obligation.map {
                .present(["standalone": .decimal($0.standalone), "period": $0.period.map { .period($0) }])
            },
        ])
    }
}
