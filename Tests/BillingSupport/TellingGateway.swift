public import BillingPorts
internal import BooksStore
public import Dates
internal import Postgres
internal import Synchronization
internal import TestSupport

/// A gateway in memory that tells by itself: what it holds is the truth, whatever the events say that came of it.
public final class TellingGateway: GatewayNews {
    private struct State {
        var notices: [GatewayNotice] = []
        var payments: [String: GatewayPayment] = [:]
        var refunds: [String: [GatewayRefund]] = [:]
        var disputes: [String: [GatewayDispute]] = [:]
        var owners: [String: String] = [:]
        var customers: Set<String> = []
        var calls: [String] = []
        var failures = 0
        /// The list of events, the newest first, and how many make a page.
        var events: [GatewayEventArrival] = []
    }

    private let state = Mutex(State())

    public init() {}

    /// The body of an event that says so.
    public func event(_ notice: GatewayNotice) -> [UInt8] {
        state.withLock { state in
            state.notices.append(notice)
            return Array("\(state.notices.count - 1)".utf8)
        }
    }

    public func hold(_ payment: GatewayPayment) { state.withLock { $0.payments[payment.reference] = payment } }
    public func hold(_ refunds: GatewayRefund..., of payment: String) {
        state.withLock { $0.refunds[payment] = refunds }
    }
    public func hold(_ disputes: GatewayDispute..., about payment: String) {
        state.withLock { $0.disputes[payment] = disputes }
    }
    public func own(_ method: String, by customer: String) { state.withLock { $0.owners[method] = customer } }
    /// What the list of events holds, the newest first.
    public func list(_ events: [GatewayEventArrival]) { state.withLock { $0.events = events } }
    /// The next questions are not answered.
    public func fail(_ times: Int) { state.withLock { $0.failures = times } }
    public var calls: [String] { state.withLock(\.calls) }

    public func notice(in body: [UInt8]) throws(GatewayEventFault) -> GatewayNotice {
        let notices = state.withLock(\.notices)
        guard let place = Int(String(decoding: body, as: UTF8.self)), notices.indices.contains(place) else {
            throw GatewayEventFault("gibberish")
        }
        return notices[place]
    }

    private func look<Found: Sendable & Hashable>(_ call: String, _ find: (State) -> Found?) -> GatewayLookup<Found> {
        state.withLock { state in
            state.calls.append(call)
            if state.failures > 0 {
                state.failures -= 1
                return .unavailable(reason: "away")
            }
            return find(state).map { .found($0) } ?? .gone
        }
    }

    public func payment(_ reference: String) async -> GatewayLookup<GatewayPayment> {
        look("payment") { $0.payments[reference] }
    }
    public func refunds(of payment: String) async -> GatewayLookup<[GatewayRefund]> {
        look("refunds") { $0.refunds[payment, default: []] }
    }
    public func disputes(about payment: String) async -> GatewayLookup<[GatewayDispute]> {
        look("disputes") { $0.disputes[payment, default: []] }
    }
    public func events(since: Instant, after last: String?) async -> GatewayLookup<GatewayEventPage> {
        look("events") { state in
            let since = state.events.filter { $0.madeAt >= since }
            let rest = last.map { last in since.drop { $0.reference != last }.dropFirst() } ?? since[...]
            return GatewayEventPage(events: Array(rest.prefix(2)), isLast: rest.count <= 2)
        }
    }
    public func owner(ofMethod reference: String) async -> GatewayLookup<String> {
        look("owner") { $0.owners[reference] }
    }
    public func customer(_ reference: String) async -> GatewayLookup<String> {
        look("customer") { $0.customers.contains(reference) ? reference : nil }
    }
}

extension BillingFixture {
    /// Stores an event as the web process does, by its role. False: it was there already.
    @discardableResult
    public func receive(_ reference: String, _ body: [UInt8]) async throws -> Bool {
        let web = PostgresPool(try await TestDatabase.current.configuration(as: "billwright_web"), size: 1)
        let isNew = try await GatewayInbox(web).take(arrival(reference, body), deadline: .now + .seconds(30))
        await web.close()
        return isNew
    }

    public func arrival(_ reference: String, _ body: [UInt8], at instant: Instant? = nil) -> GatewayEventArrival {
        GatewayEventArrival(
            gateway: "stripe", reference: reference, type: "test", isLive: false, madeAt: instant ?? start, body: body,
            isActedOn: true)
    }

    /// What became of the events, oldest first: `done`, `ignored the books know`.
    public var gatewayEvents: [String] {
        get async throws {
            try await pool.query(
                "SELECT trim(concat_ws(' ', state, note)) FROM books.gateway_events ORDER BY id"
            ).decode(String.self)
        }
    }
}
