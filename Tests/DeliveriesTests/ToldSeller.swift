import Accounts
import Billing
import BillingPorts
import BillingSupport
import BooksStore
import Dates
import Deliveries
import JobKit
import PaymentRetries
import Postgres
import QueueStore
import Synchronization
import Testing

/// A seller with an endpoint, whose books are played; and an endpoint in memory that answers as it is told.
struct ToldSeller: Sendable {
    let fixture: BillingFixture
    let seller: SampleSeller
    let post = AnsweringPost()
    let desk: EndpointDesk
    let endpoint: Int64

    var customer: CustomerKey { seller.customer() }

    static func with(types: [String] = ["*"], _ body: (ToldSeller) async throws -> Void) async throws {
        try await BillingFixture.with { fixture in
            let seller = try await fixture.load([SampleCustomer()])
            let desk = fixture.endpoints(of: seller.id)
            let endpoint = try await desk.add(
                "https://seller.example/hooks", types: types, secret: "whsec_old", by: "ann", because: "to be told")
            try await body(ToldSeller(fixture: fixture, seller: seller, desk: desk, endpoint: endpoint))
            try await fixture.expectBalancedBooks(of: seller.id)
        }
    }

    /// Delivers what comes due until then. How each attempt ended.
    @discardableResult
    func deliver(for span: Duration = .zero, by other: (any EventPost)? = nil) async throws -> [String] {
        try await fixture.drain(from: fixture.start, until: fixture.start + span) {
            DeliverEventHandler(post: other ?? post)
        }.endings
    }

    /// `invoice.paid delivered`, oldest first.
    var deliveries: [String] {
        get async throws {
            let (_, deliveries, _) = try #require(try await desk.find(endpoint, limit: 100))
            return deliveries.reversed().map { "\($0.type) \($0.state)" }
        }
    }

    var types: [String] {
        get async throws { try await deliveries.map { String($0.prefix { $0 != " " }) } }
    }

    /// Charges the open invoice as the gateway is told to.
    func charge(_ answer: CountingGateway.Answer = .succeeds) async throws {
        let gateway = CountingGateway()
        try await fixture.registerMethods(of: seller, at: gateway)
        gateway.script(answer)
        try await fixture.enqueue(CollectPayments(customer: customer))
        try await fixture.drain(from: fixture.start) { CollectPaymentsHandler(gateway: gateway) }
    }
}

extension BillingFixture {
    func endpoints(of seller: Seller.ID, at now: Instant? = nil) -> EndpointDesk {
        EndpointDesk(booksStore, pool, of: seller, now: now ?? start)
    }
}

/// An endpoint in memory.
final class AnsweringPost: EventPost {
    struct Delivery: Sendable {
        let body: String
        let secrets: [String]
    }

    private struct State {
        var status: Int? = 200
        var deliveries: [Delivery] = []
    }

    private let state = Mutex(State())
    private let survives: @Sendable (String) -> Bool

    init(surviving survives: @escaping @Sendable (String) -> Bool = { _ in true }) { self.survives = survives }

    /// What it answers from now on; nil: nothing.
    func answer(_ status: Int?) { state.withLock { $0.status = status } }
    var deliveries: [Delivery] { state.withLock(\.deliveries) }

    func post(_ body: [UInt8], to url: String, signedBy secrets: [String], now: Int64) async -> DeliveryAnswer {
        guard survives("before post") else { return DeliveryAnswer(status: nil, error: "dead") }
        let status = state.withLock { state in
            state.deliveries.append(Delivery(body: String(decoding: body, as: UTF8.self), secrets: secrets))
            return state.status
        }
        guard survives("before the answer to post") else { return DeliveryAnswer(status: nil, error: "dead") }
        guard let status else { return DeliveryAnswer(status: nil, error: "timed out") }
        return DeliveryAnswer(status: status, error: (200..<300).contains(status) ? nil : "answered \(status)")
    }
}
