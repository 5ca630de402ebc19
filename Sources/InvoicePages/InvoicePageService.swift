internal import Accounts
internal import BillingPorts
public import BooksStore
public import Dates
internal import HTML
public import HTTPServer
internal import HTTPTypes
public import Mails
internal import Money
public import Observability
public import PayLinks

/// The page of one invoice, for whoever holds its link: it shows that invoice and nothing else, and has it paid by jobs.
///
/// A link that is none of ours is answered as any unknown path; one that was, says why it no longer is. Nothing is charged
/// here: a form enqueues a wish, once however often it is sent.
public struct InvoicePageService: Sendable {
    private let links: PayLinks
    private let books: WebBooks
    private let templates: MailTemplates
    private let now: @Sendable () -> Instant
    private let log: Log
    private let looks = RateLimit(perMinute: 120)
    private let wishes = RateLimit(perMinute: 10)
    private let guesses = RateLimit(perMinute: 600)

    public init(
        links: PayLinks, books: WebBooks, templates: MailTemplates, log: Log, now: @escaping @Sendable () -> Instant
    ) {
        self.links = links
        self.books = books
        self.templates = templates
        self.log = log
        self.now = now
    }

    /// `GET` and `POST /pay/TOKEN`, `GET /pay/TOKEN/return`, `GET /pay/style.css`.
    public func add(to router: inout Router) {
        router.on("GET", "/pay/style.css") { _, _ in
            HTTPServerResponse(
                status: 200,
                headers: ["Content-Type": "text/css; charset=utf-8", "X-Content-Type-Options": "nosniff"],
                body: Array(PageFrame.style.utf8))
        }
        router.on("GET", "/pay/{token}") { request, path in
            await answering(path, looks) { visit in try await show(visit, page: request.item("page")) }
        }
        router.on("POST", "/pay/{token}") { request, path in
            await answering(path, wishes) { visit in try await take(request, visit) }
        }
        router.on("GET", "/pay/{token}/return") { request, path in
            await answering(path, looks) { visit in try await comeBack(request.item("page") ?? "", visit) }
        }
    }

    /// Somebody with a link that holds.
    private struct Visit {
        let token: String
        let content: PayLinks.Content
        let invoice: PayableInvoice
        let facts: MailRecord.InvoiceFacts
        var address: String { "/pay/\(token)" }
    }

    private func answering(
        _ path: [String: String], _ limit: RateLimit, _ body: (Visit) async throws -> HTTPServerResponse
    ) async -> HTTPServerResponse {
        let token = path["token"] ?? ""
        let english = PageWords.of("en")
        // Who guesses is told the same whatever is wrong, and is slowed down together.
        guard let content = links.content(of: token) else {
            return guesses.admits("") ? message(404, english.unknown404) : message(429, english.tooMany429)
        }
        let name = PayLinks.name(of: token)
        guard limit.admits(name) else { return message(429, english.tooMany429) }
        do {
            guard let invoice = try await books.invoice(content.invoice, of: content.customer, at: now()),
                let facts = invoice.facts.invoice
            else { return message(404, english.unknown404) }
            let (language, _) = templates.format(invoice.facts.languages)
            let words = PageWords.of(language)
            // Before the expiry: what is paid is the better news.
            guard invoice.isOpen, facts.due.isPositive else {
                return message(410, facts.paid.isPositive ? words.paid410 : words.closed410, language)
            }
            guard now() < content.expiresAt else { return message(410, words.expired410, language) }
            return try await body(Visit(token: token, content: content, invoice: invoice, facts: facts))
        } catch {
            log.error("a payment page failed", ["link": name, "error": "\(error)"])
            return message(500, english.broken500)
        }
    }

    private func show(_ visit: Visit, page key: String?) async throws -> HTTPServerResponse {
        let (language, format) = templates.format(visit.invoice.facts.languages)
        let words = PageWords.of(language)
        let last = visit.invoice.lastAttempt
        var alert: String?
        if let key, isOurs(key, visit) {
            let page = try await books.paymentPage(key, of: visit.content.customer)
            switch page?.state {
            case nil, .asked: return waiting(visit, key, language)
            case .open:
                // Back from the gateway's page, and being seen to.
                if page?.method != nil { return waiting(visit, key, language) }
                if let address = page?.address { return leaving(to: address, visit, language) }
            case .failed: alert = words.failed
            case .done:
                guard let page else { break }
                let isTried = last.map { $0.at >= page.createdAt } ?? false
                if !isTried, now() - page.changedAt < Self.patience { return waiting(visit, key, language) }
                if isTried, last?.outcome == nil { return waiting(visit, key, language) }
            }
        }
        let isPending = last.map { $0.outcome?.isPending ?? true } ?? false
        if isPending { alert = words.underWay }
        if alert == nil, last?.outcome == .requiresAction { alert = words.needsConfirmation }
        if alert == nil, let outcome = last?.outcome, outcome != .success, outcome != .withdrawn {
            alert = words.declined
        }
        let content = InvoicePage(
            invoice: visit.invoice, facts: visit.facts, language: language, format: format, address: visit.address,
            nonce: isPending ? nil : try links.nonce(for: visit.content.customer, invoice: visit.content.invoice),
            alert: alert)
        return html(
            200, PageFrame.page("\(words.invoice) \(visit.invoice.facts.subject)", language: language, content.body))
    }

