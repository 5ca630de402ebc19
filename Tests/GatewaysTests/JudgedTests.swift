import BillingPorts
import Dates
import HTTPClient
import JSONText
import JobKit
import JudgeSupport
import Money
import Testing

@testable import Gateways

/// Against programs that we did not write.
@Suite(Judge.isHere, .timeLimit(.minutes(15))) struct JudgedTests {
    @Test func `every call has the parameters that Stripe's own library knows`() async throws {
        let script = StripeScript([
            .answer(200, #"{"id":"cus_1"}"#), .answer(200, #"{"id":"pm_1"}"#), .answer(200, #"{"id":"cus_1"}"#),
            .intent("succeeded"),
            .answer(200, #"{"data":[\#(PaymentIntent.text("pi_1", "succeeded"))],"has_more":true}"#),
        ])
        let gateway = try script.gateway()
        let key = IdempotencyKey("k")
        let customer = GatewayCustomer(name: "Jörg & Co", email: "j@customer.example", metadata: ["seller": "1"])
        _ = await gateway.createCustomer(customer, key: key)
        _ = await gateway.attach("pm_card_visa", toCustomer: "cus_1", key: key)
        _ = await gateway.charge(StripeChargeTests.request())
        _ = await gateway.findCharge(StripeChargeTests.request())
        #expect(script.heard.count == 6)
        let lines = script.heard.map { request in
            let target = request.url.dropFirst("http://127.0.0.1:9".count).split(separator: "?")
            let form = request.method == "GET" ? String(target[1]) : String(decoding: request.body, as: UTF8.self)
            return "\(request.method) \(target[0]) \(form)\n"
        }
        let faults = try await Judge.verdict(of: "stripe_params_judge.py", on: Array(lines.joined().utf8)).text
        #expect(faults == "\n")
    }

    @Test func `a stand-in of others is set up, charged once and asked`() async throws {
        let server = try await Judge.Server.start("localstripe_loopback.py")
        defer { server.stop() }
        let gateway = try StripeGateway(
            secretKey: "sk_test_12345", apiBase: "http://127.0.0.1:\(server.port)", minimalParameters: true,
            client: HTTPClient())
        let customer = GatewayCustomer(name: "Jörg & Co", email: "j@customer.example", metadata: ["seller": "1"])
        let made = await gateway.createCustomer(customer, key: IdempotencyKey("c"))
        let reference = try #require(made.reference, "\(made)")

        let attached = await gateway.attach("pm_card_visa", toCustomer: reference, key: IdempotencyKey("a"))
        let card = try #require(attached.reference, "\(attached)")
        #expect(card != "pm_card_visa")
        let good = Self.charge("attempt-1", of: reference, by: card)
        #expect(await gateway.findCharge(good) == .notFound)
        let outcome = await gateway.charge(good)
        guard case .succeeded(let intent) = outcome else {
            Issue.record("not charged: \(outcome)")
            return
        }
        #expect(await gateway.findCharge(good) == .found(.succeeded(reference: intent)))

        let failing = await gateway.attach(
            "pm_card_chargeCustomerFail", toCustomer: reference, key: IdempotencyKey("b"))
        let bad = Self.charge("attempt-2", of: reference, by: try #require(failing.reference, "\(failing)"))
        #expect(await gateway.charge(bad) == .declined(code: "card_declined", advice: nil, reference: nil))
        guard case .found(.declined("card_declined", nil, .some)) = await gateway.findCharge(bad) else {
            Issue.record("the declined charge is not found as such")
            return
        }

        let declined = await gateway.attach(
            "pm_card_visa_chargeDeclined", toCustomer: reference, key: IdempotencyKey("d"))
        guard case .refused("card_declined", _) = declined else {
            Issue.record("attached: \(declined)")
            return
        }
    }

    private static func charge(_ attempt: String, of customer: String, by card: String) -> ChargeRequest {
        ChargeRequest(
            key: IdempotencyKey(attempt), amount: Money(minorUnits: 29_900, .usd), customer: customer,
            paymentMethod: card, attempt: attempt, invoice: "INV-1",
            announcedAt: Instant(microseconds: 1_700_000_000_000_000))
    }

    @Test func `a parser of others reads the mail we meant`() async throws {
        let subject = "Beleg über 29,95 € für \(String(repeating: "Wörter ", count: 20))Ende"
        let text = "From the start.\n.dot\n\(String(repeating: "lang ", count: 40))\nbreit \u{1F4B6}\n"
        let message = MIMEMessageTests.message(subject: subject, text: text, html: "<p class=\"x\">€ = 1</p>")
        let seen = try await Judge.verdict(
            of: "mail_judge.py", on: try MIMEMessage(message, from: MIMEMessageTests.sender).bytes
        ).text
        let lines = text.split(separator: "\n").map { "\"\($0)\"" }.joined(separator: ",")
        #expect(
            seen == """
                {"date":"2026-11-21T09:00:00+00:00","defects":[],\
                "from":[["Acme, Billing","billing@seller.example"]],\
                "headers":["Auto-Submitted","Content-Type","Date","From","MIME-Version","Message-ID","Subject","To"],\
                "id":"<receipt-7@seller.example>","longest":76,\
                "parts":[["text/plain",[\(lines)]],["text/html",["<p class=\\"x\\">€ = 1</p>"]]],\
                "subject":"\(subject)","to":[["Jörg Ämter","books@customer.example"]]}

                """)
    }

    @Test func `a mail server of others takes the mail byte for byte and its refusals come back`() async throws {
        let server = try await Judge.Server.start("smtp_sink.py")
        defer { server.stop() }
        let mailer = SMTPMailer(
            server: SMTPServer(host: "127.0.0.1", port: server.port, security: .none), client: SMTPClient(),
            sender: MIMEMessageTests.sender, bouncesTo: "bounces@seller.example")

        let message = MIMEMessageTests.message(text: ".dot\nend")
        #expect(await mailer.send(message) == .accepted(reply: "250 2.0.0 queued as 1A2B"))
        let mail = try JSONNode(parsing: Array(try await server.line().utf8)).array()
        #expect(try mail[0].string() == "bounces@seller.example")
        #expect(try mail[1].array().map { try $0.string() } == ["books@customer.example"])
        #expect(try mail[2].string() == MIMEMessageTests.text(message))

        let bounced = await mailer.send(MIMEMessageTests.message(to: "bounce550@customer.example"))
        #expect(bounced == .refused(code: 550, reply: "550 5.1.1 No such user"))
        let greylisted = await mailer.send(MIMEMessageTests.message(to: "grey451@customer.example"))
        #expect(greylisted == .refusedForNow(code: 451, reply: "451 4.7.1 Greylisted, try later"))
        let injected = await mailer.send(MIMEMessageTests.message(subject: "x\nBcc: y"))
        #expect(injected == .refused(code: 554, reply: "a control character in the header Subject (not sent)"))
    }
}

extension SetupOutcome {
    fileprivate var reference: String? {
        guard case .done(let reference) = self else { return nil }
        return reference
    }
}
