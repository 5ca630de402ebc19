public import BillingPorts
public import JobKit
public import Money
internal import Synchronization

/// A payment gateway in memory: what it has charged is the truth that the books are compared with.
///
/// Calls are answered as scripted, in turn; past the script's end they succeed. Whether it honours idempotency keys is
/// the test's choice: some gateways, and more stand-ins for them, charge again when asked again.
public final class CountingGateway: PaymentGateway {
    /// What becomes of one `charge`.
    public enum Answer: Sendable {
        case succeeds, processes, requiresAction
        case declines(code: String, advice: String?)
        /// The money moves, the answer is lost.
        case losesAnswer
        /// The request never arrives, and nobody knows.
        case losesRequest
        /// The request certainly never arrives.
        case refusesConnection
        case rejects(reason: String)
    }

    /// One charge that was processed, whatever came of it.
    public struct Charge: Sendable {
        public let key: IdempotencyKey
        public let attempt: String
        public let amount: Money
        public let outcome: ChargeOutcome
    }

    private struct State {
        var answers: [Answer] = []
        var answersByCustomer: [String: [Answer]] = [:]
        var setups: [SetupOutcome] = []
        var searches: [ChargeSearch] = []
        var references: [IdempotencyKey: String] = [:]
        var customers: Set<String> = []
        var methods: Set<String> = []
        var charges: [Charge] = []
        var calls: [String] = []

        mutating func nextAnswer(_ customer: String) -> Answer {
            if answersByCustomer[customer]?.isEmpty == false {
                return answersByCustomer[customer]?.removeFirst() ?? .succeeds
            }
            return answers.isEmpty ? .succeeds : answers.removeFirst()
        }
    }

    private let state = Mutex(State())
    private let honoursKeys: Bool

    public init(honoursKeys: Bool = true) { self.honoursKeys = honoursKeys }

    /// What the next charges come to.
    public func script(_ answers: Answer...) { state.withLock { $0.answers = answers } }
    /// What the next charges of that customer come to, by its id here.
    public func script(_ answers: [Answer], for customer: String) {
        state.withLock { $0.answersByCustomer[customer] = answers }
    }
    /// What the next setups answer instead of being done.
    public func scriptSetups(_ outcomes: SetupOutcome...) { state.withLock { $0.setups = outcomes } }
    /// A customer that was made known by other means.
    public func know(_ customer: String) { state.withLock { _ = $0.customers.insert(customer) } }
    /// What the next searches answer instead of the truth.
    public func scriptSearches(_ searches: ChargeSearch...) { state.withLock { $0.searches = searches } }

    /// Everything that was processed, in order.
    public var charges: [Charge] { state.withLock(\.charges) }
    /// Those of `charges` that moved money.
    public var collected: [Charge] {
        charges.filter { charge in if case .succeeded = charge.outcome { true } else { false } }
    }
    /// The calls that were made, by name, whether they arrived or not.
    public var calls: [String] { state.withLock(\.calls) }

    public func createCustomer(_ customer: GatewayCustomer, key: IdempotencyKey) async -> SetupOutcome {
        state.withLock { state in
            state.calls.append("createCustomer")
            return setUp("cus", key: key, &state) { $0.customers.insert($1) }
        }
    }

    public func attach(_ token: String, toCustomer reference: String, key: IdempotencyKey) async -> SetupOutcome {
        state.withLock { state in
            state.calls.append("attach")
            guard state.customers.contains(reference) else {
                return .misconfigured(reason: "no such customer: \(reference)")
            }
            return setUp("pm", key: key, &state) { $0.methods.insert($1) }
        }
    }

    private func setUp(
        _ prefix: String, key: IdempotencyKey, _ state: inout State, keep: (inout State, String) -> Void
    ) -> SetupOutcome {
        if !state.setups.isEmpty { return state.setups.removeFirst() }
        if honoursKeys, let reference = state.references[key] { return .done(reference: reference) }
        let reference = "\(prefix)_\(state.customers.count + state.methods.count + 1)"
        state.references[key] = reference
        keep(&state, reference)
        return .done(reference: reference)
    }

    public func charge(_ request: ChargeRequest) async -> ChargeOutcome {
        state.withLock { state in
            state.calls.append("charge")
            let answer = state.nextAnswer(request.customer)
            switch answer {
            case .losesRequest: return .unknown(reason: "timed out")
            case .refusesConnection: return .notProcessed(reason: "connection refused")
            case .rejects(let reason): return .misconfigured(reason: reason)
            case .losesAnswer:
                _ = process(request, .succeeds, &state)
                return .unknown(reason: "timed out")
            case .succeeds, .processes, .requiresAction, .declines: return process(request, answer, &state)
            }
        }
    }

    private func process(_ request: ChargeRequest, _ answer: Answer, _ state: inout State) -> ChargeOutcome {
        guard state.customers.contains(request.customer), state.methods.contains(request.paymentMethod) else {
            return .misconfigured(reason: "no such customer or payment method")
        }
        if honoursKeys, let earlier = state.charges.first(where: { $0.key == request.key }) {
            guard earlier.amount == request.amount, earlier.attempt == request.attempt else {
                return .misconfigured(reason: "the same key with other parameters")
            }
            return earlier.outcome
        }
        let reference = "pi_\(state.charges.count + 1)"
        let outcome: ChargeOutcome =
            switch answer {
            case .declines(let code, let advice): .declined(code: code, advice: advice, reference: reference)
            case .processes: .processing(reference: reference)
            case .requiresAction: .requiresAction(reference: reference)
            default: .succeeded(reference: reference)
            }
        state.charges.append(
            Charge(key: request.key, attempt: request.attempt, amount: request.amount, outcome: outcome))
        return outcome
    }

    public func findCharge(_ request: ChargeRequest) async -> ChargeSearch {
        state.withLock { state in
            state.calls.append("findCharge")
            if !state.searches.isEmpty { return state.searches.removeFirst() }
            let found = state.charges.last { $0.attempt == request.attempt }
            return found.map { .found($0.outcome) } ?? .notFound
        }
    }
}
