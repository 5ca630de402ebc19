import Accounts
import Billing
import BillingPorts
import BillingSupport
import Dates
import GatewayEvents
import JobKit
import Money
import PaymentRetries
import Postgres
import Testing

/// One invoice of 118.00 that was charged, and a gateway that tells of it.
struct ToldInvoice: Sendable {
    let fixture: BillingFixture
    let gateway = CountingGateway()
    let news = TellingGateway()
    let seller: SampleSeller
    var customer: CustomerKey { seller.customer() }
    static let amount = Money(minorUnits: 11_800, .usd)

    /// `first`: what the gateway answers to the charge. The books must agree in the end.
    static func with(
        charging first: CountingGateway.Answer = .succeeds, _ body: (ToldInvoice) async throws -> Void
    ) async throws {
        try await BillingFixture.with { fixture in
            let seller = try await fixture.load([SampleCustomer()])
            try await fixture.bill(seller)
            let told = ToldInvoice(fixture: fixture, seller: seller)
            try await fixture.registerMethods(of: seller, at: told.gateway)
            told.gateway.script(first)
            try await fixture.enqueue(CollectPayments(customer: told.customer))
            try await fixture.drain(from: fixture.start) { CollectPaymentsHandler(gateway: told.gateway) }
            try await body(told)
            try await fixture.expectBalancedBooks(of: seller.id)
        }
    }

    /// The payment as the gateway has it, held there; `attempt` nil: it bears no key.
    @discardableResult
    func holds(
        _ outcome: ChargeOutcome, amount: Money = amount, isOurs: Bool = true
    ) -> GatewayPayment {
        let payment = GatewayPayment(
            reference: "pi_1", attempt: isOurs ? gateway.charges.first?.attempt : nil, amount: amount, outcome: outcome)
        news.hold(payment)
        return payment
    }

    /// An event arrives and is worked off. How each attempt at it ended.
    @discardableResult
    func tell(_ reference: String, _ notice: GatewayNotice) async throws -> [String] {
        try await fixture.receive(reference, news.event(notice))
        return try await drain()
    }

    @discardableResult
    func drain(for seconds: Int = 0) async throws -> [String] {
        try await fixture.drain(from: fixture.start, until: fixture.start + .seconds(seconds)) {
            ReactToGatewayEventHandler(news: news)
        }.endings
    }

    var account: Account { get async throws { try await fixture.account(customer) } }

    /// `paid 11800 of 11800, refunded 0, back 0`, with the customer's credit.
    var standing: String {
        get async throws {
            let account = try await account
            let invoice = account.invoices[0]
            return "\(invoice.state.rawValue) paid \(invoice.paid.minorUnits) refunded \(invoice.refunded.minorUnits) "
                + "back \(invoice.chargedBack.minorUnits) credit \(account.credit.minorUnits)"
        }
    }

    var attempts: [String] {
        get async throws {
            try await account.attempts.map { "\($0.number) \($0.outcome?.rawValue ?? "sent")" }
        }
    }

    var effects: [String] {
        get async throws {
            try await fixture.pool.query("SELECT state FROM queue.effects WHERE name = 'charge' ORDER BY id")
                .decode(String.self)
        }
    }
}
