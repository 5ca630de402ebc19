internal import Accounts
internal import Billing
internal import BillingPorts
internal import JobKit
internal import Money

// What was paid back, by us or by somebody at the gateway, and what of it came back.
extension ReactToGatewayEventHandler {
    func followRefunds(
        of payment: String, _ event: GatewayEventRecord, in context: BillingContext
    ) async throws -> JobOutcome {
        try await follow(payment, event, in: context) {
            await news.refunds(of: payment)
        } book: { refund, place, work in
            try await work.book(refund, of: place)
        }
    }
}

extension BillingWork {
    /// Books a refund unless it is booked, and takes back one that has failed. False: nothing was to be done.
    fileprivate func book(_ refund: GatewayRefund, of payment: AttemptPlace) async throws -> Bool {
        guard let open = try await accounts([payment.customer]).first else { return false }
        let account = open.account
        if let place = account.attempts.firstIndex(where: { $0.number == 0 && $0.reference == refund.reference }) {
            return try await takeBack(refund, place, of: open)
        }
        if let key = refund.key, let announced = try await effect(under: IdempotencyKey(key)) {
            return try await takeNote(of: refund, announced, of: open)
        }
        // Somebody paid it back at the gateway. What failed there before we knew of it has never left.
        guard refund.state != .failed else { return false }
        guard refund.amount.currency == account.currency else {
            throw ReactToGatewayEventHandler.Doubt(
                reason:
                    "ALARM: \(refund.reference) pays back \(refund.amount), and the account is in \(account.currency)")
        }
        let nth = account.attempts[payment.place].invoice + 1
        try await perform(
            .refund(invoice: nth, amount: refund.amount), for: payment.customer, by: "gateway", why: refund.reference)
        guard var after = try await accounts([payment.customer]).first else { return true }
        try after.account.settle(
            attempt: after.account.attempts.count - 1, with: .refunded, reference: refund.reference, at: now)
        try await store([after])
        return true
    }

    /// One that we asked for and of whose answer we do not know yet.
    private func takeNote(
        of refund: GatewayRefund, _ announced: AnnouncedEffect, of open: OpenAccount
    ) async throws -> Bool {
        guard let place = AttemptPlace(effectScope: announced.request.scope), place.customer == open.key,
            open.account.attempts.indices.contains(place.place)
        else {
            throw ReactToGatewayEventHandler.Doubt(reason: "\(refund.reference) bears a key of something else of ours")
        }
        let isOpen = announced.effect.state == .intended || announced.effect.state == .unknown
        if isOpen {
            let result = Array(#"{"told":"by an event"}"#.utf8)
            try await settle(announced.effect, as: refund.state == .failed ? .refused : .confirmed, result: result)
        }
        var open = open
        var isChanged = isOpen
        if open.account.attempts[place.place].reference == nil {
            try open.account.settle(
                attempt: place.place, with: .refunded, reference: refund.reference, at: now)
            isChanged = true
        }
        if refund.state == .failed {
            isChanged =
                try open.account.failRefund(attempt: place.place, code: refund.failure ?? "failed", at: now)
                || isChanged
        }
        try await store([open])
        try await followUp(try await accounts([open.key]))
        return isChanged
    }

    private func takeBack(_ refund: GatewayRefund, _ place: Int, of open: OpenAccount) async throws -> Bool {
        guard refund.state == .failed else { return false }
        var open = open
        guard try open.account.failRefund(attempt: place, code: refund.failure ?? "failed", at: now) else {
            return false
        }
        try await store([open])
        try await followUp(try await accounts([open.key]))
        return true
    }
}
