import BillingPorts
import BillingSupport
import JobKit
import Money
import Synchronization

/// A gateway in memory that pays back: what it paid is the truth that the books are compared with.
final class PayingGateway: RefundGateway {
    enum Answer: Sendable { case pays, losesAnswer, losesRequest, refuses, fails, isAway }

    private struct State {
        var answers: [Answer] = []
        var refunds: [String: [GatewayRefund]] = [:]
        var calls: [String] = []
    }

    private let state = Mutex(State())
    private let survives: @Sendable (String) -> Bool

    /// `survives`: whether our process does not die before a call leaves, or before its answer arrives.
    init(surviving survives: @escaping @Sendable (String) -> Bool = { _ in true }) { self.survives = survives }

    func script(_ answers: Answer...) { state.withLock { $0.answers = answers } }
    var calls: [String] { state.withLock(\.calls) }
    /// `pi_1 5000`, in the order of the charges.
    var paid: [String] {
        state.withLock(\.refunds).sorted { $0.key < $1.key }.flatMap { payment, refunds in
            refunds.map { "\(payment) \($0.amount.minorUnits)" }
        }
    }

    func refund(_ request: RefundRequest) async -> RefundOutcome {
        guard survives("before refund") else { return .unknown(reason: "dead") }
        let outcome = answer(request)
        return survives("before the answer to refund") ? outcome : .unknown(reason: "dead")
    }

    private func answer(_ request: RefundRequest) -> RefundOutcome {
        state.withLock { state in
            state.calls.append("refund")
            let answer = state.answers.isEmpty ? .pays : state.answers.removeFirst()
            switch answer {
            case .losesRequest: return .unknown(reason: "timed out")
            case .isAway: return .notProcessed(reason: "away")
            case .refuses: return .refused(code: "charge_disputed", message: "no")
            case .pays, .losesAnswer, .fails:
                let known = state.refunds[request.payment, default: []].first { $0.key == request.key.text }
                let refund =
                    known
                    ?? GatewayRefund(
                        reference: "re_\(request.key.text)", key: request.key.text, amount: request.amount,
                        state: answer == .fails ? .failed : .succeeded,
                        failure: answer == .fails ? "lost_or_stolen_card" : nil)
                if known == nil { state.refunds[request.payment, default: []].append(refund) }
                return answer == .losesAnswer ? .unknown(reason: "timed out") : .made(refund)
            }
        }
    }

    func refunds(of payment: String) async -> GatewayLookup<[GatewayRefund]> {
        guard survives("before refunds") else { return .unavailable(reason: "dead") }
        return state.withLock { state in
            state.calls.append("refunds")
            return .found(state.refunds[payment, default: []])
        }
    }
}
