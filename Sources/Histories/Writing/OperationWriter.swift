internal import Dates
internal import JSONText

/// Operations as a scenario writes them, without their time.
extension HistoryWriter {
    mutating func operation() -> [JSONValue.Member] {
        let kind = dice.pick(weighed: [
            (4, 0), (10, 1), (8, 2), (5, 3), (5, 4), (3, 5), (7, 6), (6, 7), (6, 8), (5, 9), (2, 10), (20, 11), (3, 12),
            (4, 13), (4, 14), (2, 15), (6, 16), (6, 17), (4, 18), (3, 19), (2, 20), (3, 21), (2, 22), (3, 23), (3, 24),
            (3, 25), (3, 26),
        ])
        switch kind {
        case 0: return subscribe(dice.pick(customers))
        case 1: return changePlan()
        case 2:
            return named(
                "change_quantity",
                [.init("unit", .string(dice.pick(WrittenCatalogue.units))), .init("quantity", quantity())] + timing())
        case 3: return named("add_price", [.init("price", addOn())] + timing())
        case 4: return named("remove_price", [.init("price", .string(priceCode()))] + timing())
        case 5: return changeBillingDay()
        case 6: return cancel()
        case 7: return named("pause", [])
        case 8: return named("resume", [])
        case 9: return named("reactivate", [])
        case 10: return named("extend_trial", [.init("days", 5), .init("approved_by", "ops")])
        case 11: return usage()
        case 12: return of(dice.pick(customers), "credit", [.init("amount", money(atLeast: 1))])
        case 13: return useCoupon()
        case 14: return of(dice.pick(customers), "set_payment", payment())
        case 15: return of(dice.pick(customers), "set_address", [.init("address", address())])
        case 16: return creditNote()
        case 17: return onInvoice("pay", amount: 30)
        case 18: return onInvoice("refund", amount: 50)
        case 19: return onInvoice("chargeback", amount: 30)
        case 20: return onInvoice("chargeback_reversed", amount: 0)
        case 21: return onInvoice("void", amount: 0)
        case 22: return onInvoice("write_off", amount: 0)
        case 23: return of(dice.pick(customers), "invoice", [.init("lines", oneOffLines())])
        case 24: return publishPrice()
        case 25: return override()
        default: return [.init("do", "bill"), .init("date", .string("\(today.adding(days: dice.number(-40...40)))"))]
        }
    }

    private mutating func named(_ verb: String, _ rest: [JSONValue.Member]) -> [JSONValue.Member] {
        [.init("do", .string(verb)), .init("subscription", .string(subscription()))] + rest
    }

    private func of(_ customer: String, _ verb: String, _ rest: [JSONValue.Member]) -> [JSONValue.Member] {
        [.init("do", .string(verb)), .init("customer", .string(customer))] + rest
    }

    private mutating func subscription() -> String {
        dice.chance(3) || subscriptions.isEmpty ? "nobodys" : dice.pick(subscriptions).code
    }

    private mutating func priceCode() -> String {
        let codes = catalogue.prices.values.flatMap(\.self).sorted() + (1...max(1, addOnCount)).map { "add-\($0)" }
        return dice.pick(codes)
    }

    mutating func subscribe(_ customer: String) -> [JSONValue.Member] {
        let code = dice.chance(3) && !subscriptions.isEmpty ? subscriptions[0].code : "s\(subscriptions.count + 1)"
        let plan = dice.pick(catalogue.plans)
        subscriptions.append((code, plan))
        var fields: [JSONValue.Member] = [.init("id", .string(code)), .init("plan", .string(plan))]
        if dice.chance(20) { fields.append(.init("start", .string("\(today.adding(days: dice.number(-60...40)))"))) }
        switch dice.number(0...9) {
        case 0, 1: fields.append(.init("billing_day", .integer(Int64(dice.pick([1, 15, 28, 29, 30, 31])))))
        case 2: fields.append(.init("align", "calendar"))
        default: break
        }
        if dice.chance(50) {
            fields.append(.init("quantities", .object([.init("seat", quantity())])))
        }
        if dice.chance(20) { fields.append(.init("trial_days", .integer(Int64(dice.pick([0, 1, 7, 14, 30]))))) }
        if dice.chance(30), !catalogue.coupons.isEmpty {
            fields.append(.init("coupons", .array([.string(dice.pick(catalogue.coupons))])))
        }
        let deals = catalogue.publishable.filter { $0.plan == plan && !$0.hasTiers }
        if dice.chance(10), !deals.isEmpty {
            let deal = dice.pick(deals)
            fields.append(.init("prices", .object([.init(deal.price, deal.isWhole ? money() : unitPrice())])))
        }
        if dice.chance(15) {
            fields.append(
                .init("term", ["months": .integer(Int64(dice.pick([1, 3, 12]))), "renew": .bool(dice.chance(50))]))
        }
        return of(customer, "subscribe", fields)
    }

    private mutating func timing() -> [JSONValue.Member] {
        var timing: [JSONValue.Member] = []
        if dice.chance(40) { timing.append(.init("when", .string(dice.chance(60) ? "now" : "period_end"))) }
        if dice.chance(35) { timing.append(.init("invoice", .string(dice.pick(["now", "next", "none"])))) }
        return timing
    }

