import Foundation
import HTTPClient
import JudgeSupport
import Sandboxes
import Testing

@Suite(.timeLimit(.minutes(15))) struct MailSandboxTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func sandbox(_ change: (inout MailSandbox.Settings) -> Void = { _ in }) throws -> MailSandbox {
        var settings = MailSandbox.Settings(folder: folder.path("mail"))
        change(&settings)
        return try MailSandbox(settings)
    }

    private func send(
        _ sandbox: MailSandbox, to recipient: String = "books@customer.example",
        _ text: String = "Subject: x\r\n\r\nx\r\n",
        by client: SMTPClient = SMTPClient()
    ) async -> SMTPOutcome {
        await client.send(
            SMTPMessage(envelopeFrom: "billing@seller.example", recipient: recipient, data: Array(text.utf8)),
            server: SMTPServer(host: "127.0.0.1", port: sandbox.port, security: .none))
    }

    @Test func `a mail is on disk when it is accepted, its envelope on top`() async throws {
        let sandbox = try sandbox()
        let outcome = await send(sandbox, "Subject: x\r\n\r\n.dot\r\n")
        guard case .accepted(let reply) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        let name = try #require(reply.split(separator: " ").last)
        let text = try String(contentsOfFile: folder.path("mail/\(name)"), encoding: .utf8)
        #expect(
            text == "Return-Path: <billing@seller.example>\r\nDelivered-To: books@customer.example\r\n"
                + "Subject: x\r\n\r\n.dot\r\n")
        #expect(try sandbox.count() == 1)
        await sandbox.stop()
    }

    @Test func `refusals come back as the client tells them apart`() async throws {
        let sandbox = try sandbox { $0.sizeLimit = 100 }
        #expect(
            await send(sandbox, to: "bounce550@x.example")
                == .refusedPermanently(code: 550, text: "550 5.1.1 no such user"))
        #expect(
            await send(sandbox, to: "grey451@x.example")
                == .refusedTemporarily(code: 451, text: "451 4.7.1 greylisted, try again later"))
        let large = await send(sandbox, String(repeating: "0123456789\r\n", count: 10))
        guard case .refusedPermanently(552, _) = large else {
            Issue.record("\(large)")
            return
        }
        #expect(try sandbox.count() == 0)
        await sandbox.stop()
    }

    @Test func `many mails at a time are each kept once, over restarts too`() async throws {
        var sandbox = try sandbox()
        let client = SMTPClient()
        for round in 1...2 {
            let server = sandbox
            let accepted = await withTaskGroup(of: Bool.self) { group in
                for number in 0..<50 {
                    group.addTask {
                        if case .accepted = await send(server, "Subject: \(number)\r\n\r\n", by: client) {
                            true
                        } else {
                            false
                        }
                    }
                }
                return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(accepted == 50)
            #expect(try sandbox.count() == 50 * round)
            await sandbox.stop()
            sandbox = try self.sandbox()
        }
        await sandbox.stop()
    }

    @Test func `one conversation too many is told to come later`() async throws {
        let sandbox = try sandbox { $0.connectionLimit = 0 }
        let outcome = await send(sandbox)
        guard case .notSent(let reason) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(reason.contains("421"))
        await sandbox.stop()
        guard case .notSent = await send(sandbox) else {
            Issue.record("a stopped sandbox took a mail")
            return
        }
    }

    @Test(Judge.isHere) func `a client that we did not write finds a mail server`() async throws {
        let sandbox = try sandbox()
        let verdict = try await Judge.verdict(of: "smtp_client_judge.py", "\(sandbox.port)", folder.path("mail"))
        #expect(verdict.status == 0, "\(verdict.text)")
        await sandbox.stop()
    }
}
