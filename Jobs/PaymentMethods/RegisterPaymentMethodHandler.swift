internal import Accounts
internal import Billing
public import BillingPorts
public import JobKit

/// Makes a tokenised payment method chargeable: the customer is made known to the gateway, the method attached to it,
/// and every open invoice handed to collection.
///
/// No money moves, so an unanswered call is repeated under its key.
public struct RegisterPaymentMethodHandler: JobHandler {
    public static let policy = JobPolicy(
        maxAttempts: 12, timeout: .seconds(180), backoff: Backoff(first: .seconds(2), longest: .seconds(900)),
        whenExhausted: .hold, gateway: "payments", callsPerAttempt: 2)
    private let gateway: any PaymentGateway

    public init(gateway: any PaymentGateway) { self.gateway = gateway }

    public func run(_ job: Job<RegisterPaymentMethod>, in context: BillingContext) async throws -> JobOutcome {
        let customer = job.arguments.customer
        let known = try await context.transaction { work -> (PaymentMethodRecord, Effect?)? in
            guard let method = try await work.paymentMethod(job.arguments.method, of: customer),
                method.state == .pending
            else { return nil }
            guard method.gatewayCustomer == nil else { return (method, nil) }
            return (method, try await work.announce(.creation(of: method)).effect)
        }
        guard let (method, creation) = known else { return context.complete() }
        var reference = method.gatewayCustomer
        if let creation {
            switch await gateway.createCustomer(GatewayCustomer(method), key: creation.key) {
            case .done(let created): reference = created
            case .refused(let code, let message): return .held(reason: "no customer at the gateway: \(code) \(message)")
            case .misconfigured(let reason): return .held(reason: "the gateway refuses our requests: \(reason)")
            case .unavailable(let reason): throw GatewayUnavailable(reason: reason)
            }
        }
        guard let reference else { return context.complete() }
        return try await attach(method, to: reference, creation: creation, in: context)
    }

    private func attach(
        _ method: PaymentMethodRecord, to reference: String, creation: Effect?, in context: BillingContext
    ) async throws -> JobOutcome {
        let customer = method.customer
        let attachment = try await context.transaction { work in
            if let creation, creation.state == .intended {
                try await work.recordGatewayCustomer(reference, of: customer)
                try await work.settle(creation, as: .confirmed, result: Array("{}".utf8))
            }
            return try await work.announce(.attachment(of: method)).effect
        }
        switch await gateway.attach(method.token, toCustomer: reference, key: attachment.key) {
        case .done(let attached):
            return try await context.complete { work in
                try await work.activate(method.id, of: customer, reference: attached)
                try await work.settle(attachment, as: .confirmed, result: Array("{}".utf8))
                try await work.followUp(work.accounts([customer]))
            }
        case .refused(let code, let message):
            return try await context.complete { work in
                try await work.refuse(method.id, of: customer, reason: "\(code): \(message)")
                try await work.settle(attachment, as: .refused, result: Array("{}".utf8))
                var accounts = try await work.accounts([customer])
                for index in accounts.indices where !accounts[index].profile.isChargeable {
                    accounts[index].account.losePaymentMethod()
                }
                try await work.store(accounts)
                try await work.followUp(accounts)
            }
        case .misconfigured(let reason): return .held(reason: "the gateway refuses our requests: \(reason)")
        case .unavailable(let reason): throw GatewayUnavailable(reason: reason)
        }
    }
}

extension GatewayCustomer {
    fileprivate init(_ method: PaymentMethodRecord) {
        self.init(
            name: method.customerName, email: method.customerEmail ?? "",
            metadata: ["seller": method.sellerCode, "customer": method.customerCode])
    }
}

extension EffectRequest {
    fileprivate static func creation(of method: PaymentMethodRecord) -> EffectRequest {
        // One that the gateway has deleted since is not had again by its key.
        let again = method.gatewayLosses == 0 ? "" : "/\(method.gatewayLosses)"
        return EffectRequest(
            scope: "customer/\(method.customer)\(again)", name: "create", fingerprint: method.customerCode)
    }

    fileprivate static func attachment(of method: PaymentMethodRecord) -> EffectRequest {
        EffectRequest(scope: "payment_method/\(method.id)", name: "attach", fingerprint: method.token)
    }
}
