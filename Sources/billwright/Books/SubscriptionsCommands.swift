internal import Accounts
internal import Billing
internal import BillingPorts
internal import BooksStore
internal import Commands
internal import Dates
internal import JSONText
internal import Money

extension Commands.Command {
    static let subscriptionsShow = Commands.Command(
        "subscriptions show", "Shows a subscription and its history: what happened when, by whom and why.",
        operands: ["CODE"], settings: [.database, .seller, .limit, .json],
        discussion: "What a person did is told with name and reason, newest first and at most --limit of it.",
        run: SubscriptionsCommands.show)
}

private enum SubscriptionsCommands {
    @Sendable static func show(_ arguments: Arguments) async throws -> Int32 {
        let code = try arguments.operand("a subscription's code", of: "subscriptions show")
        let limit = try arguments.pageLimit
        return try await BooksDesk.run(arguments, as: "subscriptions") { desk in
            let open = try await desk.owner(ofSubscription: code)
            let account = open.account
            guard let subscription = account.subscriptions.first(where: { $0.code == code }) else { return 1 }
            let operations = try await desk.inspection.operations(on: open.key, about: code, limit: limit)
            if arguments.isOn("--json") {
                guard case .object(let members) = try subscription.json(of: account, at: desk.now) else { return 1 }
                Terminal.print(
                    JSONValue.object(members + [.init("operations", .array(operations.map(\.json)))]).text())
                return 0
            }
            for line in try subscription.text(of: account, at: desk.now) { Terminal.print(line) }
            for line in history(subscription, operations) { Terminal.print(line) }
            return 0
        }
    }

    /// What happened by itself and what somebody did, in order.
    private static func history(
        _ subscription: Subscription, _ operations: [BooksInspection.RecordedOperation]
    ) -> [String] {
        var events = subscription.history.map { step in
            (at: step.at, rank: 1, text: "\(step.at)  is \(step.to.rawValue): \(step.cause.rawValue)")
        }
        events += operations.map { (at: $0.at, rank: 0, text: $0.text) }
        return events.sorted { ($0.at, $0.rank) < ($1.at, $1.rank) }.map(\.text)
    }
}

extension BooksInspection.RecordedOperation {
    var text: String { "\(at)  by \(person)\(reason.isEmpty ? "" : ", because \(reason)"): \(operation)" }

    /// The operation itself is JSON in a string.
    var json: JSONValue {
        [
            "at": .text(at), "by": .string(person), "reason": .string(reason), "operation": .string(operation),
        ]
    }
}

extension Account {
    /// How one of its subscriptions stands, as people and programs read it.
    func page(ofSubscription code: String, at now: Instant) throws -> (text: [String], json: JSONValue) {
        guard let subscription = subscriptions.first(where: { $0.code == code }) else { return ([], .null) }
        return (try subscription.text(of: self, at: now), try subscription.json(of: self, at: now))
    }
}

extension Subscription {
    func text(of account: Account, at now: Instant) throws -> [String] {
        let period = period(at: account.calendar.date(of: now), account.calendar)
        var lines = [
            "subscription \(code)  \(state.rawValue)  customer \(account.code)  plan \(plan.code)  since \(start)"
                + (period.map { "  period \($0.start) to \($0.end)" } ?? "") + (end.map { "  ended \($0.date)" } ?? "")
        ]
        if let term {
            lines.append("  term of \(term.months) months to \(term.end), \(term.renews ? "then again" : "its end")")
        }
        lines += pending.map { "  from \($0.date): \($0.kind.text)" }
        lines += cancellations.map { "  " + $0.text }
        if let coupon = offer(of: account, at: now) {
            lines.append("  offered to stay: coupon \(coupon.code), by billwright subscriptions accept-offer \(code)")
        }
        return lines + (try trialText(of: account, at: now))
    }

    /// What is offered while it can still be kept.
    private func offer(of account: Account, at now: Instant) -> Coupon? {
        isAboutToEnd ? account.retentionOffer(for: code, at: now) : nil
    }

    private func trialText(of account: Account, at now: Instant) throws -> [String] {
        guard state == .trialing, let trialEnd else { return [] }
        let uses = try account.trialUses(of: self, at: now)
        return ["  trial to \(trialEnd)"] + uses.map { "    \($0.used) of \($0.maximum) \($0.subject)" }
    }

    private func trialJSON(of account: Account, at now: Instant) throws -> JSONValue? {
        guard state == .trialing, let trialEnd else { return nil }
        return [
            "ends": .text(trialEnd),
            "limits": .array(
                try account.trialUses(of: self, at: now).map {
                    ["subject": .string($0.subject), "used": .text($0.used), "max": .integer($0.maximum)]
                }),
        ]
    }

    func json(of account: Account, at now: Instant) throws -> JSONValue {
        let granted = plan.entitlements(inTrial: state == .trialing)
        return .present([
            "code": .string(code), "customer": .string(account.code), "state": .string(state.rawValue),
            "plan": .string(plan.code), "start": .text(start),
            "period": period(at: account.calendar.date(of: now), account.calendar).map {
                [.text($0.start), .text($0.end)]
            },
            "ends": end.map { .text($0.date) },
            "trial": try trialJSON(of: account, at: now),
            "entitlements": granted.isEmpty ? nil : .object(granted.map { .init($0.code, $0.value.json) }),
            "offer": offer(of: account, at: now).map { .string($0.code) },
            "cancellations": cancellations.isEmpty ? nil : .array(cancellations.map(\.json)),
            "pending": .array(pending.map { ["on": .text($0.date), "change": .string($0.kind.text)] }),
            "history": .array(
                history.map {
                    ["at": .text($0.at), "to": .string($0.to.rawValue), "cause": .string($0.cause.rawValue)]
                }),
        ])
    }
}

extension Cancellation {
    fileprivate var text: String {
        let why = [reason, comment].compactMap(\.self).joined(separator: ": ")
        let outcome = withdrawnAt.map { ", withdrawn \($0)\(tookOffer ? " for what was offered" : "")" } ?? ""
        return "cancellation asked for \(at)\(why.isEmpty ? "" : ", because \(why)"), \(monthlyValue) a month\(outcome)"
    }

    fileprivate var json: JSONValue {
        .present([
            "at": .text(at), "reason": reason.map { .string($0) }, "comment": comment.map { .string($0) },
            "monthly_value": .integer(monthlyValue.minorUnits),
            "withdrawn_at": withdrawnAt.map { .text($0) }, "took_offer": tookOffer ? true : nil,
        ])
    }
}

extension PendingChange.Kind {
    fileprivate var text: String {
        switch self {
        case .cancel: "cancelled"
        case .change(.plan(let plan)): "plan \(plan.code)"
        case .change(.quantity(let unit, let quantity)): "\(quantity) of \(unit)"
        case .change(.addPrice(let price)): "price \(price.code) more"
        case .change(.removePrice(let code)): "price \(code) no more"
        case .change(.billingDay(let day)): "billed on day \(day)"
        case .change(.block): "not billed"
        case .change(.unblock): "billed again"
        case .change(.end): "ends"
        case .change(.restart): "begins anew"
        }
    }
}
