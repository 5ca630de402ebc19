internal import Accounts
internal import Billing
internal import BillingPorts
internal import JobKit
internal import Money

// What a customer has had taken back by its bank, and what came of it.
extension ReactToGatewayEventHandler {
    func followDisputes(
        about payment: String, _ event: GatewayEventRecord, in context: BillingContext
    ) async throws -> JobOutcome {
        try await follow(payment, event, in: context) {
            await news.disputes(about: payment)
        } book: { dispute, place, work in
            try await work.book(dispute, about: place)
        }
    }
}

extension BillingWork {
    /// Takes a disputed payment back, or lets it stand again; each once. False: nothing was to be done.
    fileprivate func book(_ dispute: GatewayDispute, about payment: AttemptPlace) async throws -> Bool {
        guard let open = try await accounts([payment.customer]).first else { return false }
        let invoice = open.account.attempts[payment.place].invoice
        let known = try await disputes(of: payment.customer).first { $0.reference == dispute.reference }
        func noted(_ state: DisputeRecord.State) -> DisputeRecord {
            DisputeRecord(
                reference: dispute.reference, attempt: payment.place, invoice: invoice, amount: dispute.amount,
                reason: dispute.reason, state: state)
        }
        switch (known?.state, dispute.state) {
        case (_, .inquiry): return false
        // Nothing of it was ever booked, so nothing is to be taken back.
        case (nil, .won): try await record(noted(.reversed), of: payment.customer)
        case (nil, .withdrawn), (nil, .lost):
            guard dispute.amount.currency == open.account.currency else {
                throw ReactToGatewayEventHandler.Doubt(
                    reason:
                        "ALARM: \(dispute.reference) is over \(dispute.amount), the account in \(open.account.currency)"
                )
            }
            try await perform(
                .chargeback(invoice: invoice + 1, amount: dispute.amount), for: payment.customer, by: "gateway",
                why: "\(dispute.reference) \(dispute.reason)")
            try await record(noted(dispute.state == .lost ? .lost : .booked), of: payment.customer)
        case (.booked, .lost): try await record(noted(.lost), of: payment.customer)
        case (.booked, .won), (.lost, .won):
            guard open.account.invoices[invoice].chargedBack == dispute.amount else {
                throw ReactToGatewayEventHandler.Doubt(
                    reason: "\(dispute.reference) was won over \(dispute.amount), and of invoice "
                        + "\(open.account.invoices[invoice].number) \(open.account.invoices[invoice].chargedBack) is charged back"
                )
            }
            try await perform(
                .chargebackReversed(invoice: invoice + 1), for: payment.customer, by: "gateway", why: dispute.reference)
            try await record(noted(.reversed), of: payment.customer)
        case (.booked, .withdrawn), (.lost, .withdrawn), (.lost, .lost), (.reversed, _): return false
        }
        return true
    }
}
