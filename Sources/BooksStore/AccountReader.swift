internal import Accounts
internal import Billing
internal import BillingPorts
internal import Dates
internal import JSONText
internal import Money
internal import Postgres
internal import QueueStore

/// Puts together what the statements of `AccountSQL.parts` answered.
struct AccountReader {
    let seller: Seller.ID
    let context: BooksContext
    let transaction: Transaction
    /// What this transaction has made and nobody may be told of yet.
    let own: OwnChanges

    /// The accounts of those customers, in the order of their ids; whoever is not there is left out. Only what is locked
    /// can be known to be as it was stored.
    func accounts(_ customers: [Customer.ID], locking: Bool) async throws -> [OpenAccount] {
        guard !customers.isEmpty else { return [] }
        // Each statement sees what was committed when it began, and the first does not end before the locks are ours.
        let lock = locking ? [AccountSQL.lock(customers, of: seller)] : []
        let heads = try await transaction.pipeline(
            lock + [AccountSQL.seller(seller), AccountSQL.customers(customers, of: seller)]
        ).dropFirst(lock.count)
        guard let sellerRow = heads.first?.first, let rows = heads.last else { return [] }
        let who = try StoredSeller(sellerRow, id: seller)
        if who.tellsEvents { own.note(telling: seller) }
        let found = try rows.map { row in
            let customer = try StoredCustomer(row)
            let key = CustomerKey(seller: seller, customer: customer.id)
            let version = KeptAccounts.Version(customer: customer.version, seller: who.version)
            return (customer: customer, key: key, kept: locking ? context.accounts[key, version] : nil)
        }
        var read = try await self.read(found.filter { $0.kept == nil }.map(\.customer), of: who)
        if locking { own.read(found.map(\.key), version: who.version) }
        return found.compactMap { customer, key, kept in
            guard let account = kept ?? read.removeValue(forKey: customer.id) else { return nil }
            return OpenAccount(key: key, profile: customer.profile(of: who), account: account, dueAt: customer.dueAt)
        }
    }

    private func read(_ customers: [StoredCustomer], of who: StoredSeller) async throws -> [Customer.ID: Account] {
        guard !customers.isEmpty else { return [:] }
        let answers = try await transaction.pipeline(AccountSQL.parts(customers.map(\.id), of: seller))
        let rows = try AccountRows(answers[...])
        let plans = try await plans(rows.subscriptions.values.joined())
        let catalogue = try await catalogue(who)
        let sellerZone = try context.zones.rules(who.timeZone)
        var accounts: [Customer.ID: Account] = [:]
        for customer in customers {
            let id = customer.id
            var account = try customer.account(of: who, catalogue, sellerZone: sellerZone, context.zones)
            var contents = customer.parts
            contents.subscriptions = try (rows.subscriptions[id] ?? []).map {
                try $0.subscription(in: account.currency) { plans[$0] }
            }
            contents.invoices = rows.invoices[id] ?? []
            contents.notes = rows.notes[id] ?? []
            contents.attempts = rows.attempts[id] ?? []
            contents.coupons = rows.coupons[id] ?? []
            contents.usage = rows.usage[id] ?? []
            account.restore(contents)
            accounts[id] = account
        }
        return accounts
    }

    func catalogue(_ seller: StoredSeller) async throws -> Catalogue {
        let revision = seller.revision
        if let catalogue = context.catalogue(revision, of: seller.id) { return catalogue }
        guard revision > 0 else { return Catalogue(currency: seller.settings.currency, plans: []) }
        let (currency, definition) = try await transaction.query(AccountSQL.catalogue(revision, of: seller.id))
            .only(String.self, PostgresJSON.self)
        let catalogue = try Stored("catalogues", "\(seller.id)/\(revision)").catalogue(definition, currency: currency)
        // One that this transaction has loaded is nobody's before the commit; a loader reads it nowhere else.
        context.keep(catalogue, revision, of: seller.id)
        return catalogue
    }

    /// The plans that those subscriptions name, by their ids.
    private func plans(_ subscriptions: some Sequence<StoredSubscription>) async throws -> [Int64: Plan] {
        var ids: Set<Int64> = []
        for subscription in subscriptions { ids.formUnion(try subscription.planIDs) }
        var plans: [Int64: Plan] = [:]
        var missing: [Int64] = []
        for id in ids {
            if let plan = context.plan(id, of: seller) { plans[id] = plan } else { missing.append(id) }
        }
        guard !missing.isEmpty else { return plans }
        let rows = try await transaction.query(AccountSQL.plans(missing.sorted(), of: seller))
        for (id, currency, definition) in try rows.decode(Int64.self, String.self, PostgresJSON.self) {
            let plan = try Stored("sold_plans", id).plan(definition, currency: currency)
            plans[id] = plan
            if !own.made(plan: id) { context.keep(plan, id, of: seller) }
        }
        return plans
    }
}