    private mutating func changePlan() -> [JSONValue.Member] {
        var fields = [JSONValue.Member("plan", .string(dice.pick(catalogue.plans)))] + timing()
        if dice.chance(20), !fields.contains(where: { $0.value == "period_end" }) {
            // Two days back at least, so that no zone makes it the future.
            fields.append(.init("effective", .string("\(today.adding(days: -dice.number(2...70)))")))
        }
        return named("change_plan", fields)
    }

    private mutating func addOn() -> JSONValue {
        if dice.chance(80) { addOnCount += 1 }
        return .object([.init("code", .string("add-\(max(1, addOnCount))"))] + model())
    }

    private mutating func changeBillingDay() -> [JSONValue.Member] {
        let day = JSONValue.Member("day", .integer(Int64(dice.pick([1, 10, 28, 29, 30, 31]))))
        return dice.chance(70)
            ? named("change_billing_day", [day]) : of(dice.pick(customers), "change_billing_day", [day])
    }

    private mutating func cancel() -> [JSONValue.Member] {
        var fields: [JSONValue.Member] = []
        if dice.chance(60) { fields.append(.init("when", .string(dice.chance(70) ? "now" : "period_end"))) }
        if dice.chance(60) { fields.append(.init("unused", .string(dice.pick(["credit", "refund", "none"])))) }
        return named("cancel", fields)
    }

    private mutating func usage() -> [JSONValue.Member] {
        usageCount += 1
        let number = dice.chance(5) ? max(1, usageCount - 1) : usageCount
        var fields: [JSONValue.Member] = [
            .init("metric", .string(dice.pick(catalogue.metrics))), .init("id", .string("u\(number)")),
            .init("quantity", quantity()), .init("event", ["who": .string(dice.pick(["ann", "bob", "cy"]))]),
        ]
        if dice.chance(40) {
            let day = today.adding(days: -dice.number(0...40))
            fields.append(
                .init("time", .string("\(day)T\(dice.pick(["00", "05", "12", "23"])):\(dice.number(10...59)):00Z")))
        }
        return of(dice.pick(customers), "usage", fields)
    }

    private mutating func useCoupon() -> [JSONValue.Member] {
        let coupon = JSONValue.Member(
            "coupon", .string(catalogue.coupons.isEmpty ? "none" : dice.pick(catalogue.coupons)))
        return dice.chance(50) ? named("use_coupon", [coupon]) : of(dice.pick(customers), "use_coupon", [coupon])
    }

    private mutating func onInvoice(_ verb: String, amount chance: Int) -> [JSONValue.Member] {
        let nth = dice.pick(weighed: [(4, 1), (3, 2), (2, 3), (1, 4), (1, 5)])
        let invoice: JSONValue = ["customer": .string(dice.pick(customers)), "nth": .integer(Int64(nth))]
        let amount = dice.chance(chance) ? [JSONValue.Member("amount", money(atLeast: 1))] : []
        return [.init("do", .string(verb)), .init("invoice", invoice)] + amount
    }

    private mutating func creditNote() -> [JSONValue.Member] {
        let use = JSONValue.Member("as", .string(dice.chance(50) ? "credit" : "refund"))
        if dice.chance(50) {
            return onInvoice("credit_note", amount: 0) + [.init("amount", money(atLeast: 1)), use]
        }
        let line: JSONValue = ["code": .string(priceCode()), "amount": money(atLeast: 1)]
        return onInvoice("credit_note", amount: 0) + [.init("lines", .array([line])), use]
    }

    private mutating func oneOffLines() -> JSONValue {
        var lines: [JSONValue] = []
        for place in 0..<dice.number(1...3) {
            var line: [JSONValue.Member] = [
                .init("code", .string("extra-\(place)")), .init("amount", money(atLeast: 1)),
            ]
            if place > 0, dice.chance(20), case .string(let text) = line[1].value {
                line[1] = .init("amount", .string("-" + text))
            }
            if dice.chance(30) {
                let start = today.adding(days: dice.number(-20...20))
                var obligation: [JSONValue.Member] = [.init("standalone", money(atLeast: 1))]
                if dice.chance(60) {
                    let end = start.adding(days: dice.number(1...200))
                    obligation.append(.init("period", [.string("\(start)"), .string("\(end)")]))
                }
                line.append(.init("obligation", .object(obligation)))
            }
            lines.append(.object(line))
        }
        return .array(lines)
    }

    private mutating func publishPrice() -> [JSONValue.Member] {
        guard !catalogue.publishable.isEmpty else { return usage() }
        let price = dice.pick(catalogue.publishable)
        return [
            .init("do", "publish_price"), .init("plan", .string(price.plan)), .init("price", .string(price.price)),
            price.hasTiers ? .init("tiers", tiers()) : .init("amount", price.isWhole ? money() : unitPrice()),
            .init("effective_from", .string("\(today.adding(days: dice.number(-10...40)))")),
            .init("move_existing", .bool(dice.chance(60))),
        ]
    }

    private mutating func override() -> [JSONValue.Member] {
        let kind = dice.pick(["pause", "resume", "extend_grace"])
        let days = kind == "extend_grace" ? [JSONValue.Member("days", 5)] : []
        return of(dice.pick(customers), "override", [.init("dunning", .string(kind))] + days)
    }
}
