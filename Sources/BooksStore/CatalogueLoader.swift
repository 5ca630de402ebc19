public import Billing
internal import BillingPorts
public import Dates
internal import JSONText
internal import JobKit
internal import Money
internal import Postgres
public import QueueStore

/// Takes catalogues and customers into the books. What is there already stays as it is, so loading twice, or again after
/// a crash, adds only what is missing.
public struct CatalogueLoader: Sendable {
    /// How much of what was given is new, and how much was there before.
    public struct Count: Hashable, Sendable {
        public var made: Int
        public var kept: Int

        public init(made: Int = 0, kept: Int = 0) {
            self.made = made
            self.kept = kept
        }

        init(made: Int, of given: Int) { self.init(made: made, kept: given - made) }

        mutating func add(_ other: Count) {
            made += other.made
            kept += other.kept
        }
    }

    /// What came of a catalogue: new are new versions too.
    public struct LoadedCatalogue: Hashable, Sendable {
        public var plans = Count()
        public var metrics = Count()
        public var coupons = Count()
    }

    /// What came of a customers file.
    public struct Loaded: Hashable, Sendable {
        public var customers = Count()
        public var subscriptions = Count()
        /// Payment methods that are now on their way to the gateway; only new customers' are.
        public var paymentMethods = 0

        public init() {}

        mutating func add(_ other: Loaded) {
            customers.add(other.customers)
            subscriptions.add(other.subscriptions)
            paymentMethods += other.paymentMethods
        }
    }

    private let store: PostgresJobStore<PostgresWork>

    /// `store` connects as the worker's role.
    public init(_ store: PostgresJobStore<PostgresWork>) { self.store = store }

    /// Makes the seller, or brings its row up to date, and returns its id: the tenant of all it has.
    public func loadSeller(_ seller: Seller, now: Instant) async throws -> Seller.ID {
        try await store.transaction(tenant: .all, now: now) { work in
            try await work.transaction.query(LoadingSQL.seller(seller)).only(Seller.ID.self)
        }
    }

    /// What is not as its latest version becomes a new version; who has subscribed to a plan keeps the old one. What the
    /// catalogue no longer has stays in the books.
    public func loadCatalogue(
        _ catalogue: Catalogue, of seller: Seller.ID, now: Instant
    ) async throws -> LoadedCatalogue {
        let (plans, metrics, coupons) = (catalogue.plans, catalogue.metrics, catalogue.coupons)
        let planTexts = try plans.map { plan in PostgresJSON(try plan.json().text()) }
        let couponTexts = try coupons.map { coupon in PostgresJSON(try coupon.json().text()) }
        return try await store.transaction(tenant: .one(seller.rawValue), now: now) { work in
            let answers = try await work.transaction.pipeline([
                LoadingSQL.lock(seller),
                LoadingSQL.plans(plans, definitions: planTexts, of: seller, at: now),
                LoadingSQL.metrics(metrics, of: seller, at: now),
                LoadingSQL.coupons(
                    coupons, definitions: couponTexts, in: catalogue.currency, of: seller, at: now),
            ])
            return LoadedCatalogue(
                plans: Count(made: answers[1].affectedRows, of: plans.count),
                metrics: Count(made: answers[2].affectedRows, of: metrics.count),
                coupons: Count(made: answers[3].affectedRows, of: coupons.count))
        }
    }

    /// Makes the customers of the file that are new, with their payment methods and the jobs that register these, and
    /// all subscriptions that are new. `loadDate` is the first day of those that name none.
    ///
    /// Throws `MissingPlan` for a plan that was not loaded before; batches committed until then stay.
    public func loadCustomers(
        _ file: CustomerFile, of seller: Seller.ID, on loadDate: LocalDate, now: Instant
    ) async throws -> Loaded {
        var loaded = Loaded()
        for start in stride(from: 0, to: file.entries.count, by: CatalogueLoader.batch) {
            let entries = file.entries[start..<min(start + CatalogueLoader.batch, file.entries.count)]
            let batch = CustomerBatch(entries: entries, seller: seller, loadDate: loadDate)
            loaded.add(
                try await store.transaction(tenant: .one(seller.rawValue), now: now) { work in
                    try await batch.load(in: work)
                })
        }
        return loaded
    }

    /// Customers in one transaction: enough that the commit does not count, few enough that nobody waits for it.
    static let batch = 300
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

/// Some customers of a file, loaded by one transaction.
private struct CustomerBatch: Sendable {
    let entries: ArraySlice<CustomerFile.Entry>
    let seller: Seller.ID
    let loadDate: LocalDate

    func load(in work: PostgresWork) async throws -> CatalogueLoader.Loaded {
        let codes = entries.map { $0.customer.code.uppercased() }
        let answers = try await work.transaction.pipeline([
            LoadingSQL.lock(seller), LoadingSQL.customers(entries.map(\.customer), of: seller, at: work.now),
            LoadingSQL.customerIDs(codes, of: seller), LoadingSQL.latestPlans(of: seller),
        ])
        let made = Set(try answers[1].decode(Customer.ID.self))
        let found = try answers[2].decode(String.self, Customer.ID.self)
        let ids = Dictionary(found.map { ($0.0, $0.1) }) { first, _ in first }
        let plans = try Self.plans(answers[3])

        var loaded = CatalogueLoader.Loaded()
        loaded.customers = CatalogueLoader.Count(made: made.count, of: entries.count)
        loaded.paymentMethods = try await storePaymentMethods(of: made, ids, in: work)
        let wanted = try subscriptions(ids, plans)
        if !wanted.isEmpty {
            let count = try await work.transaction.query(
                LoadingSQL.subscriptions(wanted, of: seller, at: work.now)
            ).only(Int.self)
            loaded.subscriptions = CatalogueLoader.Count(made: count, of: wanted.count)
        }
        return loaded
    }

    private static func plans(_ rows: Rows) throws -> [String: (id: Plan.ID, trialDays: Int)] {
        var reader = PlanReader()
        var plans: [String: (id: Plan.ID, trialDays: Int)] = [:]
        for (id, currency, definition) in try rows.decode(Plan.ID.self, String.self, PostgresJSON.self) {
            let plan = try reader.plan(id, definition, currency: currency)
            plans[plan.code] = (id, plan.trialDays)
        }
        return plans
    }

    private func subscriptions(
        _ ids: [String: Customer.ID], _ plans: [String: (id: Plan.ID, trialDays: Int)]
    ) throws -> [NewSubscription] {
        try entries.flatMap { entry in
            guard let customer = ids[entry.customer.code.uppercased()] else { return [NewSubscription]() }
            return try entry.subscriptions.map { request in
                guard let plan = plans[request.plan] else {
                    throw MissingPlan(plan: request.plan, subscription: request.code)
                }
                return NewSubscription(
                    request, of: customer, billingDay: entry.customer.billingDay, planID: plan.id,
                    trialDays: plan.trialDays, loadDate: loadDate)
            }
        }
    }

    /// Only new customers': those who were there have given theirs, and may have changed it since.
    private func storePaymentMethods(
        of made: Set<Customer.ID>, _ ids: [String: Customer.ID], in work: PostgresWork
    ) async throws -> Int {
        let tokens = entries.compactMap { entry -> (customer: Customer.ID, token: String)? in
            guard let id = ids[entry.customer.code.uppercased()], made.contains(id), let payment = entry.payment else {
                return nil
            }
            return (id, payment.token)
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
