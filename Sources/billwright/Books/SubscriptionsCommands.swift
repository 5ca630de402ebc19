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
                guard case .object(let members) = subscription.json(of: account, at: desk.now) else { return 1 }
                Terminal.print(
                    JSONValue.object(members + [.init("operations", .array(operations.map(\.json)))]).text())
                return 0
            }
            for line in subscription.text(of: account, at: desk.now) { Terminal.print(line) }
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

extension Subscription {
    func text(of account: Account, at now: Instant) -> [String] {
        let period = period(at: account.calendar.date(of: now), account.calendar)
        var lines = [
            "subscription \(code)  \(state.rawValue)  customer \(account.code)  plan \(plan.code)  since \(start)"
                + (period.map { "  period \($0.start) to \($0.end)" } ?? "") + (end.map { "  ended \($0.date)" } ?? "")
        ]
        if let term {
            lines.append("  term of \(term.months) months to \(term.end), \(term.renews ? "then again" : "its end")")
        }
        lines += pending.map { "  from \($0.date): \($0.kind.text)" }
        return lines
    }

    func json(of account: Account, at now: Instant) -> JSONValue {
        .present([
            "code": .string(code), "customer": .string(account.code), "state": .string(state.rawValue),
            "plan": .string(plan.code), "start": .text(start),
            "period": period(at: account.calendar.date(of: now), account.calendar).map {
                [.text($0.start), .text($0.end)]
            },
            "ends": end.map { .text($0.date) },
            "pending": .array(pending.map { ["on": .text($0.date), "change": .string($0.kind.text)] }),
            "history": .array(
                history.map {
                    ["at": .text($0.at), "to": .string($0.to.rawValue), "cause": .string($0.cause.rawValue)]
                }),
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
