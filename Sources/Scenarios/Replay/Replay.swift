public import Accounts
public import Billing
public import Dates
internal import Money

/// A scenario played by the pure rules alone, without queue and without database: what the real system's run of it is
/// measured by.
public struct Replay {
    public let scenario: Scenario
    /// In the order of the file.
    public private(set) var accounts: [Account]
    public private(set) var errors: [ErrorResult] = []
    private var gateways: [ScriptedGateway]
    private var answers: [PendingAnswer] = []
    private var now: Instant

    /// An attempt about which something will be known.
    private struct PendingAnswer {
        let customer: Int
        let attempt: Int
        let at: Instant
        let outcome: Outcome
    }

    /// What has just happened, for whoever watches.
    public enum Event: Sendable {
        /// An operation was done, or refused.
        case performed(TimedOperation, refused: OperationFault.Code?)
        /// All that falls due at that instant is done.
        case settled(Instant)
    }

    /// Plays all of a scenario. Throws what no operation may throw: an overflow, a contradiction of ours; and what
    /// `watch` throws.
    public init(playing scenario: Scenario, watch: (Replay, Event) throws -> Void = { _, _ in }) throws {
        self.scenario = scenario
        accounts = scenario.customers.map { Account($0, in: scenario) }
        gateways = scenario.customers.map { ScriptedGateway($0.outcomes) }
        now = scenario.timeline.first?.at ?? scenario.until
        var operations = scenario.timeline[...]
        while now <= scenario.until {
            while let next = operations.first, next.at == now {
                operations.removeFirst()
                let refused = try perform(next)
                try watch(self, .performed(next, refused: refused))
            }
            try settleAnswers()
            for index in accounts.indices { try accounts[index].advance(to: now) }
            try invoiceAndCharge()
            while try collect() { try invoiceAndCharge() }
            try watch(self, .settled(now))
            let due = try accounts.flatMap {
                try [$0.nextDue(after: now), $0.nextCollection(after: now)].compactMap(\.self)
            }
            guard let next = ([operations.first?.at].compactMap(\.self) + due + answers.map(\.at)).min() else { break }
            now = next
        }
        for index in accounts.indices { try accounts[index].bookRevenue(at: scenario.until) }
    }

    private mutating func perform(_ timed: TimedOperation) throws -> OperationFault.Code? {
        do {
            switch timed.act {
            case .bill: break
            case .publishPrice(let publication): try publish(publication)
            case .customer(let id, let operation):
                guard let index = scenario.customers.firstIndex(where: { $0.id == id }) else {
                    throw OperationFault(.notFound, "nobody in the file has that")
                }
                if case .setPayment = operation { gateways[index] = ScriptedGateway(timed.outcomes) }
                try accounts[index].perform(operation, at: now, among: surroundings(of: index))
                if case .reactivate = operation { try reactivate(index) }
            }
            return nil
        } catch let fault as OperationFault {
            errors.append(ErrorResult(at: now, do: timed.do, error: fault.code.rawValue))
            return fault.code
        }
    }

    private mutating func reactivate(_ index: Int) throws {
        if try chargeAll(of: index).contains(where: { accounts[index].attempts[$0].isDeclined }) {
            accounts[index].withdrawReactivation()
            throw OperationFault(.paymentFailed, "what is overdue could not be charged")
        }
        guard accounts[index].reactivation != nil else { return }
        let number = nextNumber(index)
        let charges = try accounts[index].invoiceReactivation { _ in number }
        if charges, try chargeAll(of: index).contains(where: { accounts[index].attempts[$0].isDeclined }) {
            throw OperationFault(.paymentFailed, "the first charge was declined")
        }
    }

    private func surroundings(of index: Int) -> Surroundings {
        var surroundings = Surroundings(sellerNumber: sellerNumber)
        for (place, account) in accounts.enumerated() {
            if place != index { surroundings.takenCodes.formUnion(account.subscriptions.map(\.code)) }
            for use in account.coupons { surroundings.redemptions[use.coupon.code, default: 0] += 1 }
        }
        return surroundings
    }

    private mutating func publish(_ publication: PricePublication) throws {
        for index in accounts.indices {
            accounts[index].catalogue = try accounts[index].catalogue.publishing(publication)
        }
    }

    /// The next of the seller's own series.
    private var sellerNumber: Int64 { Int64(accounts.reduce(1) { $0 + $1.invoices.count }) }

    private func nextNumber(_ index: Int) -> String {
        switch scenario.settings.numbering.scheme {
        case .customer: accounts[index].nextNumber
        case .seller: scenario.settings.numbering.number(sellerNumber, customer: accounts[index].code)
        }
    }

    /// A payment may bring what was suspended back, and with it something new to invoice: until nothing is left to do.
    private mutating func invoiceAndCharge() throws {
        var isDone = false
        var rounds = 0
        while !isDone {
            isDone = true
            rounds += 1
            guard rounds <= Self.roundLimit else { throw ReplayFault.endless(now) }
            for index in accounts.indices {
                let number = nextNumber(index)
                if try accounts[index].invoice(at: now, number: { _ in number }) { isDone = false }
            }
            for index in accounts.indices where try !chargeAll(of: index).isEmpty { isDone = false }
        }
    }

