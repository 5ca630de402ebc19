import Accounts
import BillingPorts
import BillingSupport
import Dates
import JobKit
import PaymentRetries
import Postgres

/// One open invoice of 118.00, whose customer can be charged.
struct OpenInvoice: Sendable {
    let fixture: BillingFixture
    let gateway = CountingGateway()
    let seller: SampleSeller
    var customer: CustomerKey { seller.customer() }

    /// The books must agree in the end.
    static func with(_ body: (OpenInvoice) async throws -> Void) async throws {
        try await BillingFixture.with { fixture in
            let seller = try await fixture.load([SampleCustomer()])
            try await fixture.bill(seller)
            let open = OpenInvoice(fixture: fixture, seller: seller)
            try await fixture.registerMethods(of: seller, at: open.gateway)
            try await body(open)
            try await fixture.expectBalancedBooks(of: seller.id)
        }
    }

    func enqueue() async throws { try await fixture.enqueue(CollectPayments(customer: customer)) }

    /// Runs what comes due within `seconds` of the start.
    @discardableResult
    func drain(for seconds: Int = 0, at gateway: (any PaymentGateway)? = nil) async throws -> [String] {
        try await fixture.drain(from: fixture.start, until: fixture.start + .seconds(seconds)) {
            CollectPaymentsHandler(gateway: gateway ?? self.gateway, reconcileAfter: .seconds(300))
        }.endings
    }

    /// Number, outcome and the gateway's code of each; `sent` and `intended` have no outcome yet.
    var attempts: [String] {
        get async throws {
            try await fixture.query(
                """
                SELECT concat_ws(' ', number, coalesce(outcome, CASE WHEN sent_at IS NULL THEN 'intended'
                                                                     ELSE 'sent' END), decline_code)
                  FROM books.payment_attempts ORDER BY ordinal
                """, of: seller.id
            ).decode(String.self)
        }
    }

    /// How the effects of these attempts stand in the ledger.
    var effects: [String] {
        get async throws {
            try await fixture.pool.query("SELECT state FROM queue.effects WHERE name = 'charge' ORDER BY id")
                .decode(String.self)
        }
    }

    /// Templates in order.
    var mails: [String] {
        get async throws {
            try await fixture.query("SELECT template FROM books.mails ORDER BY ordinal", of: seller.id)
                .decode(String.self)
        }
    }

    var charges: [String] { gateway.calls.filter { $0 == "charge" || $0 == "findCharge" } }
    var keys: Set<String> { Set(gateway.charges.map(\.key.text)) }
}
