import Dispatch
import HTTPClient
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(15))) struct SMTPClientTests {
    /// What a scripted server answers at each step; nil closes the connection there, "" hangs.
    struct Script: Sendable {
        var greeting: String? = "220 hello"
        var hello: String? = "250 me"
        var sender: String? = "250 2.1.0 ok"
        var recipient: String? = "250 2.1.5 ok"
        var data: String? = "354 go on"
        var text: String? = "250 2.0.0 queued as 1A2B"

        var hangs: Bool { [greeting, hello, sender, recipient, data, text].contains("") }
    }

    private static let message = SMTPMessage(
        envelopeFrom: "billing@seller.example", recipient: "books@customer.example",
        data: Array(".leading dot\r\nSubject: x\r\n\r\n.\r\n..two\r\n".utf8))

    /// Sends the message to a server that follows the script; the answer is the outcome and what the server read.
    private func exchange(_ script: Script, timeout: Duration? = nil) async -> (SMTPOutcome, [String]) {
        let heard = Mutex([String]())
        let server = LoopbackListener { connection, _ in
            var steps = [script.greeting, script.hello, script.sender, script.recipient, script.data, script.text]
            while !steps.isEmpty {
                guard let reply = steps.removeFirst() else { return }
                if reply.isEmpty { return connection.awaitClose() }
                connection.write(reply + "\r\n")
                let line = connection.read(until: steps.count == 1 ? "\r\n.\r\n" : "\r\n")
                if line == "QUIT\r\n" { return connection.write("221 bye\r\n") }
                heard.withLock { $0.append(line) }
            }
        }
        var settings = SMTPClient.Settings()
        settings.totalTimeout = timeout ?? (script.hangs ? .milliseconds(300) : .seconds(20))
        settings.helloName = "app.seller.example"
        let outcome = await SMTPClient(settings).send(
            Self.message, server: SMTPServer(host: "127.0.0.1", port: server.port, security: .none))
        return (outcome, heard.withLock { $0 })
    }

    @Test func `an accepted message keeps its dots and the server's reply`() async {
        let (outcome, heard) = await exchange(Script())
        #expect(outcome == .accepted(reply: "250 2.0.0 queued as 1A2B"))
        #expect(heard.first == "EHLO app.seller.example\r\n")
        #expect(heard.dropFirst().first?.hasPrefix("MAIL FROM:<billing@seller.example>") == true)
        #expect(heard.dropFirst(2).first == "RCPT TO:<books@customer.example>\r\n")
        #expect(heard.dropFirst(4).first == "..leading dot\r\nSubject: x\r\n\r\n..\r\n...two\r\n.\r\n")
    }

    @Test(arguments: [
        (Script(recipient: "451 4.7.1 later"), SMTPOutcome.refusedTemporarily(code: 451, text: "451 4.7.1 later")),
        (Script(recipient: "550 5.1.1 nobody"), .refusedPermanently(code: 550, text: "550 5.1.1 nobody")),
        (Script(sender: "552 too big"), .refusedPermanently(code: 552, text: "552 too big")),
        (Script(data: "421 closing"), .refusedTemporarily(code: 421, text: "421 closing")),
        (Script(text: "452 4.3.1 full"), .refusedTemporarily(code: 452, text: "452 4.3.1 full")),
        (Script(text: "554 5.7.1 spam"), .refusedPermanently(code: 554, text: "554 5.7.1 spam")),
    ])
    func `a refusal carries the server's own code at whatever step it comes`(
        script: Script, expected: SMTPOutcome
    ) async {
        #expect(await exchange(script).0 == expected)
    }

    /// The script's server waits for the text's end and never answers QUIT, for which libcurl would wait two minutes.
    /// The measure is another transfer, given up after half a minute.
    @Test func `a refusal does not wait for a server that ignores QUIT`() async {
        let isGivenUp = Mutex(false)
        let slow = Task {
            _ = await exchange(Script(text: ""), timeout: .seconds(30))
            isGivenUp.withLock { $0 = true }
        }
        let (outcome, _) = await exchange(Script(data: "451 busy"))
        #expect(outcome == .refusedTemporarily(code: 451, text: "451 busy"))
        #expect(!isGivenUp.withLock { $0 })
        slow.cancel()
        await slow.value
    }

    @Test(arguments: [Script(text: nil), Script(text: "")])
    func `silence after the text is unknown`(script: Script) async {
        let (outcome, _) = await exchange(script)
        guard case .unknown = outcome else {
            Issue.record("expected unknown, got \(outcome)")
            return
        }
    }

    /// libcurl sends the closing dot for whoever removes a mail halfway, and the server would deliver the half.
    @Test func `a mail that is cancelled halfway never looks whole to its server`() async {
        let (begun, begin) = AsyncStream.makeStream(of: Void.self)
        let (texts, tell) = AsyncStream.makeStream(of: [UInt8].self)
        let cancelled = DispatchSemaphore(value: 0)
        let server = LoopbackListener { connection, _ in
            connection.write("220 hello\r\n")
            for reply in ["250 me", "250 ok", "250 ok", "354 go on"] {
                connection.read(until: "\r\n")
                connection.write(reply + "\r\n")
            }
            connection.read(until: "\r\n")
            begin.yield()
            // The text is too long for the sockets' buffers: it is halfway until somebody reads on.
            _ = cancelled.wait(timeout: .now() + 5)
            tell.yield(connection.readAll())
        }
        let line = String(repeating: "x", count: 998) + "\r\n"
        let message = SMTPMessage(
            envelopeFrom: "a@b.example", recipient: "c@d.example",
            data: Array(String(repeating: line, count: 20_000).utf8))
        let address = SMTPServer(host: "127.0.0.1", port: server.port, security: .none)
        let sending = Task { await SMTPClient().send(message, server: address) }
        for await _ in begun { break }
        sending.cancel()
        let outcome = await sending.value
        cancelled.signal()
        guard case .unknown = outcome else {
            Issue.record("expected unknown, got \(outcome)")
            return
        }
        for await text in texts {
            #expect(!text.suffix(16).contains(UInt8(ascii: ".")))
            break
        }
    }

    @Test(arguments: [
        Script(greeting: "554 go away"), Script(greeting: nil), Script(hello: nil), Script(sender: nil),
        Script(recipient: nil), Script(data: nil), Script(data: ""), Script(recipient: ""),
    ])
    func `an end before the text is certainly not sent`(script: Script) async {
        let (outcome, _) = await exchange(script)
        guard case .notSent = outcome else {
            Issue.record("expected notSent, got \(outcome)")
            return
        }
    }

    @Test(arguments: [
        ("a@b.example\r\nRCPT TO:<c@d.example>", "x\r\n"), ("no-at-sign", "x\r\n"),
        ("a@b.example", "bare\nnewline\r\n"),
        ("a@b.example", "bare\rreturn\r\n"), ("a@b.example", "no end"), ("a@b.example", ""),
        ("a@b.example", String(repeating: "x", count: 999) + "\r\n"), ("a b@c.example", "x\r\n"),
    ])
    func `what could break out of its line is not sent`(recipient: String, data: String) async {
        let message = SMTPMessage(envelopeFrom: "", recipient: recipient, data: Array(data.utf8))
        let server = SMTPServer(host: "127.0.0.1", port: LoopbackListener.closedPort(), security: .none)
        let outcome = await SMTPClient().send(message, server: server)
        guard case .notSent(let reason) = outcome else {
            Issue.record("expected notSent, got \(outcome)")
            return
        }
        #expect(!reason.contains("connect"))
    }

    @Test func `without TLS only loopback is spoken to`() async {
        let server = SMTPServer(host: "mail.seller.example", port: 25, security: .none)
        let outcome = await SMTPClient().send(Self.message, server: server)
        #expect(outcome == .notSent(reason: "mail without TLS is allowed to loopback only, not to mail.seller.example"))
    }

    @Test func `a server without STARTTLS gets no mail when it is required`() async {
        let server = LoopbackListener { connection, _ in
            connection.write("220 hello\r\n")
            connection.read(until: "\r\n")
            connection.write("250 me\r\n")
            connection.awaitClose()
        }
        let outcome = await SMTPClient().send(
            Self.message, server: SMTPServer(host: "127.0.0.1", port: server.port, security: .startTLS))
        guard case .notSent = outcome else {
            Issue.record("expected notSent, got \(outcome)")
            return
        }
    }
}
