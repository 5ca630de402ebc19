internal import Accounts
internal import Billing
internal import BillingPorts
internal import JobKit

/// What a gateway's answer means for the attempt and for its effect.
struct ChargeVerdict: Sendable {
    let outcome: PaymentAttempt.Outcome
    /// The effect's.
    let state: EffectState
    var reference: String?
    var declineCode: String?
    /// What the card network recommends, and what that and the code mean for another try; for operators.
    private var advice: (network: String?, decline: Decline)?

    init(
        outcome: PaymentAttempt.Outcome, state: EffectState, reference: String? = nil, declineCode: String? = nil
    ) {
        (self.outcome, self.state, self.reference, self.declineCode) = (outcome, state, reference, declineCode)
    }

    /// nil: of a request that was not taken nothing is to be written down.
    init?(_ answer: ChargeOutcome) {
        switch answer {
        case .succeeded(let reference): self.init(outcome: .success, state: .confirmed, reference: reference)
        case .processing(let reference): self.init(outcome: .processing, state: .confirmed, reference: reference)
        case .requiresAction(let reference):
            self.init(outcome: .requiresAction, state: .refused, reference: reference)
        case .declined(let code, let advice, let reference):
            let outcome = PaymentAttempt.Outcome(declined: code, advice: advice)
            self.init(outcome: outcome, state: .refused, reference: reference, declineCode: code)
            self.advice = (advice, Decline(code: code, advice: advice))
        case .unknown: self.init(outcome: .unknown, state: .unknown)
        case .notProcessed, .misconfigured: return nil
        }
    }

    /// For operators.
    var json: [UInt8] {
        let result = [
            ("outcome", outcome.rawValue), ("reference", reference), ("code", declineCode),
            ("advice", advice?.network), ("decline", advice?.decline.rawValue),
        ]
        let members = result.compactMap { name, value in value.map { "\"\(name)\":\"\($0.jsonSafe)\"" } }
        return Array("{\(members.joined(separator: ","))}".utf8)
    }
}

extension String {
    /// Gateways' ids and codes are plain words; whatever else comes is kept readable and harmless.
    fileprivate var jsonSafe: String {
        String(unicodeScalars.map { $0 == "\"" || $0 == "\\" || $0.value < 0x20 ? "?" : Character($0) })
    }
}
