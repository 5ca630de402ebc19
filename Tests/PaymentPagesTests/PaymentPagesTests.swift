import Accounts
import Billing
import BillingPorts
import BillingSupport
import BooksStore
import Dates
import Foundation
import Gateways
import HTTPClient
import HTTPServer
import HTTPTypes
import InvoicePages
import JobKit
import JudgeSupport
import Mails
import Observability
import PayLinks
import PaymentMethods
import PaymentPages
import PaymentRetries
import Postgres
import Sandboxes
import TestSupport
import Testing

/// A customer's browser before the page of an invoice: our web, the real gateway's client, and the sandbox behind it.
private struct Shop {
    let fixture: BillingFixture
    let seller: SampleSeller
    let links: PayLinks
    let service: HTTPServer
    let gateway: StripeGateway
    let client: HTTPClient
    let base: String

    static func with(
        token: String?, netDays: Int = 0, seller code: String = "sample", _ body: (Shop) async throws -> Void
    ) async throws {
        let folder = try TemporaryFolder()
        try await BillingFixture.with { fixture in
            let sandbox = try StripeSandbox(StripeSandbox.Settings(journal: folder.path("stripe.jsonl")))
            let client = HTTPClient()
            let gateway = try StripeGateway(
                secretKey: "sk_test_1", apiBase: "http://127.0.0.1:\(sandbox.port)", client: client)
            let seller = try await fixture.load([SampleCustomer(token: token)], seller: code, netDays: netDays)
            let keys = try #require(LinkKeys(String(repeating: "k", count: 32)))
            let configuration = try await TestDatabase.current.configuration(as: "billwright_web")
            let pool = PostgresPool(configuration, size: 2)
            let links = PayLinks(keys: keys, base: "http://127.0.0.1")
            let clock = fixture.start
            var router = Router()
            InvoicePageService(
                links: links, books: WebBooks(pool, BooksContext(zones: fixture.zones)), templates: .shipped,
                log: Log(component: "test", threshold: .error, style: .text), now: { clock }
            ).add(to: &router)
            let routes = router
            let service = try HTTPServer { request in await routes.respond(to: request) }
            let shop = Shop(
                fixture: fixture, seller: seller, links: links, service: service, gateway: gateway, client: client,
                base: "http://127.0.0.1:\(service.port)")
            do { try await body(shop) } catch {
                await service.stop()
                await sandbox.stop()
                await pool.close()
                throw error
            }
            await service.stop()
            await sandbox.stop()
            await pool.close()
        }
    }

    /// The path of the invoice's page, by the link of a mail of an hour ago: a customer comes back by another.
    func path(at instant: Instant? = nil, invoice: Int = 0) -> String {
        let link = links.link(
            seller.customer(), invoice: invoice, at: instant ?? fixture.start + .seconds(-3600))
        return String(link.dropFirst("http://127.0.0.1".count))
    }

    func get(_ path: String) async throws -> (status: Int, headers: HTTPFields, text: String) {
        try await send(HTTPRequest(url: path.hasPrefix("http") ? path : base + path))
    }

    func post(
        _ path: String, _ items: [(String, String)], site: String = "same-origin"
    ) async throws -> (status: Int, headers: HTTPFields, text: String) {
        let body = items.map { "\(PercentEncoding.encode($0.0))=\(PercentEncoding.encode($0.1))" }.joined(
            separator: "&")
        return try await send(
            HTTPRequest(
                method: "POST", url: path.hasPrefix("http") ? path : base + path,
                headers: ["Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": site],
                body: Array(body.utf8)))
    }

    private func send(_ request: HTTPRequest) async throws -> (status: Int, headers: HTTPFields, text: String) {
        let response = try await client.send(request)
        return (response.status, response.headers, String(decoding: response.body, as: UTF8.self))
    }

    /// Runs what comes due within `seconds`.
    @discardableResult
    func work(for seconds: Int = 60) async throws -> [String] {
        try await fixture.drain(from: fixture.start, until: fixture.start + .seconds(seconds)) {
            OpenPaymentPageHandler(gateway: gateway) { [links] customer, invoice, key, at in
                "\(links.link(customer, invoice: invoice, at: at))/return?page=\(key)"
            }
            FinishPaymentPageHandler(gateway: gateway)
            RegisterPaymentMethodHandler(gateway: gateway)
            CollectPaymentsHandler(gateway: gateway)
        }.endings
    }

