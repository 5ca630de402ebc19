import HTTPClient
import JudgeSupport
import Testing

/// Against a mail server that we did not write, with TLS and a login.
@Suite(Judge.isHere, .timeLimit(.minutes(15))) struct SMTPJudgeTests {
    private let folder: TemporaryFolder
    private let sink: Judge.Server

    init() async throws {
        folder = try TemporaryFolder()
        sink = try await Judge.Server.start("smtp_auth_sink.py", folder.path(""))
    }

    private func server(_ change: (inout SMTPServer) -> Void = { _ in }) -> SMTPServer {
        var server = SMTPServer(
            host: "localhost", port: sink.port, security: .startTLS,
            login: SMTPServer.Login(user: "user", password: "pass word"), certificateAuthorities: folder.path("ca.pem"))
        change(&server)
        return server
    }

    private func send(_ server: SMTPServer) async -> SMTPOutcome {
        let text = ".dot\r\nSubject: x\r\n\r\n.\r\n..\r\nend\r\n"
        let message = SMTPMessage(
            envelopeFrom: "billing@seller.example", recipient: "books@customer.example", data: Array(text.utf8))
        return await SMTPClient().send(message, server: server)
    }

    @Test func `mail goes out over TLS with a login, byte for byte`() async throws {
        defer { sink.stop() }
        #expect(await send(server()) == .accepted(reply: "250 2.0.0 queued as 3C4D"))
        #expect(
            try await sink.line()
                == #"{"from": "billing@seller.example", "to": ["books@customer.example"], "tls": true, "#
                + #""login": "user", "hello": "localhost", "#
                + #""text": ".dot\r\nSubject: x\r\n\r\n.\r\n..\r\nend\r\n"}"#)
    }

    @Test func `what is wrong with us is no verdict on the recipient`() async {
        defer { sink.stop() }
        let servers = [
            server { $0.login?.password = "wrong" }, server { $0.certificateAuthorities = nil },
            // The certificate names localhost only.
            server { $0.host = "127.0.0.1" }, server { $0.security = .none },
        ]
        for server in servers {
            let outcome = await send(server)
            guard case .notSent = outcome else {
                Issue.record("\(server) gave \(outcome)")
                continue
            }
        }
    }
}
