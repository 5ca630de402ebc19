internal import Glibc
internal import HTML
internal import HTTPServer
internal import HTTPTypes
internal import Synchronization

/// Where the sandbox is reached, for the addresses of its pages.
final class SandboxOrigin: Sendable {
    private let origin = Mutex("https://checkout.stripe.com")
    var text: String { origin.withLock { $0 } }
    func set(_ text: String) { origin.withLock { $0 = text } }
}

/// The pages that Stripe would show to a customer: one to choose a test card, one on which its bank asks. Nobody can type
/// a card's number on either.
struct StripeHostedPages: Sendable {
    private let service: StripeService

    init(_ service: StripeService) { self.service = service }

    func add(to router: inout Router, deliver: @escaping @Sendable ([StripeEvent]) -> Void) {
        router.on("GET", "/_hosted/checkout/{id}") { [self] _, path in
            let id = path["id"] ?? ""
            guard await service.isOpen(session: id) else { return Self.gone }
            return Self.page("Choose a test card", [chooser(id)])
        }
        router.on("POST", "/_hosted/checkout/{id}") { [self] request, path in
            guard let card = Self.field("card", of: request),
                let (address, events) = await service.complete(session: path["id"] ?? "", card: card)
            else { return Self.gone }
            deliver(events)
            return Self.redirect(address)
        }
        router.on("GET", "/_hosted/authenticate/{id}") { [self] _, path in
            let id = path["id"] ?? ""
            guard await service.returnAddress(ofIntent: id) != nil else { return Self.gone }
            return Self.page(
                "Your bank asks: is this payment yours?",
                [
                    form("/_hosted/authenticate/\(id)", "answer", "authenticate", "Yes, confirm it"),
                    form("/_hosted/authenticate/\(id)", "answer", "refuse", "No, refuse it"),
                ])
        }
        router.on("POST", "/_hosted/authenticate/{id}") { [self] request, path in
            let id = path["id"] ?? ""
            guard let back = await service.returnAddress(ofIntent: id),
                let answer = Self.field("answer", of: request).flatMap({ ["authenticate": true, "refuse": false][$0] }),
                let answered = await service.authenticate(
                    intent: id, succeeds: answer, request: StripeCall.newID("req"))
            else { return Self.gone }
            deliver(answered.events)
            return Self.redirect("\(back)\(back.contains("?") ? "&" : "?")payment_intent=\(id)")
        }
    }

    private func chooser(_ id: String) -> HTML {
        let choices = TestCard.names.map { name in
            HTML.element(
                "p", [],
                [
                    .element(
                        "label", [],
                        [.void("input", .type("radio"), .name("card"), .value(name)), HTML(" pm_card_\(name)")])
                ])
        }
        return .element(
            "form", [.method("post"), .action("/_hosted/checkout/\(id)")],
            choices + [.element("button", [.type("submit")], ["Use this card"])])
    }

    private func form(_ action: String, _ name: StaticString, _ value: String, _ label: String) -> HTML {
        .element(
            "form", [.method("post"), .action(action)],
            [
                .void("input", .type("hidden"), .name(name), .value(value)),
                .element("button", [.type("submit")], [HTML(label)]),
            ])
    }

    private static func field(_ name: String, of request: HTTPServerRequest) -> String? {
        String(validating: request.body, as: UTF8.self).flatMap(QueryItem.parse)?.first { $0.name == name }?.value
    }

    private static let gone = page("There is no such page any more", [], status: 404)

    private static func redirect(_ address: String) -> HTTPServerResponse {
        HTTPServerResponse(status: 303, headers: ["Location": address, "Cache-Control": "no-store"])
    }

    private static func page(_ title: String, _ content: [HTML], status: Int = 200) -> HTTPServerResponse {
        let text = HTML.document(
            language: "en",
            head: [
                .void("meta", .charset("utf-8")), .element("title", [], [HTML(title)]),
                .void("meta", .name("viewport"), .content("width=device-width")),
            ], body: [.h1(HTML(title)), .p(content: .small("Billwright's sandbox; no money moves."))] + content)
        return HTTPServerResponse(
            status: status, headers: ["Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store"],
            body: Array(text.utf8))
    }
}

extension StripeService {
    func isOpen(session id: String) -> Bool {
        guard let session = books.sessions[id] else { return false }
        return session.paymentMethod == nil
    }

    /// Where the customer goes, and what happened; `nil`: there is no such page any more.
    func complete(session id: String, card: String) -> (String, [StripeEvent])? {
        guard var call = pageCall(), let address = call.complete(id, card: card) else { return nil }
        do throws(StripeError) { try write(call.change) } catch { return nil }
        return (address, call.change.events)
    }

    /// `nil`: nobody is asked about that intent.
    func returnAddress(ofIntent id: String) -> String? {
        guard let intent = books.paymentIntents[id], intent.status == .requiresAction else { return nil }
        return intent.returnUrl
    }

    private func pageCall() -> StripeCall? {
        guard let form = try? StripeForm(.map([]), [:]) else { return nil }
        return StripeCall(
            form: form, path: [:], now: Int(time(nil)), request: StripeCall.newID("req"), idempotencyKey: nil,
            books: books)
    }
}
