internal import Accounts
internal import Billing
internal import BillingPorts
internal import BooksStore
internal import Dates
internal import JobKit
internal import QueueStore
internal import Runtime
internal import Scenarios

/// Whoever asks for things in a simulation: it sets up seller and customers, and performs the timeline's operations.
struct SimulationDesk {
    private let scenario: Scenario
    private let composition: Composition
    private let clock: VirtualClock
    private let gateway: SimulatedGateway
    private let seller: Seller.ID
    private let keys: [String: CustomerKey]
    private var catalogue: Catalogue
    private(set) var errors: [ErrorResult] = []

    init(
        _ scenario: Scenario, composition: Composition, clock: VirtualClock, gateway: SimulatedGateway
    ) async throws {
        self.scenario = scenario
        self.composition = composition
        self.clock = clock
        self.gateway = gateway
        catalogue = scenario.catalogue
        let founding = Founding(composition.plainStore)
        seller = try await founding.seller(
            code: "simulation", name: "Simulation", zone: scenario.zone.id, settings: scenario.settings,
            catalogue: scenario.catalogue, now: clock.now())
        var keys: [String: CustomerKey] = [:]
        for customer in scenario.customers {
            gateway.script(customer.outcomes, for: customer.id)
            keys[customer.id] = try await founding.customer(
                Founding.Customer(
                    code: customer.id, name: customer.name, email: customer.email, currency: customer.currency,
                    zone: customer.zone.id, address: customer.address, isTaxExempt: customer.isTaxExempt,
                    billingDay: customer.billingDay, payment: customer.payment,
                    gatewayCustomer: SimulatedGateway.reference(of: customer.id),
                    gatewayMethod: customer.payment.map { SimulatedGateway.reference(of: $0.method) }),
                of: seller, now: clock.now())
        }
        self.keys = keys
    }

    /// Performs one operation of the timeline; `settle` lets the system finish what it has to do.
    mutating func perform(_ timed: TimedOperation, settle: () async throws -> Void) async throws {
        do {
            switch timed.act {
            case .bill(let date):
                for customer in scenario.customers { try await perform(.bill(date), for: customer.id) }
            case .publishPrice(let publication):
                catalogue = try catalogue.publishing(publication)
                try await Founding(composition.plainStore).publish(catalogue, of: seller, now: clock.now())
            case .customer(let id, let operation):
                try await perform(operation, for: id, outcomes: timed.outcomes)
                if case .reactivate(let code) = operation {
                    try await settle()
                    try await requireActive(code, of: id)
                }
            }
        } catch let fault as OperationFault {
            errors.append(ErrorResult(at: timed.at, do: timed.do, error: fault.code.rawValue))
        }
    }

    private func perform(_ operation: Operation, for id: String?, outcomes: [Outcome] = []) async throws {
        guard let id, let key = keys[id] else { throw OperationFault(.notFound, "nobody in the file has that") }
        if case .setPayment(let arrangement) = operation {
            gateway.script(outcomes, for: id)
            try await Founding(composition.plainStore).method(
                SimulatedGateway.reference(of: arrangement.method), of: key, now: clock.now())
        }
        try await composition.store.transaction(tenant: .only(seller.rawValue), now: clock.now()) { work in
            try await work.perform(operation, for: key, by: "simulation")
        }
    }

    /// A reactivation is done when what it costs has been paid.
    private func requireActive(_ code: String, of id: String?) async throws {
        guard let id, let key = keys[id] else { return }
        let state = try await composition.store.transaction(tenant: .only(seller.rawValue), now: clock.now()) { work in
            try await work.accounts([key]).first?.account.subscriptions.first { $0.code == code }?.state
        }
        guard state == .active else { throw OperationFault(.paymentFailed, "the charge was declined") }
    }

    /// Moves everybody on to now.
    func renew() async throws {
        try await composition.store.transaction(tenant: .only(seller.rawValue), now: clock.now()) { work in
            try await work.enqueue(RenewSubscriptions(seller: seller))
        }
    }

    /// Every account as it stands, with all its entries and mails, in the order of the file.
    func accounts() async throws -> [Account] {
        let accounts = try await BooksInspection(composition.pool, composition.books).allAccounts(of: seller)
        return scenario.customers.compactMap { customer in accounts.first { $0.code == customer.id } }
    }
}