/// A row of `books.sellers`.
struct StoredSeller {
    let id: Seller.ID
    let code: String
    let name: String
    let timeZone: String
    let settings: BillingSettings
    /// Of its catalogue; 0: it has none.
    let revision: Int
    /// Which transaction wrote this row.
    let version: Int64
    /// Whether it has an endpoint for events.
    let tellsEvents: Bool

    init(_ row: Row, id: Seller.ID) throws {
        let (code, name, timeZone, settings, revision, version, tellsEvents) = try row.decode(
            String.self, String.self, String.self, PostgresJSON.self, Int.self, Int64.self, Bool.self)
        let stored = Stored("sellers", id)
        self.id = id
        self.code = code
        self.name = name
        self.timeZone = timeZone
        self.revision = revision
        self.version = version
        self.tellsEvents = tellsEvents
        self.settings = try stored.reading(settings) { (node) throws(JSONFault) in
            try BillingSettings(reading: node)
        }
    }
}

/// A row of `books.customers`, with the payment method that is charged.
struct StoredCustomer {
    let id: Customer.ID
    /// Which transaction wrote this row.
    let version: Int64
    private let stored: Stored
    private let code, name: String
    private let email: String?
    private let currency: Currency
    private let timeZone: String
    private let address: Customer.Address?
    private let isTaxExempt: Bool
    private let billingDay: Int?
    private let arrangement: PaymentArrangement?
    private let gatewayCustomer: String?
    private let credit, recognizedBooked: Money
    private let entryCount, mailCount: Int
    private let state: PostgresJSON
    /// When it is to be looked at again.
    let dueAt: Instant?
    private let method: ActivePaymentMethod?

    init(_ row: Row) throws {
        let (
            id, code, name, email, currency, timeZone, country, region, postalCode, isTaxExempt, billingDay, payment,
            netDays, gatewayCustomer, credit, recognized, entryCount, mailCount, state, dueAt, method, reference,
            version
        ) = try row.decode(
            Customer.ID.self, String.self, String.self, String?.self, String.self, String.self, String?.self,
            String?.self, String?.self, Bool.self, Int?.self, String?.self, Int?.self, String?.self, Int64.self,
            Int64.self, Int.self, Int.self, PostgresJSON.self, Instant?.self, PaymentMethod.ID?.self,
            String?.self, Int64.self)
        let stored = Stored("customers", id)
        self.id = id
        self.version = version
        self.stored = stored
        (self.code, self.name, self.email, self.timeZone) = (code, name, email, timeZone)
        self.currency = try stored.currency(currency)
        address = country.map { Customer.Address(country: $0, region: region, postalCode: postalCode) }
        (self.isTaxExempt, self.billingDay, self.gatewayCustomer) = (isTaxExempt, billingDay, gatewayCustomer)
        arrangement = try stored.choice(PaymentArrangement.Method.self, ifAny: payment).map {
            PaymentArrangement(method: $0, netDays: netDays)
        }
        self.credit = try stored.money(credit, currency)
        recognizedBooked = try stored.money(recognized, currency)
        (self.entryCount, self.mailCount, self.state, self.dueAt) = (entryCount, mailCount, state, dueAt)
        self.method = method.flatMap { id in reference.map { ActivePaymentMethod(id: id, reference: $0) } }
    }

    /// The account but for its lists.
    func account(
        of seller: StoredSeller, _ catalogue: Catalogue, sellerZone: TimeZoneRules, _ zones: any TimeZones
    ) throws -> Account {
        var account = Account(
            code: code, currency: currency, zone: try zones.rules(timeZone), sellerZone: sellerZone,
            settings: seller.settings, catalogue: catalogue, email: email, address: address, isTaxExempt: isTaxExempt,
            billingDay: billingDay, arrangement: arrangement)
        let state = try stored.reading(state) { $0 }
        do throws(JSONFault) { try account.restoreState(reading: state) } catch { throw stored.fault("\(error)") }
        return account
    }

    /// What of its account is no list.
    var parts: Account.Parts {
        var parts = Account.Parts(credit: credit, recognizedBooked: recognizedBooked)
        parts.entryCount = entryCount
        parts.mailCount = mailCount
        return parts
    }

    func profile(of seller: StoredSeller) -> CustomerProfile {
        CustomerProfile(
            name: name, sellerCode: seller.code, sellerName: seller.name, gatewayCustomer: gatewayCustomer,
            method: method)
    }
}