    private func isOurs(_ key: String, _ visit: Visit) -> Bool {
        links.isNonce(key, for: visit.content.customer, invoice: visit.content.invoice)
    }

    /// Until a charge that was asked for has begun; then the invoice is shown as it stands.
    private static let patience = Duration.seconds(60)

    private func take(_ request: HTTPServerRequest, _ visit: Visit) async throws -> HTTPServerResponse {
        let (language, _) = templates.format(visit.invoice.facts.languages)
        // Only forms of ours: other sites cannot know the key, and browsers say where a form comes from.
        let site = request.headers["Sec-Fetch-Site"] ?? "same-origin"
        guard site == "same-origin" || site == "none",
            let items = String(validating: request.body, as: UTF8.self).flatMap(QueryItem.parse),
            let key = items.first(where: { $0.name == "key" })?.value, isOurs(key, visit),
            let wish = items.first(where: { $0.name == "wish" }).flatMap({ PaymentWish(rawValue: $0.value) })
        else { return message(400, PageWords.of(language).failed, language, back: visit.address) }
        try await books.enqueue(
            OpenPaymentPage(
                customer: visit.content.customer, invoice: visit.content.invoice, wish: wish, key: key))
        log.info("a customer asks to pay", ["link": PayLinks.name(of: visit.token), "wish": wish.rawValue])
        return redirect(to: "\(visit.address)?page=\(key)")
    }

    private func comeBack(_ key: String, _ visit: Visit) async throws -> HTTPServerResponse {
        guard isOurs(key, visit),
            let page = try await books.paymentPage(key, of: visit.content.customer)
        else { return redirect(to: visit.address) }
        if page.state == .open {
            try await books.enqueue(FinishPaymentPage(customer: visit.content.customer, key: key))
        }
        let (language, _) = templates.format(visit.invoice.facts.languages)
        return waiting(visit, key, language, isBack: true)
    }
}

extension InvoicePageService {
    private func waiting(
        _ visit: Visit, _ key: String, _ language: String, isBack: Bool = false
    ) -> HTTPServerResponse {
        let words = PageWords.of(language)
        let body: [HTML] = [
            .p(.class("seller"), content: HTML(visit.invoice.facts.sellerName)), .h1(HTML(words.working)),
            .p(.role("status"), content: HTML(words.workingHint)),
            .p(content: .a(.href(visit.address), content: HTML(words.back))),
        ]
        let next = "\(visit.address)?page=\(key)"
        return html(
            200, PageFrame.page(words.working, language: language, refresh: (isBack ? 3 : 2, next), body))
    }

    /// By the page and not by a redirection: a browser holds those of a form's answer to our own `form-action`.
    private func leaving(to address: String, _ visit: Visit, _ language: String) -> HTTPServerResponse {
        let words = PageWords.of(language)
        let body: [HTML] = [
            .p(.class("seller"), content: HTML(visit.invoice.facts.sellerName)), .h1(HTML(words.open)),
            .p(content: .a(.class("go"), .href(address), content: HTML(words.openLink))),
            .p(content: .a(.href(visit.address), content: HTML(words.back))),
        ]
        return html(200, PageFrame.page(words.open, language: language, refresh: (1, address), body))
    }

    private func message(
        _ status: Int, _ text: String, _ language: String = "en", back: String? = nil
    ) -> HTTPServerResponse {
        let link = back.map { [HTML.p(content: .a(.href($0), content: HTML(PageWords.of(language).back)))] } ?? []
        var response = html(status, PageFrame.page(text, language: language, [.h1(HTML(text))] + link))
        if status == 429 { response.headers["Retry-After"] = "60" }
        return response
    }

    private func redirect(to address: String) -> HTTPServerResponse {
        var response = html(303, "")
        response.headers["Location"] = address
        return response
    }

    private func html(_ status: Int, _ text: String) -> HTTPServerResponse {
        HTTPServerResponse(
            status: status,
            headers: [
                "Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store",
                "Content-Security-Policy":
                    "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
                "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "X-Robots-Tag": "noindex",
            ], body: Array(text.utf8))
    }
}

extension HTTPServerRequest {
    fileprivate func item(_ name: String) -> String? { query?.first { $0.name == name }?.value }
}
