public import BillingPorts
public import JobKit
internal import Synchronization
internal import Testing

/// A way to a gateway on which something else happens while our first charge is processed there and its answer is on
/// the way.
public final class InterruptedGateway: PaymentGateway {
    private let gateway: any PaymentGateway
    private let meanwhile: Mutex<(@Sendable () async throws -> Void)?>

    public init(_ gateway: any PaymentGateway, meanwhile: @escaping @Sendable () async throws -> Void) {
        self.gateway = gateway
        self.meanwhile = Mutex(meanwhile)
    }

    public func charge(_ request: ChargeRequest) async -> ChargeOutcome {
        let outcome = await gateway.charge(request)
        let meanwhile = meanwhile.withLock { meanwhile in
            defer { meanwhile = nil }
            return meanwhile
        }
        do { try await meanwhile?() } catch { Issue.record(error) }
        return outcome
    }

    public func createCustomer(_ customer: GatewayCustomer, key: IdempotencyKey) async -> SetupOutcome {
        await gateway.createCustomer(customer, key: key)
    }

    public func attach(_ token: String, toCustomer reference: String, key: IdempotencyKey) async -> SetupOutcome {
        await gateway.attach(token, toCustomer: reference, key: key)
    }

    public func findCharge(_ request: ChargeRequest) async -> ChargeSearch { await gateway.findCharge(request) }
}
