public import Accounts
public import Billing
internal import BillingPorts
public import Dates
internal import JobKit
public import Money
internal import Postgres

/// A customer about to be taken into the books, with what it subscribes to.
public struct NewCustomer: Hashable, Sendable {
    /// The seller's own id for it.
    public var code: String
    public var name: String
    /// Nothing is written to it if `nil`.
    public var email: String?
    /// The seller's if `nil`, as its zone.
    public var currency: Currency?
    public var timeZone: String?
    public var address: Customer.Address?
    public var isTaxExempt: Bool
    public var billingDay: Int?
    /// The seller's if `nil`.
    public var language: String?
    public var arrangement: PaymentArrangement?
    /// The gateway's, of what it pays with: registered after the load.
    public var token: String?
    /// Taken at the moment of loading.
    public var subscriptions: [Accounts.Operation.Subscribe]

    public init(
        code: String, name: String, email: String? = nil, currency: Currency? = nil, timeZone: String? = nil,
        address: Customer.Address? = nil, isTaxExempt: Bool = false, billingDay: Int? = nil,
        language: String? = nil, arrangement: PaymentArrangement? = nil, token: String? = nil,
        subscriptions: [Accounts.Operation.Subscribe] = []
    ) {
        self.code = code
        self.name = name
        self.email = email
        self.currency = currency
        self.timeZone = timeZone
        self.address = address
        self.isTaxExempt = isTaxExempt
        self.billingDay = billingDay
        self.language = language
        self.arrangement = arrangement
        self.token = token
        self.subscriptions = subscriptions
    }

    /// Of a file; `loadDate` is the first day of subscriptions that name none.
    public init(_ entry: CustomerFile.Entry, on loadDate: LocalDate) {
        let customer = entry.customer
        self.init(
            code: customer.code, name: customer.name, email: customer.email, currency: customer.currency,
            timeZone: customer.timeZone, address: customer.address, billingDay: customer.billingDay,
            language: customer.language,
            // One that is on its way to the gateway has been given: a trial does not end for want of it.
            arrangement: entry.payment.map { _ in PaymentArrangement(method: .card) }, token: entry.payment?.token,
            subscriptions: entry.subscriptions.map {
                Accounts.Operation.Subscribe(
                    code: $0.code, plan: $0.plan, start: $0.start ?? loadDate, quantities: $0.quantities,
                    trialDays: $0.trialDays)
            })
    }
}

/// A subscription names a plan that the books do not have: load the catalogue first.
public struct MissingPlan: Error, Hashable, CustomStringConvertible {
    public let plan: String
    public let subscription: String

    public init(plan: String, subscription: String) {
        self.plan = plan
        self.subscription = subscription
    }

    public var description: String {
        "subscription \(subscription) is on plan \"\(plan)\", which was not loaded with the catalogue"
    }
}

/// Some customers, loaded by one transaction.
struct CustomerBatch: Sendable {
    let customers: ArraySlice<NewCustomer>
    let seller: Seller.ID

    func load(in work: PostgresBooks) async throws -> CatalogueLoader.Loaded {
        let codes = customers.map { $0.code.uppercased() }
        let wanted = customers.flatMap { $0.subscriptions.map(\.code) }
        let answers = try await work.transaction.pipeline([
            LoadingSQL.lock(seller), LoadingSQL.customers(Array(customers), of: seller, at: work.now),
            LoadingSQL.customerIDs(codes, of: seller), LoadingSQL.takenCodes(wanted, of: seller),
        ])
        let made = Set(try answers[1].decode(Customer.ID.self))
        let found = try answers[2].decode(String.self, Customer.ID.self)
        let ids = Dictionary(found.map { ($0.0, $0.1) }) { first, _ in first }
        let taken = Set(try answers[3].decode(String.self))

        var loaded = CatalogueLoader.Loaded()
        loaded.customers = CatalogueLoader.Count(made: made.count, of: customers.count)
        loaded.paymentMethods = try await storePaymentMethods(of: made, ids, in: work)
        let subscribed = try await subscribe(ids, besides: taken, in: work)
        loaded.subscriptions = CatalogueLoader.Count(made: subscribed, of: wanted.count)
        return loaded
    }

    /// Returns how many subscriptions were made. Whoever got one is to be looked at at once: it may owe an invoice.
    private func subscribe(
        _ ids: [String: Customer.ID], besides taken: Set<String>, in work: PostgresBooks
    ) async throws -> Int {
        var requests: [Customer.ID: [Accounts.Operation.Subscribe]] = [:]
        for customer in customers {
            let new = customer.subscriptions.filter { !taken.contains($0.code) }
            if let id = ids[customer.code.uppercased()], !new.isEmpty { requests[id] = new }
        }
        var accounts = try await work.accounts(requests.keys.map { CustomerKey(seller: seller, customer: $0) })
        for index in accounts.indices {
            for request in requests[accounts[index].key.customer] ?? [] {
                guard accounts[index].account.catalogue[plan: request.plan] != nil else {
                    throw MissingPlan(plan: request.plan, subscription: request.code)
                }
                try accounts[index].account.perform(.subscribe(request), at: work.now)
            }
        }
        try await work.store(accounts, dueAt: work.now)
        return requests.values.reduce(0) { $0 + $1.count }
    }

    /// Only new customers': those who were there have given theirs, and may have changed it since.
    private func storePaymentMethods(
        of made: Set<Customer.ID>, _ ids: [String: Customer.ID], in work: PostgresBooks
    ) async throws -> Int {
        let tokens = customers.compactMap { customer -> (customer: Customer.ID, token: String)? in
            guard let id = ids[customer.code.uppercased()], made.contains(id), let token = customer.token else {
                return nil
            }
            return (id, token)
        }
        guard !tokens.isEmpty else { return 0 }
        let stored = try await work.transaction.query(LoadingSQL.paymentMethods(tokens, of: seller, at: work.now))
            .decode(Customer.ID.self, PaymentMethod.ID.self)
        try await work.enqueue(
            stored.map { customer, method in
                try NewJob(
                    RegisterPaymentMethod(
                        customer: CustomerKey(seller: seller, customer: customer), method: method))
            })
        return stored.count
    }
}
