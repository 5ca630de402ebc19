import BillingPorts
import BillingSupport
import CustomerMails
import Dates
import Gateways
import HTTPClient
import JSONText
import JobKit
import JudgeSupport
import Mails
import Postgres
import TestSupport
import Testing

/// Mails of the books, through a mail server and a parser that we did not write.
@Suite(Judge.isHere, .database(migrations: BillingFixture.migrations), .timeLimit(.minutes(15)))
struct JudgedMailTests {
    @Test func `a mail of the books arrives whole, in both parts, under its one Message-ID`() async throws {
        let server = try await Judge.Server.start("smtp_sink.py")
        defer { server.stop() }
        try await BillingFixture.with { fixture in
            let seller = try await fixture.load([SampleCustomer("joerg")], netDays: 14)
            try await fixture.query(
                "UPDATE books.customers SET name = 'Jörg & Söhne <GmbH>', language = 'de'", of: seller.id)
            try await fixture.bill(seller)
            let mailer = SMTPMailer(
                server: SMTPServer(host: "127.0.0.1", port: server.port, security: .none), client: SMTPClient(),
                sender: Mailbox(name: "", address: "billing@billwright.example"))
            try await fixture.drain(from: fixture.start) {
                SendMailHandler(mailer: mailer, writer: fixture.writer, domain: "billwright.example")
            }
            let arrived = try JSONNode(parsing: Array(try await server.line().utf8)).array()
            let seen = try await Judge.verdict(of: "mail_judge.py", on: Array(try arrived[2].string().utf8)).text
            #expect(seen.contains("\"defects\":[]"))
            #expect(seen.contains("\"subject\":\"Rechnung JOERG-0001\""))
            #expect(seen.contains("\"to\":[[\"Jörg & Söhne <GmbH>\",\"joerg@customers.example\"]]"))
            #expect(seen.contains("[\"text/plain\",[\"Guten Tag Jörg & Söhne <GmbH>,\""))
            #expect(
                seen.contains("[\"text/html\",[\"<!DOCTYPE html>\"") && seen.contains("Jörg &amp; Söhne &lt;GmbH&gt;"))
            #expect(
                seen.contains("\"Auto-Submitted\"") && seen.contains("118,00 USD sind bis zum 1. März 2026 zu zahlen."))
            let id = try await fixture.query("SELECT message_id FROM books.mails", of: seller.id).only(String.self)
            #expect(seen.contains("\"id\":\"<\(id)@billwright.example>\""))
        }
    }
}
