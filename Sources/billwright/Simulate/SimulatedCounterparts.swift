internal import Accounts
internal import BillingPorts
internal import Dates
internal import JobKit
internal import Money
internal import Scenarios
internal import Synchronization

/// A payment service that answers as a scenario says. What it remembers of a charge it tells when it is asked.
final class SimulatedGateway: PaymentGateway {
    private struct State {
        var scripts: [String: ScriptedGateway] = [:]
        /// By the charge's key: what will be found of it, each time it is asked for; the last is repeated.
        var memory: [String: [ChargeSearch]] = [:]
    }

    private let state = Mutex(State())

    /// What the gateway calls a scenario's customer.
    private static func reference(of customer: String) -> String { "sim_customer_\(customer)" }

    /// What stands for a card or a bank account; `nil` for a wire, which no gateway sees.
    static func token(of arrangement: PaymentArrangement) -> String? {
        arrangement.method == .wire ? nil : "sim_\(arrangement.method.rawValue)"
    }

    /// From now on that customer's requests are answered so.
    func script(_ outcomes: [Outcome], for customer: String) {
        state.withLock { $0.scripts[Self.reference(of: customer)] = ScriptedGateway(outcomes) }
    }

    func charge(_ request: ChargeRequest) async -> ChargeOutcome {
        state.withLock { state in
            let outcome = state.scripts[request.customer, default: ScriptedGateway([])].next()
            let reference = "sim_charge_\(request.attempt)"
            let isDebit = request.paymentMethod == "sim_ach"
            let settled = Self.answer(to: outcome, reference)
            let found: ChargeSearch = settled.map { .found($0) } ?? .notFound
            // A debit whose answer was lost is found under way, and settled only after its days.
            let isUnderWay = isDebit && outcome == .timeoutCharged
            state.memory[request.attempt] = isUnderWay ? [.found(.processing(reference: reference)), found] : [found]
            guard let settled, outcome != .timeoutCharged else { return .unknown(reason: "no answer") }
            return isDebit ? .processing(reference: reference) : settled
        }
    }

    /// What becomes of a request in the end; `nil`: it never arrived.
    private static func answer(to outcome: Outcome, _ reference: String) -> ChargeOutcome? {
        switch outcome {
        case .success, .timeoutCharged: .succeeded(reference: reference)
        case .requiresAction: .requiresAction(reference: reference)
        case .insufficientFunds, .cardDeclined, .expiredCard, .lostCard:
            .declined(code: outcome.rawValue, advice: nil, reference: reference)
        case .unreachable, .timeoutNotCharged: nil
        }
    }

    func findCharge(_ request: ChargeRequest) async -> ChargeSearch {
        state.withLock { state in
            guard let known = state.memory[request.attempt], let found = known.first else { return .notFound }
            if known.count > 1 { state.memory[request.attempt]?.removeFirst() }
            return found
        }
    }

    func createCustomer(_ customer: GatewayCustomer, key: IdempotencyKey) async -> SetupOutcome {
        .done(reference: Self.reference(of: customer.metadata["customer"] ?? ""))
    }

    func attach(_ token: String, toCustomer reference: String, key: IdempotencyKey) async -> SetupOutcome {
        .done(reference: token)
    }
}

/// A payment service that tells nothing by itself, and pays back whatever it is told to.
struct SilentNews: GatewayNews, RefundGateway, SetupGateway, EventPost {
    func post(_ body: [UInt8], to url: String, signedBy secrets: [String], now: Int64) async -> DeliveryAnswer {
        DeliveryAnswer(status: 200, error: nil)
    }
    func refund(_ request: RefundRequest) async -> RefundOutcome {
        .made(
            GatewayRefund(
                reference: "sim_refund_\(request.key)", key: request.key.text, amount: request.amount,
                state: .succeeded,
                failure: nil))
    }
    func beginSetup(ofCustomer reference: String, key: IdempotencyKey) async -> GatewayLookup<GatewayForm> { .gone }
    func detach(_ method: String, key: IdempotencyKey) async -> SetupOutcome { .done(reference: method) }
    func notice(in body: [UInt8]) throws(GatewayEventFault) -> GatewayNotice { .other }
    func payment(_ reference: String) async -> GatewayLookup<GatewayPayment> { .gone }
    func refunds(of payment: String) async -> GatewayLookup<[GatewayRefund]> { .gone }
    func disputes(about payment: String) async -> GatewayLookup<[GatewayDispute]> { .gone }
    func owner(ofMethod reference: String) async -> GatewayLookup<String> { .gone }
    func customer(_ reference: String) async -> GatewayLookup<String> { .gone }
    func events(since: Instant, after last: String?) async -> GatewayLookup<GatewayEventPage> { .gone }
}

/// A mail server that takes everything.
struct SimulatedMailer: Mailer {
    func send(_ message: MailMessage) async -> MailOutcome { .accepted(reply: "250 taken") }
}

/// Holds jobs back until their turn has come.
final class Turnstile: Sendable {
    private struct State {
        var isRemoved = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    /// Lets those through that wait now, and nobody after them.
    func admit() { takeWaiters().forEach { $0.resume() } }

    /// Lets everybody through from now on.
    func remove() {
        state.withLock { $0.isRemoved = true }
        admit()
    }

    private func takeWaiters() -> [CheckedContinuation<Void, Never>] {
        state.withLock { state in
            defer { state.waiters = [] }
            return state.waiters
        }
    }

    func pass() async {
        await withCheckedContinuation { continuation in
            let isRemoved = state.withLock { state in
                if !state.isRemoved { state.waiters.append(continuation) }
                return state.isRemoved
            }
            if isRemoved { continuation.resume() }
        }
    }
}

// No scenario has a customer who comes in person.
extension SimulatedGateway: HostedPages {
    func openCardPage(
        customer: String?, currency: Currency, mark: String, returnTo: String, key: IdempotencyKey
    ) async -> CardPageOutcome { .misconfigured(reason: "a simulation has no pages") }

    func cardGiven(on reference: String, mark: String) async -> GivenCard {
        .never(reason: "a simulation has no pages")
    }

    func chargeInPerson(_ request: ChargeRequest, returnTo: String) async -> InPersonOutcome {
        .ended(await charge(request))
    }

    func abandon(_ request: ChargeRequest, reference: String, key: IdempotencyKey) async -> ChargeOutcome {
        .unknown(reason: "a simulation has no pages")
    }
}