    /// Presses the button for a wish and returns the path that the browser is sent to.
    func press(_ wish: PaymentWish, times: Int = 1) async throws -> String {
        let page = try await get(path()).text
        let key = try #require(page.between("name=\"key\" value=\"", "\""))
        #expect(page.contains("value=\"\(wish.rawValue)\""))
        var next = ""
        for _ in 0..<times {
            let answer = try await post(path(), [("key", key), ("wish", wish.rawValue)])
            #expect(answer.status == 303)
            next = answer.headers["Location"] ?? ""
        }
        #expect(try await get(next).text.contains("One moment"))
        return next
    }

    /// Where the page leads that takes a customer to the gateway.
    func gatewayPage(_ path: String) async throws -> String {
        try #require(try await get(path).text.between("class=\"go\" href=\"", "\""))
    }

    /// Sends a form on the gateway's page and follows it back to ours.
    func answer(_ address: String, _ name: String, _ value: String) async throws {
        let answered = try await post(address, [(name, value)])
        #expect(answered.status == 303)
        let back = try #require(answered.headers["Location"])
        #expect(try await get(String(back.dropFirst("http://127.0.0.1".count))).status == 200)
    }

    var attempts: [String] {
        get async throws {
            try await fixture.query(
                "SELECT coalesce(outcome, '-') FROM books.payment_attempts ORDER BY ordinal", of: seller.id
            )
            .decode(String.self)
        }
    }
}

extension String {
    fileprivate func between(_ before: String, _ after: String) -> String? {
        guard let start = range(of: before), let end = self[start.upperBound...].range(of: after) else { return nil }
        return String(self[start.upperBound..<end.lowerBound]).replacing("&amp;", with: "&")
    }
}

@Suite(.database(migrations: BillingFixture.migrations), .timeLimit(.minutes(15)))
struct PaymentPagesTests {
    @Test func `a link shows its invoice, and how it can be paid`() async throws {
        try await Shop.with(token: nil, netDays: 14) { shop in
            try await shop.fixture.bill(shop.seller)
            let page = try await shop.get(shop.path())
            #expect(page.status == 200)
            for text in [
                "Invoice ACME-0001", "acme Ltd", "1 March 2026", "118.00 USD", "Pay by card", "base", "seats × 3",
            ] {
                #expect(page.text.contains(text), "\(text)")
            }
            #expect(page.headers["Content-Security-Policy"]?.contains("default-src 'none'") == true)
            #expect(page.headers["Cache-Control"] == "no-store" && page.headers["Referrer-Policy"] == "no-referrer")
            #expect(!page.text.contains("<script") && !page.text.contains("style=\""))
            #expect(try await shop.get("/pay/style.css").headers["Content-Type"] == "text/css; charset=utf-8")
        }
    }

