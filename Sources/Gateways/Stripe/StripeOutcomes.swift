internal import BillingPorts
internal import JSONText

/// From Stripe's answer to the port's words. Where it is not certain what happened, the word is `unknown`.
extension ChargeOutcome {
    init(_ reply: StripeReply, asked amount: StripeAmount) {
        switch reply.last {
        case .answer(let answer): self.init(answer, asked: amount, doubt: reply.doubt)
        case .noAnswer(let reason): self = .unknown(reason: reason)
        case .notSent(let reason, _): self = .notActing(.notProcessed(reason: reason), reason, doubt: reply.doubt)
        case .unsendable(let reason): self = .notActing(.misconfigured(reason: reason), reason, doubt: reply.doubt)
        }
    }

    private init(_ answer: StripeAnswer, asked amount: StripeAmount, doubt: String?) {
        let fault = answer.fault
        let summary = answer.summary
        switch answer.status {
        case 200..<300:
            do {
                self.init(try PaymentIntent(JSONNode(parsing: answer.body)), asked: amount)
            } catch {
                self = .unknown(reason: "\(summary) with what is no payment intent: \(error)")
            }
        case 402 where !fault.isEmpty: self.init(declined: fault, reference: fault.paymentIntent)
        case 400 where fault.type == "idempotency_error":
            let warning = "the key was used before with other parameters, and that request may have charged"
            self = .misconfigured(reason: "\(warning): \(summary)")
        case 400, 401, 403, 404:
            let outcome = fault.isLimit ? ChargeOutcome.notProcessed(reason: summary) : .misconfigured(reason: summary)
            self = .notActing(outcome, summary, doubt: doubt)
        case 429: self = .notActing(.notProcessed(reason: summary), summary, doubt: doubt)
        default: self = .unknown(reason: summary)
        }
    }

    /// `outcome`, unless an earlier try of the same call may have acted: then only the gateway knows.
    private static func notActing(_ outcome: ChargeOutcome, _ reason: String, doubt: String?) -> ChargeOutcome {
        doubt.map { .unknown(reason: "\($0); then: \(reason)") } ?? outcome
    }

    private init(declined fault: StripeFault, reference: String?) {
        self =
            fault.needsCustomer
            ? .requiresAction(reference: reference)
            : .declined(
                code: fault.reasonCode ?? "card_declined", advice: fault.adviceCode, reference: reference)
    }

    /// What an intent says of a charge over `amount`.
    init(_ intent: PaymentIntent, asked amount: StripeAmount) {
        guard intent.amount == amount.units, intent.currency == amount.currency else {
            let found = "\(intent.amount) \(intent.currency)"
            self = .unknown(reason: "\(intent.id) is over \(found), and \(amount) was asked for")
            return
        }
        self.init(intent)
    }

    /// What an intent says of itself.
    init(_ intent: PaymentIntent) {
        switch intent.status {
        case "succeeded": self = .succeeded(reference: intent.id)
        case "processing": self = .processing(reference: intent.id)
        case "requires_action": self = .requiresAction(reference: intent.id)
        case "requires_payment_method":
            guard let fault = intent.lastError else {
                self = .declined(code: "requires_payment_method", advice: nil, reference: intent.id)
                return
            }
            self.init(declined: fault, reference: intent.id)
        case "canceled": self = .declined(code: "payment_intent_canceled", advice: nil, reference: intent.id)
        // Confirming is part of our call: it is either still at it, or was cut off and goes on with the same key.
        case "requires_confirmation": self = .notProcessed(reason: "\(intent.id) exists and is not confirmed")
        // `requires_capture` among them: money is held that we never asked to have held.
        default: self = .unknown(reason: "\(intent.id) is \(intent.status), which we never ask for")
        }
    }
}

extension SetupOutcome {
    /// `customersFault`: the parameters that come from a customer and not from us, so that only this one is refused.
    init(_ reply: StripeReply, customersFault: Set<String>) {
        guard case .answer(let answer) = reply.last else {
            self = SetupOutcome(unanswered: reply.last)
            return
        }
        let fault = answer.fault
        switch answer.status {
        case 200..<300:
            guard let id = (try? JSONNode(parsing: answer.body))?.text("id") else {
                self = .unavailable(reason: "\(answer.summary) with an object that has no id")
                return
            }
            self = .done(reference: id)
        case 402 where !fault.isEmpty:
            self = .refused(code: fault.reasonCode ?? "card_declined", message: answer.summary)
        case 400, 404:
            if fault.isLimit {
                self = .unavailable(reason: answer.summary)
            } else if let param = fault.param, customersFault.contains(param) {
                self = .refused(code: fault.reasonCode ?? "invalid_\(param)", message: answer.summary)
            } else {
                self = .misconfigured(reason: answer.summary)
            }
        case 401, 403: self = .misconfigured(reason: answer.summary)
        default: self = .unavailable(reason: answer.summary)
        }
    }

    private init(unanswered exchange: StripeExchange) {
        switch exchange {
        case .unsendable(let reason): self = .misconfigured(reason: reason)
        case .notSent(let reason, _), .noAnswer(let reason): self = .unavailable(reason: reason)
        case .answer(let answer): self = .unavailable(reason: answer.summary)
        }
    }
}