    /// More invoices of one customer than an instant can bring.
    private static let roundLimit = 12

    /// Reminders and suspensions, after which there may be something to invoice again. Returns whether there were any.
    private mutating func collect() throws -> Bool {
        var isDone = false
        for index in accounts.indices where try accounts[index].isReminderDue(at: now) {
            try accounts[index].remind(at: now)
            try accounts[index].endGrace(at: now)
            isDone = true
        }
        return isDone
    }

    private mutating func chargeAll(of index: Int) throws -> [Int] {
        var attempts: [Int] = []
        for invoice in try accounts[index].chargesDue(at: now) {
            let attempt = try accounts[index].openAttempt(at: now, on: invoice)
            try send(attempt, of: index)
            attempts.append(attempt)
        }
        return attempts
    }

    private mutating func send(_ attempt: Int, of index: Int) throws {
        let outcome = gateways[index].next()
        guard let answer = outcome.answer else {
            try accounts[index].settle(attempt: attempt, with: .unknown, at: now)
            return wait(for: attempt, of: index, until: now + ScriptedGateway.patience, outcome)
        }
        guard accounts[index].attempts[attempt].method == .ach else {
            return try accounts[index].settle(attempt: attempt, with: answer, at: now)
        }
        try accounts[index].settle(attempt: attempt, with: .processing, at: now)
        let answered = accounts[index].calendar.zone.sameTime(as: now, days: ScriptedGateway.settlementDays)
        wait(for: attempt, of: index, until: answered, outcome)
    }

    private mutating func wait(for attempt: Int, of index: Int, until at: Instant, _ outcome: Outcome) {
        answers.append(PendingAnswer(customer: index, attempt: attempt, at: at, outcome: outcome))
    }

    private func settlement(of attempt: Int, _ index: Int) -> Instant {
        accounts[index].calendar.zone.sameTime(
            as: accounts[index].attempts[attempt].at, days: ScriptedGateway.settlementDays)
    }

    /// What a bank says after its days, and what a gateway says when it is asked.
    private mutating func settleAnswers() throws {
        let due = answers.filter { $0.at <= now }
        answers.removeAll { $0.at <= now }
        for answer in due {
            let reactivated = accounts[answer.customer].reactivation?.invoice
            try settle(answer)
            let attempt = accounts[answer.customer].attempts[answer.attempt]
            // What was asked for is refused only now.
            if attempt.invoice == reactivated, attempt.isDeclined {
                errors.append(
                    ErrorResult(at: now, do: "reactivate", error: OperationFault.Code.paymentFailed.rawValue))
            }
        }
    }

    private mutating func settle(_ answer: PendingAnswer) throws {
        let (index, attempt) = (answer.customer, answer.attempt)
        switch answer.outcome {
        case .timeoutCharged where accounts[index].attempts[attempt].method == .ach:
            try accounts[index].settle(attempt: attempt, with: .processing, at: now)
            wait(for: attempt, of: index, until: settlement(of: attempt, index), .success)
        case .timeoutCharged: try accounts[index].settle(attempt: attempt, with: .success, at: now)
        case .timeoutNotCharged, .unreachable: try send(attempt, of: index)
        default:
            guard let outcome = answer.outcome.answer else { return }
            try accounts[index].settle(attempt: attempt, with: outcome, at: now)
        }
    }
}

/// Rules that contradict each other.
public enum ReplayFault: Error, Hashable, Sendable {
    /// At that instant there is always something to invoice or to charge again.
    case endless(Instant)
}

extension Account {
    /// The account of a scenario's customer before anything was asked for.
    public init(_ customer: ScenarioCustomer, in scenario: Scenario) {
        self.init(
            code: customer.id, currency: customer.currency, zone: customer.zone, sellerZone: scenario.zone,
            settings: scenario.settings, catalogue: scenario.catalogue, email: customer.email,
            address: customer.address, isTaxExempt: customer.isTaxExempt, billingDay: customer.billingDay,
            arrangement: customer.payment)
    }
}

extension Catalogue {
    /// The catalogue with another version of a price.
    public func publishing(_ publication: PricePublication) throws -> Catalogue {
        guard let plan = self[plan: publication.plan],
            let price = plan.prices.last(where: { $0.code == publication.price })
        else { throw OperationFault(.notFound, "there is no price \(publication.price) of a plan \(publication.plan)") }
        guard let version = publication.version(after: price, in: currency) else {
            throw OperationFault(.notFound, "price \(price.code) is not priced so")
        }
        let changed = plan.with(plan.prices + [version])
        return Catalogue(
            seller: seller, currency: currency, plans: plans.map { $0.code == plan.code ? changed : $0 },
            metrics: metrics, coupons: coupons)
    }
}
