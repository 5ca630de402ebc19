public import Accounts
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

    /// What came of a catalogue.
    public struct LoadedCatalogue: Hashable, Sendable {
        /// By which the seller sells from now on; counted from 1.
        public let revision: Int
        /// What makes the one before into this; none, and then the revision is the one that was there.
        public let changes: [CatalogueChange]
        /// New ones are changed ones too.
        public let plans, metrics, coupons: Count
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

    private let store: PostgresJobStore<PostgresBooks>

    /// `store` connects as the worker's role.
    public init(_ store: PostgresJobStore<PostgresBooks>) { self.store = store }

    /// Makes the seller, or brings its row up to date, and returns its id: the tenant of all it has. Without `settings`
    /// it bills as its block says, and otherwise as it did.
    public func loadSeller(
        _ seller: Seller, settings: BillingSettings? = nil, now: Instant
    ) async throws -> Seller.ID {
        try await store.transaction(tenant: .all, now: now) { work in
            let known = try await work.transaction.query(LoadingSQL.settings(of: seller.code)).first(PostgresJSON.self)
            let present = try known.map { json in
                try Stored("sellers", seller.code).reading(json) { (node) throws(JSONFault) in
                    try BillingSettings(reading: node)
                }
            }
            let settings = settings ?? (present ?? BillingSettings(currency: seller.currency)).taking(seller)
            return try await work.transaction.query(
                LoadingSQL.seller(seller, PostgresJSON(settings.json.text()))
            ).only(Seller.ID.self)
        }
    }

    /// A catalogue that is not as the latest revision becomes a new one. Who has subscribed to a plan keeps it as it was
    /// sold; what the catalogue no longer has is no longer sold.
    public func loadCatalogue(
        _ catalogue: Catalogue, of seller: Seller.ID, now: Instant
    ) async throws -> LoadedCatalogue {
        let sold = Catalogue(
            currency: catalogue.currency, plans: catalogue.plans, metrics: catalogue.metrics,
            coupons: catalogue.coupons)
        let definition = PostgresJSON(try sold.json().text())
        return try await store.transaction(tenant: .one(seller.rawValue), now: now) { work in
            let answers = try await work.transaction.pipeline([LoadingSQL.lock(seller), AccountSQL.seller(seller)])
            let stored = try StoredSeller(answers[1].only(), id: seller)
            let before = try await work.reader(of: seller).catalogue(stored)
            let changes = try before.changes(to: sold)
            let isNew = before != sold || stored.revision == 0
            let revision = stored.revision + (isNew ? 1 : 0)
            if isNew {
                _ = try await work.transaction.pipeline([
                    LoadingSQL.catalogue(definition, sold.currency, revision, of: seller, at: now),
                    LoadingSQL.sell(by: revision, seller),
                ])
            }
            return LoadedCatalogue(revision: revision, changes: changes, sold)
        }
    }

    /// Makes the customers of the file that are new, with their payment methods and the jobs that register these, and
    /// all subscriptions that are new. `loadDate` is the first day of those that name none.
    ///
    /// Throws `MissingPlan` for a plan that was not loaded before; batches committed until then stay.
    public func loadCustomers(
        _ file: CustomerFile, of seller: Seller.ID, on loadDate: LocalDate, now: Instant
    ) async throws -> Loaded {
        try await loadCustomers(
            file.entries.map { NewCustomer($0, on: loadDate) }, of: seller, now: now)
    }

    /// As of a file.
    public func loadCustomers(
        _ customers: [NewCustomer], of seller: Seller.ID, now: Instant
    ) async throws -> Loaded {
        var loaded = Loaded()
        for start in stride(from: 0, to: customers.count, by: CatalogueLoader.batch) {
            let batch = CustomerBatch(
                customers: customers[start..<min(start + CatalogueLoader.batch, customers.count)], seller: seller)
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

extension CatalogueLoader.LoadedCatalogue {
    init(revision: Int, changes: [CatalogueChange], _ catalogue: Catalogue) {
        self.revision = revision
        self.changes = changes
        var (plans, metrics, coupons): (Set<String>, Set<String>, Set<String>) = ([], [], [])
        for change in changes where change.kind != .removed {
            switch change.subject {
            case .plan(let code), .price(_, let code, _): plans.insert(code)
            case .metric(let code): metrics.insert(code)
            case .coupon(let code): coupons.insert(code)
            case .seller: break
            }
        }
        self.plans = CatalogueLoader.Count(made: plans.count, of: catalogue.plans.count)
        self.metrics = CatalogueLoader.Count(made: metrics.count, of: catalogue.metrics.count)
        self.coupons = CatalogueLoader.Count(made: coupons.count, of: catalogue.coupons.count)
    }
}

extension BillingSettings {
    /// What a seller's block says of them, the rest as it is.
    fileprivate func taking(_ seller: Seller) -> BillingSettings {
        var settings = self
        settings.currency = seller.currency
        settings.numbering = seller.invoices.numbering
        settings.netDays = seller.invoices.netDays
        settings.dunning = seller.dunning
        settings.brakes = seller.brakes
        settings.reminders = seller.reminders
        settings.retention = seller.retention
        settings.rendersDocuments = seller.branding?.rendering == .onIssue
        return settings
    }
}
