internal import Accounts
internal import Billing
internal import BillingPorts
internal import Commands
internal import Dates
internal import JSONText
internal import Money

// What a person does to subscriptions. What follows is invoiced by the jobs that it enqueues.
extension Commands.Command {
    static let subscriptionsActs = [
        subscribe,
        act(
            "change-plan", "Moves a subscription to another plan.",
            [
                Setting("--plan", "CODE", help: "the plan it is to be on"),
                Setting("--effective", "DATE", help: "from a past day on, such as 2026-11-03"),
            ] + timing
        ) {
            .changePlan(
                subscription: $0, plan: try $1.required("--plan"), try $1.timing(),
                effective: try $1.date("--effective"))
        },
        act(
            "change-quantity", "Changes how many of a unit it has.",
            [
                Setting("--unit", "CODE", help: "of which unit"),
                Setting("--quantity", "N", help: "how many from now on"),
            ] + timing
        ) {
            .changeQuantity(
                subscription: $0, unit: try $1.required("--unit"), quantity: try $1.quantity("--quantity"),
                try $1.timing())
        },
        act("remove-price", "Takes a price off it.", [Setting("--price", "CODE", help: "which price")] + timing) {
            .removePrice(subscription: $0, price: try $1.required("--price"), try $1.timing())
        },
        act(
            "change-billing-day", "Moves the day on which its periods begin.",
            [Setting("--day", "N", help: "of the month, 1 to 31")]
        ) { .changeBillingDay(of: .subscription($0), day: try $1.integer("--day", in: 1...31)) },
        act(
            "cancel", "Ends it, at the end of its period or now.",
            [
                Setting("--when", "TIME", help: "now or period_end, the default"),
                Setting("--unused", "USE", default: "credit", help: "what was paid ahead: credit, refund or none"),
                Setting("--code", "REASON", help: "why, one of the codes that the seller's catalogue has for it"),
                Setting("--comment", "TEXT", help: "what else whoever goes has to say"),
            ]
        ) {
            .cancel(
                subscription: $0, when: try $1.timing().when,
                unused: try $1.choice("--unused", Accounts.Operation.Unused.self), reason: $1.text("--code"),
                comment: $1.text("--comment"))
        },
        act("pause", "Stops billing it until it is resumed.") { code, _ in .pause(subscription: code) },
        act("resume", "Ends a pause, or withdraws a cancellation that has not acted yet.") { code, _ in
            .resume(subscription: code)
        },
        act("reactivate", "Begins an ended one anew, if what it costs can be charged.") { code, _ in
            .reactivate(subscription: code)
        },
        act("extend-trial", "Gives its trial more days.", [Setting("--days", "N", help: "how many more")]) {
            .extendTrial(
                subscription: $0, days: try $1.integer("--days", in: 1...3660), approvedBy: $1.person)
        },
    ]

    private static let timing = [
        Setting(
            "--when", "TIME", help: "now or period_end; else now if it costs more then, at the period's end if less"),
        Setting(
            "--invoice", "TIME", default: "now", help: "its lines are invoiced now, with the next invoice, or none"),
    ]

    private static let subscribe = Commands.Command(
        "subscriptions subscribe", "Subscribes a customer to a plan.", operands: ["CODE"],
        settings: OperationRun.settings + [
            Setting("--customer", "CODE", help: "who subscribes"), Setting("--plan", "CODE", help: "to what"),
            Setting("--start", "DATE", help: "the first day; today if left out"),
            Setting("--billing-day", "N", help: "of the month on which periods begin, 1 to 31"),
            Setting("--align", "HOW", default: "anniversary", help: "anniversary or calendar"),
            Setting("--quantities", "UNIT=N,…", help: "how many of each unit; 1 of those not named"),
            Setting("--trial-days", "N", help: "the plan's if left out"),
            Setting("--coupons", "CODE,…", help: "handed in with it"),
            Setting("--prices", "CODE=AMOUNT,…", help: "what this deal pays instead, in major units"),
            Setting("--term", "MONTHS", help: "a contract's term"),
            Setting(switch: "--no-renewal", help: "the term ends it"),
        ],
        discussion:
            "CODE is the new subscription's own. With --preview it tells what it would bring and changes nothing."
    ) { arguments in
        let request = try arguments.subscription(
            arguments.operand("the new subscription's code", of: "subscriptions subscribe"))
        let customer = try arguments.required("--customer")
        if !arguments.isOn("--preview") { _ = try arguments.required("--reason") }
        return try await BooksDesk.run(arguments, as: "subscriptions") { desk in
            let open = try await desk.customer(customer)
            return try await run(.subscribe(request), on: request.code, of: open.key, desk, arguments)
        }
    }

    private static func act(
        _ verb: String, _ summary: String, _ settings: [Setting] = [],
        _ operation: @escaping @Sendable (String, Arguments) throws -> Accounts.Operation
    ) -> Commands.Command {
        Commands.Command(
            "subscriptions \(verb)", summary, operands: ["CODE"], settings: OperationRun.settings + settings,
            discussion:
                "With --preview it tells what would be invoiced at once, by the same rules, and changes nothing."
        ) { arguments in
            let code = try arguments.operand("a subscription's code", of: "subscriptions \(verb)")
            let operation = try operation(code, arguments)
            if !arguments.isOn("--preview") { _ = try arguments.required("--reason") }
            return try await BooksDesk.run(arguments, as: "subscriptions") { desk in
                try await run(operation, on: code, of: desk.owner(ofSubscription: code).key, desk, arguments)
            }
        }
    }

    private static func run(
        _ operation: Accounts.Operation, on code: String, of customer: CustomerKey, _ desk: BooksDesk,
        _ arguments: Arguments
    ) async throws -> Int32 {
        try await OperationRun(desk: desk, arguments: arguments, operation: operation, customer: customer).run {
            account in
            try account.page(ofSubscription: code, at: desk.now)
        }
    }
}

extension Arguments {
    fileprivate func timing() throws(UsageError) -> Accounts.Operation.Timing {
        let when = text("--when") == nil ? nil : try choice("--when", Accounts.Operation.When.self)
        guard declares("--invoice") else { return Accounts.Operation.Timing(when: when) }
        return Accounts.Operation.Timing(
            when: when, invoice: try choice("--invoice", Accounts.Operation.Invoicing.self))
    }

    fileprivate func quantity(_ flag: String) throws(UsageError) -> Rational {
        let text = try required(flag)
        guard let number = try? Rational(parsing: text), !number.isNegative else {
            throw fault(flag, text, "a number, zero or more")
        }
        return number
    }

    fileprivate func subscription(_ code: String) throws(UsageError) -> Accounts.Operation.Subscribe {
        let day = text("--billing-day") == nil ? nil : try integer("--billing-day", in: 1...31)
        let align = try choice("--align", Accounts.Operation.Alignment.self)
        guard day == nil || align == .anniversary else {
            throw UsageError("--billing-day and '--align calendar' contradict each other")
        }
        var term: Accounts.Operation.Term?
        if text("--term") != nil {
            term = Accounts.Operation.Term(
                months: try integer("--term", in: 1...1200), renews: !isOn("--no-renewal"))
        }
        return Accounts.Operation.Subscribe(
            code: code, plan: try required("--plan"), start: try date("--start"), billingDay: day, align: align,
            quantities: try numbers("--quantities"),
            trialDays: text("--trial-days") == nil ? nil : try integer("--trial-days", in: 0...3660),
            coupons: text("--coupons")?.split(separator: ",").map(String.init) ?? [],
            prices: try numbers("--prices"), term: term)
    }
}
