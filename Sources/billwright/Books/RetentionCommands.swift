internal import Accounts
internal import Billing
internal import BillingPorts
internal import BooksStore
internal import Commands
internal import Dates
internal import JSONText
internal import Money

extension Commands.Command {
    static let retention = [subscriptionsCancellations, subscriptionsTrials, subscriptionsAcceptOffer, catalogCoupons]

    private static let span = [
        Setting("--since", "DATE", help: "from that day on, in the seller's zone"),
        Setting("--until", "DATE", help: "before that day"),
    ]

    private static let subscriptionsCancellations = Commands.Command(
        "subscriptions cancellations", "Counts cancellations by reason, and what a month of them came to.",
        settings: [.database, .seller] + span + [.json],
        discussion: "Counted when they are asked for. What was withdrawn before it acted is told apart.",
        run: RetentionCommands.cancellations)

    private static let subscriptionsTrials = Commands.Command(
        "subscriptions trials", "Counts trials by plan: started, extended, converted, expired, cancelled.",
        settings: [.database, .seller] + span + [.json],
        discussion:
            "Those that began in the time; the rate is of those that are over. The plan is the one tried first.",
        run: RetentionCommands.trials)

    private static let subscriptionsAcceptOffer = Commands.Command(
        "subscriptions accept-offer", "Withdraws a cancellation for the coupon that is offered with it.",
        operands: ["CODE"], settings: OperationRun.settings,
        discussion:
            "Once a subscription. `subscriptions cancel CODE --preview` and `subscriptions show` say what is offered.",
        run: RetentionCommands.acceptOffer)

    private static let catalogCoupons = Commands.Command(
        "catalog coupons", "Lists coupons: how often each was handed in, of how many, and what it has taken off.",
        settings: [.database, .seller, .json],
        discussion: "What void invoices had of it does not count. Coupons that the catalogue no longer has come last.",
        run: RetentionCommands.coupons)
}

private enum RetentionCommands {
    @Sendable static func cancellations(_ arguments: Arguments) async throws -> Int32 {
        let (since, until) = (try arguments.date("--since"), try arguments.date("--until"))
        return try await BooksDesk.run(arguments, as: "subscriptions") { desk in
            let counts = try await desk.inspection.cancellations(
                of: desk.seller.id, since: try desk.midnight(since), until: try desk.midnight(until))
            if arguments.isOn("--json") {
                Terminal.print(JSONValue.array(counts.map(\.json)).text())
                return 0
            }
            let head = ["reason", "cancelled", "lost a month", "withdrawn", "for the offer"]
            let rows = counts.map {
                [$0.reason ?? "none given", "\($0.count)", "\($0.lost)", "\($0.withdrawn)", "\($0.tookOffer)"]
            }
            if rows.isEmpty { Terminal.print("no cancellations") } else { TextTable([head] + rows).print() }
            return 0
        }
    }

    @Sendable static func trials(_ arguments: Arguments) async throws -> Int32 {
        let (since, until) = (try arguments.date("--since"), try arguments.date("--until"))
        return try await BooksDesk.run(arguments, as: "subscriptions") { desk in
            let counts = try await desk.inspection.trials(
                of: desk.seller.id, since: try desk.midnight(since), until: try desk.midnight(until))
            if arguments.isOn("--json") {
                Terminal.print(JSONValue.array(counts.map(\.json)).text())
                return 0
            }
            let head = ["plan", "started", "extended", "converted", "expired", "cancelled", "running", "rate"]
            let rows = counts.map { count in
                [count.plan]
                    + [
                        count.started, count.extended, count.converted, count.expired, count.cancelled, count.running,
                    ].map { "\($0)" } + [count.rate.map { "\($0) %" } ?? ""]
            }
            if rows.isEmpty { Terminal.print("no trials") } else { TextTable([head] + rows).print() }
            return 0
        }
    }

    @Sendable static func acceptOffer(_ arguments: Arguments) async throws -> Int32 {
        let code = try arguments.operand("a subscription's code", of: "subscriptions accept-offer")
        if !arguments.isOn("--preview") { _ = try arguments.required("--reason") }
        return try await BooksDesk.run(arguments, as: "subscriptions") { desk in
            let open = try await desk.owner(ofSubscription: code)
            guard let coupon = open.account.retentionOffer(for: code, at: desk.now) else {
                throw OperationFault(.notFound, "nothing is offered for subscription \(code), or it was taken before")
            }
            let operation = Accounts.Operation.acceptOffer(subscription: code, coupon: coupon.code)
            return try await OperationRun(desk: desk, arguments: arguments, operation: operation, customer: open.key)
                .run { account in try account.page(ofSubscription: code, at: desk.now) }
        }
    }

    @Sendable static func coupons(_ arguments: Arguments) async throws -> Int32 {
        try await BooksDesk.run(arguments, as: "catalog") { desk in
            let counts = try await desk.inspection.coupons(of: desk.seller.id)
            if arguments.isOn("--json") {
                Terminal.print(JSONValue.array(counts.map(\.json)).text())
                return 0
            }
            let rows = counts.map { count in
                [
                    count.code, count.coupon?.limit.map { "\(count.used) of \($0)" } ?? "\(count.used)",
                    count.coupon.map { $0.expires.map { "before \($0)" } ?? "" } ?? "not in the catalogue",
                    count.given.map { "\($0)" }.joined(separator: ", "),
                ]
            }
            let head = ["coupon", "handed in", "until", "taken off"]
            if rows.isEmpty { Terminal.print("no coupons") } else { TextTable([head] + rows).print() }
            return 0
        }
    }
}

extension BooksDesk {
    /// When a day begins in the seller's zone.
    fileprivate func midnight(_ date: LocalDate?) throws -> Instant? {
        try date.map { try HostTimeZones().rules(seller.timeZone).instant(of: $0) }
    }
}

extension BooksInspection.CancellationCount {
    fileprivate var json: JSONValue {
        [
            "reason": reason.map { .string($0) } ?? .null, "count": .integer(Int64(count)),
            "currency": .string(lost.currency.code), "lost_mrr": .integer(lost.minorUnits),
            "withdrawn": .integer(Int64(withdrawn)), "took_offer": .integer(Int64(tookOffer)),
        ]
    }
}

extension BooksInspection.TrialCount {
    /// In percent, with one decimal.
    fileprivate var rate: String? { conversionPermille.map { "\($0 / 10).\($0 % 10)" } }

    fileprivate var json: JSONValue {
        [
            "plan": .string(plan), "started": .integer(Int64(started)), "extended": .integer(Int64(extended)),
            "converted": .integer(Int64(converted)), "expired": .integer(Int64(expired)),
            "cancelled": .integer(Int64(cancelled)), "running": .integer(Int64(running)),
            "rate": rate.map { .string($0) } ?? .null,
        ]
    }
}

extension BooksInspection.CouponCount {
    fileprivate var json: JSONValue {
        [
            "code": .string(code), "used": .integer(Int64(used)),
            "limit": coupon?.limit.map { .integer(Int64($0)) } ?? .null,
            "expires": coupon?.expires.map { .text($0) } ?? .null, "in_catalogue": .bool(coupon != nil),
            "given": .array(
                given.map { ["currency": .string($0.currency.code), "amount": .integer($0.minorUnits)] }),
        ]
    }
}
