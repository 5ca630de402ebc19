public import Billing
public import BillingPorts
internal import BooksStore
internal import Dates
internal import JobKit
internal import Postgres
internal import QueueStore

/// A customer as a test wants one: on the sample catalogue, with one subscription.
public struct SampleCustomer: Sendable {
    public var code: String
    public var timeZone: String
    /// A token of the gateway's; nil: it has given no payment method.
    public var token: String?
    public var plan: String
    public var seats: Int
    public var start: String
    public var trialDays: Int

    public init(
        _ code: String = "acme", timeZone: String = "Etc/UTC", token: String? = "pm_card_visa", plan: String = "team",
        seats: Int = 3, start: String = "2026-01-15", trialDays: Int = 0
    ) {
        self.code = code
        self.timeZone = timeZone
        self.token = token
        self.plan = plan
        self.seats = seats
        self.start = start
        self.trialDays = trialDays
    }

    fileprivate var json: String {
        let payment = token.map { #""payment": {"method": "card", "token": "\#($0)"},"# } ?? ""
        return """
            {"id": "\(code)", "name": "\(code) Ltd", "email": "\(code)@customers.example", "time_zone": "\(timeZone)",
             \(payment)
             "subscriptions": [{"id": "\(code)-1", "plan": "\(plan)", "start": "\(start)",
                                "quantities": {"seats": \(seats)}, "trial_days": \(trialDays)}]}
            """
    }
}

/// A seller that a test loaded, and its customers by code.
public struct SampleSeller: Sendable {
    public let id: Seller.ID
    public let customers: [String: CustomerKey]

    /// Traps when the test never loaded such a customer.
    public func customer(_ code: String = "acme") -> CustomerKey {
        guard let key = customers[code] else { preconditionFailure("no customer \(code) was loaded") }
        return key
    }

    /// `team`: 29.00 a month and 10.00 a seat. `free`: nothing. `arrears`: 29.00 when the month is over. Each counts
    /// seats, so that every sample can have some.
    fileprivate static func catalogue(
        _ code: String, netDays: Int, _ numbering: InvoiceNumbering.Scheme
    ) -> String {
        """
        {"seller": {"code": "\(code)", "name": "Sample", "time_zone": "Etc/UTC", "currency": "USD",
                    "invoice": {"numbering": "\(numbering.rawValue)", "net_days": \(netDays)}},
         "plans": [
            {"code": "team", "interval": "month", "prices": [
                {"code": "base", "model": "flat", "amount": "29.00"},
                {"code": "seats", "model": "per_unit", "unit": "seats", "amount": "10.00"}]},
            {"code": "free", "interval": "month", "prices": [
                {"code": "base", "model": "flat", "amount": "0.00"},
                {"code": "seats", "model": "per_unit", "unit": "seats", "amount": "0.00"}]},
            {"code": "arrears", "interval": "month", "prices": [
                {"code": "base", "model": "flat", "amount": "29.00", "bill": "in_arrears"},
                {"code": "seats", "model": "per_unit", "unit": "seats", "amount": "0.00"}]}]}
        """
    }
}

extension BillingFixture {
    /// Loads a seller and its customers as `billwright` does. Each payment method given has its registration enqueued.
    /// Reminders come 1, 3 and 7 days after the first failure, and grace is over after 15.
    public func load(
        _ customers: [SampleCustomer], seller code: String = "sample", netDays: Int = 0,
        numbering: InvoiceNumbering.Scheme = .customer
    ) async throws -> SampleSeller {
        let catalogue = try Catalogue.read(
            Array(SampleSeller.catalogue(code, netDays: netDays, numbering).utf8), name: code)
        guard let seller = catalogue.seller else { preconditionFailure("the sample catalogue names its seller") }
        let text = "{\"customers\": [\(customers.map(\.json).joined(separator: ","))]}"
        let date = TimeZoneRules.utc.localDate(of: start)
        let file = try CustomerFile.read(Array(text.utf8), name: code, catalogue: catalogue, loadDate: date)

        let id = try await loader.loadSeller(seller, now: start)
        _ = try await loader.loadCatalogue(catalogue, of: id, now: start)
        _ = try await loader.loadCustomers(file, of: id, on: date, now: start)
        let found = try await query("SELECT code, customer_id FROM books.customers", of: id)
            .decode(String.self, Customer.ID.self)
        let keys = found.map { ($0.0, CustomerKey(seller: id, customer: $0.1)) }
        return SampleSeller(id: id, customers: Dictionary(uniqueKeysWithValues: keys))
    }
}
