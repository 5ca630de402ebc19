public import BillingPorts
public import Dates
internal import JobKit
internal import Money
internal import Testing

/// What every payment gateway must do, ours in memory too: a double that drifts proves nothing.
public enum GatewayConformance: String, CaseIterable, Sendable {
    case theSameKeyGivesTheSameCustomer
    case theSameKeyChargesOnce
    case whatWasChargedIsFound
    case whatWasNeverSentIsNotFound
    case anUnknownCustomerIsNotCharged

    /// Records an issue unless `gateway` keeps to it. `token`: a test payment method that can be charged.
    /// `run` makes keys that no run before has used.
    public func check(_ gateway: any PaymentGateway, token: String, run: String, at now: Instant) async throws {
        let owner = GatewayCustomer(name: "Sample", email: "sample@customers.example", metadata: ["run": run])
        let customerKey = IdempotencyKey("customer \(rawValue) \(run)")
        let customer = try await gateway.createCustomer(owner, key: customerKey).reference()
        let method = try await gateway.attach(
            token, toCustomer: customer, key: IdempotencyKey("attach \(rawValue) \(run)")
        )
        .reference()
        func request(_ name: String, of customer: String) -> ChargeRequest {
            let attempt = "\(name) \(rawValue) \(run)"
            return ChargeRequest(
                key: IdempotencyKey(attempt), amount: Money(minorUnits: 5900, .usd), customer: customer,
                paymentMethod: method, attempt: attempt, invoice: "SAMPLE-0001", announcedAt: now)
        }
        switch self {
        case .theSameKeyGivesTheSameCustomer:
            #expect(await gateway.createCustomer(owner, key: customerKey) == .done(reference: customer))
        case .theSameKeyChargesOnce:
            let first = await gateway.charge(request("charge", of: customer))
            #expect(first.isSuccess)
            #expect(await gateway.charge(request("charge", of: customer)) == first)
        case .whatWasChargedIsFound:
            let outcome = await gateway.charge(request("charge", of: customer))
            #expect(outcome.isSuccess)
            #expect(await gateway.findCharge(request("charge", of: customer)) == .found(outcome))
        case .whatWasNeverSentIsNotFound:
            #expect(await gateway.findCharge(request("never", of: customer)) == .notFound)
        case .anUnknownCustomerIsNotCharged:
            let outcome = await gateway.charge(request("charge", of: "cus_unknown"))
            #expect(!outcome.isSuccess && !outcome.mayHaveMovedMoney)
        }
    }
}

extension ChargeOutcome {
    fileprivate var isSuccess: Bool { if case .succeeded = self { true } else { false } }

    fileprivate var mayHaveMovedMoney: Bool {
        switch self {
        case .succeeded, .processing, .requiresAction, .unknown: true
        case .declined, .notProcessed, .misconfigured: false
        }
    }
}

/// What every mail server must do: take a mail, and take its copy under the same Message-ID without complaint.
public func expectMailIsAccepted(by mailer: any Mailer, run: String, at now: Instant) async {
    let mail = MailMessage(
        messageID: "\(run)@billwright.example", recipient: "sample@customers.example", recipientName: "Sample",
        subject: "Sample", text: "Sample\n", html: nil, date: now)
    for _ in 1...2 {
        let outcome = await mailer.send(mail)
        guard case .accepted = outcome else {
            Issue.record("\(outcome)")
            return
        }
    }
}