    @Test func `a link that does not hold says why and shows nothing`() async throws {
        try await Shop.with(token: nil) { shop in
            try await shop.fixture.bill(shop.seller)
            let whole = shop.path()
            let tampered = try await shop.get(String(whole.dropLast()) + (whole.hasSuffix("A") ? "B" : "A"))
            #expect(
                tampered.status == 404 && tampered.text.contains("does not work") && !tampered.text.contains("ACME"))
            let unknown = try await shop.get(shop.path(invoice: 99))
            #expect(unknown.status == 404 && unknown.text == tampered.text)
            let expired = try await shop.get(shop.path(at: shop.fixture.start + .seconds(-86_400 * 60)))
            #expect(expired.status == 410 && expired.text.contains("expired") && !expired.text.contains("ACME"))
            #expect(try await shop.post(shop.path(at: shop.fixture.start + .seconds(-86_400 * 60)), []).status == 410)
            try await shop.fixture.perform(.pay(invoice: 1, amount: nil), for: shop.seller.customer())
            let paid = try await shop.get(whole)
            #expect(paid.status == 410 && paid.text.contains("This invoice is paid") && !paid.text.contains("ACME"))
        }
    }

    @Test func `who gives a card on the gateway's page has paid once, however often the button is pressed`()
        async throws
    {
        try await Shop.with(token: nil, netDays: 14) { shop in
            try await shop.fixture.bill(shop.seller)
            let next = try await shop.press(.card, times: 3)
            try await shop.work()
            try await shop.answer(try await shop.gatewayPage(next), "card", "visa")
            #expect(try await shop.get(next).status == 200)
            try await shop.work()
            #expect(try await shop.attempts == ["success"])
            #expect(try await shop.fixture.invoices(of: shop.seller.id) == ["ACME-0001 paid 11800 2026-03-01"])
            #expect(try await shop.get(shop.path()).status == 410)
            #expect(try await shop.fixture.states(of: OpenPaymentPage.kind) == ["completed"])
        }
    }

    @Test func `a card that is declined leaves the invoice to be paid otherwise`() async throws {
        try await Shop.with(token: nil) { shop in
            try await shop.fixture.bill(shop.seller)
            let next = try await shop.press(.card)
            try await shop.work()
            try await shop.answer(try await shop.gatewayPage(next), "card", "visa_chargeDeclined")
            try await shop.work()
            #expect(try await shop.attempts == ["card_declined"])
            let page = try await shop.get(next)
            #expect(
                page.status == 200 && page.text.contains("did not go through") && page.text.contains("another card"))
            _ = try await shop.press(.charge)
            try await shop.work()
            #expect(try await shop.attempts == ["card_declined", "card_declined"])
        }
    }

    @Test func `a customer answers the bank on its page, and the invoice is paid`() async throws {
        try await Shop.with(token: "pm_card_authenticationRequired") { shop in
            try await shop.fixture.bill(shop.seller)
            try await shop.work()
            #expect(try await shop.attempts == ["requires_action"])
            let next = try await shop.press(.confirm)
            try await shop.work(for: 60)
            #expect(try await shop.attempts == ["requires_action", "processing"])
            try await shop.answer(try await shop.gatewayPage(next), "answer", "authenticate")
            try await shop.work()
            #expect(try await shop.attempts == ["requires_action", "success"])
            #expect(try await shop.get(next).status == 410)
        }
    }

    @Test(arguments: ["refuse", "nothing"])
    func `who refuses, or does not answer for a quarter of an hour, has not paid`(answer: String) async throws {
        try await Shop.with(token: "pm_card_authenticationRequired") { shop in
            try await shop.fixture.bill(shop.seller)
            try await shop.work()
            let next = try await shop.press(.confirm)
            try await shop.work()
            let address = try await shop.gatewayPage(next)
            if answer == "refuse" { try await shop.answer(address, "answer", "refuse") }
            try await shop.work(for: 1000)
            let attempts = try await shop.attempts
            #expect(attempts.count == 2 && attempts.last != "success" && attempts.last != "processing")
            // The page at the gateway is gone: nothing can be paid twice by it.
            #expect(try await shop.get(address).status == 404)
            #expect(try await shop.get(shop.path()).text.contains("ACME-0001"))
        }
    }

    @Test func `forms of other sites and of other pages do nothing`() async throws {
        try await Shop.with(token: nil) { shop in
            try await shop.fixture.bill(shop.seller)
            let key = try #require(try await shop.get(shop.path()).text.between("name=\"key\" value=\"", "\""))
            let wish = ("wish", "card")
            #expect(try await shop.post(shop.path(), [("key", key), wish], site: "cross-site").status == 400)
            #expect(try await shop.post(shop.path(), [("key", "x" + key), wish]).status == 400)
            #expect(try await shop.post(shop.path(), [wish]).status == 400)
            #expect(try await shop.post(shop.path(), [("key", key), ("wish", "everything")]).status == 400)
            let others = try shop.links.nonce(for: shop.seller.customer(), invoice: 1)
            #expect(try await shop.post(shop.path(), [("key", others), wish]).status == 400)
            #expect(try await shop.fixture.states(of: OpenPaymentPage.kind).isEmpty)
        }
    }

    @Test func `who asks too often is told to wait`() async throws {
        try await Shop.with(token: nil) { shop in
            try await shop.fixture.bill(shop.seller)
            var statuses: [Int] = []
            for _ in 0..<25 { statuses.append(try await shop.post(shop.path(), []).status) }
            #expect(statuses.contains(400) && statuses.contains(429))
        }
    }
}
