internal import Accounts
internal import BillingPorts
internal import Dates
internal import JobKit

// Several customers in one job: their attempts are opened by one commit, called for side by side, and settled by another.
// Who is not plainly to be charged, or whose charge did not plainly end, gets a job of its own, which waits, asks or is
// held without keeping the others.
extension CollectPaymentsHandler {
    func collectTogether(_ job: Job<CollectPayments>, in context: BillingContext) async throws -> JobOutcome {
        // What failed may be the fault of one of them: each by itself then.
        guard job.attempt == 1 else {
            let alone = job.arguments.keys.map { Aside(customer: $0, due: nil) }
            return try await context.complete { work in try await work.setAside(alone, in: job.run) }
        }
        let charges = try await context.transaction { work in try await openAttempts(of: job, in: work) }
        guard !charges.isEmpty else { return context.complete() }
        let answers = await callEach(charges, atMost: Self.callsAtATime, within: Self.callsBeginWithin) {
            await gateway.charge($0.request)
        }
        let answered = zip(charges, answers).map { charge, answer in
            AnsweredCharge(charge: charge, answer: answer ?? .notProcessed(reason: "its turn did not come in time"))
        }
        let refused = answered.compactMap(\.refusal)
        guard refused.isEmpty else {
            try await context.transaction { work in try await settle(answered, of: job, in: work) }
            return .held(reason: refused.joined(separator: "; "))
        }
        return try await context.complete { work in try await settle(answered, of: job, in: work) }
    }

    /// Enough to hide how long one takes, few enough for any gateway.
    private static var callsAtATime: Int { 8 }
    /// With the gateway's own time-out after it, well before anybody asks what became of them.
    private static var callsBeginWithin: Duration { .seconds(60) }

    /// Commits the intents: after this a crash leaves attempts to chase.
    private func openAttempts(of job: Job<CollectPayments>, in work: any BillingWork) async throws -> [Charge] {
        let read = try await work.readableAccounts(job.arguments.keys)
        var aside = read.faults.map { Aside(customer: $0.key, due: nil) }
        var idle: [OpenAccount] = []
        var sending: [Sending] = []
        for var open in read.accounts {
            do {
                if let due = pendingSince(open.account) {
                    aside.append(Aside(customer: open.key, due: due))
                } else if open.profile.isChargeable, let invoice = try open.account.chargesDue(at: work.now).first {
                    let place = try open.account.openAttempt(at: work.now, on: invoice)
                    open.account.send(attempt: place, at: work.now)
                    sending.append(try Sending(open, place))
                } else {
                    idle.append(open)
                }
            } catch {
                aside.append(Aside(customer: open.key, due: nil))
            }
        }
        var sent: [OpenAccount] = []
        var charges: [Charge] = []
        for (sending, standing) in zip(sending, try await work.announce(sending.map(\.announcement))) {
            // Over the limit of the breaker, or known to the ledger and not to the books.
            guard case .new(let effect) = standing else {
                aside.append(Aside(customer: sending.open.key, due: nil))
                continue
            }
            sent.append(sending.open)
            charges.append(charge(sending, effect))
        }
        try await work.store(sent)
        try await work.setAside(aside, in: job.run)
        try await work.followUp(idle, in: job.run)
        return charges
    }

    /// Stores what the gateway answered to each, and what follows from it.
    private func settle(
        _ answered: [AnsweredCharge], of job: Job<CollectPayments>, in work: any BillingWork
    ) async throws {
        let byCustomer = Dictionary(answered.map { ($0.charge.customer, $0) }) { first, _ in first }
        var (changed, done): ([OpenAccount], [OpenAccount]) = ([], [])
        var effects: [EffectSettlement] = []
        var aside: [Aside] = []
        for var open in try await work.accounts(answered.map(\.charge.customer)) {
            guard let answer = byCustomer[open.key] else { continue }
            do {
                let isWaiting = open.account.pendingAttempts.contains(answer.charge.place)
                if isWaiting { try answer.record(in: &open.account, at: work.now) }
                if let settlement = answer.settlement { effects.append(settlement) }
                if isWaiting { changed.append(open) }
                // The held job is there for it.
                if answer.refusal != nil { continue }
                if let due = pendingSince(open.account) {
                    aside.append(Aside(customer: open.key, due: due))
                } else if try !open.account.chargesDue(at: work.now).isEmpty {
                    aside.append(Aside(customer: open.key, due: nil))
                } else {
                    done.append(open)
                }
            } catch {
                // It stays as sent, and is asked about.
                let asked = answer.charge.sentAt.map { $0 + reconcileAfter }
                aside.append(Aside(customer: open.key, due: asked))
            }
        }
        try await work.store(changed)
        try await work.settle(effects)
        try await work.setAside(aside, in: job.run)
        try await work.followUp(done, in: job.run)
    }

    /// When something can be done about the attempts that nothing final is known of; nil: there are none.
    private func pendingSince(_ account: Account) -> Instant? {
        account.pendingAttempts.map { place in
            answerable(account.attempts[place], in: account) ?? account.attempts[place].at
        }.min()
    }
}

/// A charge and what the gateway answered.
struct AnsweredCharge {
    let charge: Charge
    let answer: ChargeOutcome

    /// For people who must decide: nothing is known of it, and the next would be refused as well.
    var refusal: String? {
        guard case .misconfigured(let reason) = answer else { return nil }
        return "\(charge.described): the gateway refuses our requests: \(reason)"
    }

    func record(in account: inout Account, at now: Instant) throws {
        if let verdict = ChargeVerdict(answer) {
            try account.settle(
                attempt: charge.place, with: verdict.outcome, reference: verdict.reference,
                declineCode: verdict.declineCode, at: now)
        } else if refusal == nil, account.attempts[charge.place].sentAt == charge.sentAt {
            // It certainly never arrived; unless somebody has sent it again already.
            account.takeBack(attempt: charge.place)
        }
    }

    var settlement: EffectSettlement? {
        ChargeVerdict(answer).map { EffectSettlement(charge.effect, as: $0.state, result: $0.json) }
    }
}

/// A customer who is seen to by a job of its own.
private struct Aside {
    let customer: CustomerKey
    /// nil: at once.
    let due: Instant?
}

extension BillingWork {
    fileprivate func setAside(_ customers: [Aside], in run: RunID?) async throws {
        guard !customers.isEmpty else { return }
        try await enqueue(
            customers.map { aside in
                try NewJob(CollectPayments(customer: aside.customer), dueAt: aside.due).in(run)
            })
    }
}
