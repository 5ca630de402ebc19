import BillingPorts
import BillingSupport
import Dates
import JobKit
import PaymentRetries
import Postgres

/// Three customers, a, b and c, with one open invoice of 118.00 each, who can be charged and are collected together.
struct OpenInvoices: Sendable {
    static let customers = ["a", "b", "c"].map { SampleCustomer($0) }

    let fixture: BillingFixture
    let seller: SampleSeller
    let gateway = CountingGateway()

    /// The books must agree in the end.
    static func with(_ body: (OpenInvoices) async throws -> Void) async throws {
        try await BillingFixture.with { fixture in
            let seller = try await fixture.load(customers)
            try await fixture.bill(seller)
            let open = OpenInvoices(fixture: fixture, seller: seller)
            try await fixture.registerMethods(of: seller, at: open.gateway)
            try await body(open)
            try await fixture.expectBalancedBooks(of: seller.id)
        }
    }

    /// The gateway answers b so.
    func script(_ answers: CountingGateway.Answer...) async throws {
        try await fixture.script(answers, for: "b", of: seller, at: gateway)
    }

    func enqueue() async throws { try await fixture.enqueue(CollectPayments(all: seller)) }

    /// Runs what comes due within `seconds` of the start.
    @discardableResult
    func drain(for seconds: Int = 0, at other: (any PaymentGateway)? = nil) async throws -> [String] {
        try await fixture.drain(from: fixture.start, until: fixture.start + .seconds(seconds)) {
            CollectPaymentsHandler(gateway: other ?? gateway, reconcileAfter: .seconds(300))
        }.endings
    }

    /// Customer, number and outcome of each attempt; `sent` and `intended` have no outcome yet.
    var attempts: [String] {
        get async throws {
            try await fixture.query(
                """
                SELECT concat_ws(' ', code, number, coalesce(outcome, CASE WHEN sent_at IS NULL THEN 'intended'
                                                                           ELSE 'sent' END))
                  FROM books.payment_attempts JOIN books.customers USING (seller_id, customer_id)
                 ORDER BY code, ordinal
                """, of: seller.id
            ).decode(String.self)
        }
    }

    /// How many were collected from each customer.
    var collected: [String: Int] {
        get async throws { try await fixture.collected(from: seller, at: gateway) }
    }
}

extension CollectPayments {
    init(all seller: SampleSeller) {
        self.init(seller: seller.id, customers: seller.customers.values.map(\.customer).sorted())
    }
}

extension BillingFixture {
    private func references(of seller: SampleSeller) async throws -> [String: String] {
        let found = try await query("SELECT code, gateway_customer FROM books.customers", of: seller.id)
            .decode(String.self, String.self)
        return Dictionary(uniqueKeysWithValues: found.map { ($0.0, $0.1) })
    }

    func script(
        _ answers: [CountingGateway.Answer], for code: String, of seller: SampleSeller, at gateway: CountingGateway
    ) async throws {
        guard let reference = try await references(of: seller)[code] else { preconditionFailure("no customer \(code)") }
        gateway.script(answers, for: reference)
    }

    /// Charges that moved money, by the customer whose attempt they were for.
    func collected(from seller: SampleSeller, at gateway: CountingGateway) async throws -> [String: Int] {
        let owners = try await query(
            """
            SELECT effect.idempotency_key, customer.code FROM queue.effects AS effect
              JOIN books.customers AS customer
                ON effect.scope LIKE 'payment_attempt/' || customer.seller_id || '/' || customer.customer_id || '/%'
            """, of: seller.id
        ).decode(String.self, String.self)
        let codes = Dictionary(uniqueKeysWithValues: owners.map { ($0.0, $0.1) })
        return Dictionary(gateway.collected.map { (codes[$0.key.text] ?? "nobody", 1) }, uniquingKeysWith: +)
    }
}
