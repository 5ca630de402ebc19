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
    private let store: Composition.Store
    private let clock: VirtualClock
    private let gateway: SimulatedGateway
    private let seller: Seller.ID
    private let keys: [String: CustomerKey]
    private var catalogue: Catalogue
    private(set) var errors: [ErrorResult] = []
    /// Subscriptions that begin anew if a charge that has not been answered yet succeeds, and whose they are.
    private var awaited: [(code: String, customer: String)] = []

    init(
        _ scenario: Scenario, composition: Composition, store: Composition.Store, clock: VirtualClock,
        gateway: SimulatedGateway
    ) async throws {
        self.scenario = scenario
        self.composition = composition
        self.store = store
        self.clock = clock
        self.gateway = gateway
        catalogue = scenario.catalogue
        let loader = CatalogueLoader(composition.booksStore)
        let block = Seller(
            code: "simulation", name: "Simulation", timeZone: scenario.zone.id, currency: scenario.settings.currency,
            invoices: InvoiceSettings(
                numbering: scenario.settings.numbering, netDays: scenario.settings.netDays))
        seller = try await loader.loadSeller(block, settings: scenario.settings, now: clock.now())
        _ = try await loader.loadCatalogue(scenario.catalogue, of: seller, now: clock.now())
        _ = try await loader.loadCustomers(
            scenario.customers.map { NewCustomer($0) }, of: seller, now: clock.now())
        for customer in scenario.customers { gateway.script(customer.outcomes, for: customer.id) }
        let open = try await BooksInspection(composition.pool, composition.books).allAccounts(of: seller)
        keys = Dictionary(uniqueKeysWithValues: open.map { ($0.account.code, $0.key) })
    }

    /// Performs one operation of the timeline; `settle` lets the system finish what it has to do.
    mutating func perform(_ timed: TimedOperation, settle: () async throws -> Void) async throws {
        do {
            switch timed.act {
            case .bill(let date):
                for customer in scenario.customers { try await perform(.bill(date), for: customer.id) }
            case .publishPrice(let publication):
                catalogue = try catalogue.publishing(publication)
                _ = try await CatalogueLoader(composition.booksStore).loadCatalogue(
                    catalogue, of: seller, now: clock.now())
            case .customer(let id, let operation):
                if case .setPayment(let arrangement) = operation {
                    try await register(arrangement, of: id, outcomes: timed.outcomes)
                    try await settle()
                }
                try await perform(operation, for: id)
                if case .reactivate(let code) = operation, let id {
                    try await settle()
                    if try await isAwaited(code, of: id) { awaited.append((code, id)) }
                }
            }
        } catch let fault as OperationFault {
            errors.append(ErrorResult(at: timed.at, do: timed.do, error: fault.code.rawValue))
        }
    }

    /// What a customer pays with from now on is made known to the gateway first.
    private func register(_ arrangement: PaymentArrangement, of id: String?, outcomes: [Outcome]) async throws {
        guard let id, let key = keys[id] else { return }
        gateway.script(outcomes, for: id)
        guard let token = SimulatedGateway.token(of: arrangement) else { return }
        try await transaction { work in
            let method = try await work.addPaymentMethod(token, of: key)
            try await work.enqueue(RegisterPaymentMethod(customer: key, method: method))
        }
    }

    private func perform(_ operation: Accounts.Operation, for id: String?) async throws {
        guard let id, let key = keys[id] else { throw OperationFault(.notFound, "nobody in the file has that") }
        try await transaction { work in try await work.perform(operation, for: key, by: "simulation") }
    }

    private func transaction<Value: Sendable>(
        _ body: (any BillingWork) async throws -> Value
    ) async throws -> Value {
        try await store.transaction(tenant: .one(seller.rawValue), now: clock.now(), body)
    }

    /// Tells of the reactivations whose charge was declined since they were asked for.
    mutating func judgeReactivations() async throws {
        for (place, reactivation) in awaited.enumerated().reversed() {
            do {
                if try await isAwaited(reactivation.code, of: reactivation.customer) { continue }
            } catch let fault as OperationFault {
                errors.append(ErrorResult(at: clock.now(), do: "reactivate", error: fault.code.rawValue))
            }
            awaited.remove(at: place)
        }
    }

    /// Whether a charge on which a reactivation hangs is still to be answered. Throws when it was declined.
    private func isAwaited(_ code: String, of id: String) async throws -> Bool {
        guard let key = keys[id] else { return false }
        let account = try await transaction { work in try await work.accounts([key]).first?.account }
        guard let account, account.subscriptions.contains(where: { $0.code == code && $0.state != .active }) else {
            return false
        }
        if account.reactivation != nil { return true }
        // What a suspended one owes may be paid later; that is the schedule's.
        guard account.pendingAttempts.isEmpty else { return false }
        throw OperationFault(.paymentFailed, "the charge was declined")
    }

    /// Moves everybody on to now.
    func renew() async throws {
        try await transaction { work in try await work.enqueue(RenewSubscriptions(seller: seller)) }
    }

    /// Every account as it stands, with all its entries and mails; by id, which is the order of the file.
    func accounts() async throws -> [Account] {
        let accounts = try await BooksInspection(composition.pool, composition.books).allAccounts(of: seller)
        return accounts.map(\.account)
    }
}

extension NewCustomer {
    fileprivate init(_ customer: ScenarioCustomer) {
        self.init(
            code: customer.id, name: customer.name, email: customer.email, currency: customer.currency,
            timeZone: customer.zone.id, address: customer.address, isTaxExempt: customer.isTaxExempt,
            billingDay: customer.billingDay, arrangement: customer.payment,
            token: customer.payment.flatMap { SimulatedGateway.token(of: $0) })
    }
}
