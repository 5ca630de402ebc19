import BooksStore
import Foundation
import JobKit
import Postgres
import QueueStore
import Testing

/// A charge as the counterpart that made it tells of it.
struct CounterpartCharge: Decodable, Hashable {
    let id: String
    let amount: Int
    let status: String
    let invoice: String
    let attempt: String
}

/// What the books say of themselves.
struct Books: Sendable {
    struct Invoice: Sendable, Hashable {
        let number: String
        let state: String
        let total: Int
    }

    let invoices: [Invoice]
    /// Receipts of money that are booked.
    let payments: Int
    let liveJobs: [String]
    let violations: [String]

    var paid: [Invoice] { invoices.filter { $0.state == "paid" } }
    var open: [Invoice] { invoices.filter { $0.state == "open" } }

    static func read(_ pool: PostgresPool) async throws -> Books {
        let summary = try await BooksSummary.read(pool)
        return try await pool.transaction(settings: [.tenant(.all)]) { transaction in
            let invoices = try await transaction.query(
                "SELECT number, state, total FROM books.invoices ORDER BY number")
            // A run may see a tick of the schedule come; what waits for its day is no loss.
            let jobs = try await transaction.query(
                "SELECT kind || ' ' || state FROM queue.all_jobs WHERE ended_at IS NULL AND state <> 'scheduled'")
            return Books(
                invoices: try invoices.decode(String.self, String.self, Int64.self).map {
                    Invoice(number: $0.0, state: $0.1, total: Int($0.2))
                },
                payments: summary.paid.reduce(0) { $0 + $1.count }, liveJobs: try jobs.decode(String.self),
                violations: summary.violations.map(\.description))
        }
    }

    /// Every invoice that is paid was charged once, in full; no other was charged; nothing is left over.
    func expectChargedOnce(
        _ charges: [CounterpartCharge], paid expected: Int, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let succeeded = charges.filter { $0.status == "succeeded" }
        let byInvoice = Dictionary(grouping: succeeded, by: \.invoice)
        let wanted = Dictionary(uniqueKeysWithValues: paid.map { ($0.number, [$0.total]) })
        #expect(byInvoice.mapValues { $0.map(\.amount) } == wanted, sourceLocation: sourceLocation)
        #expect(Set(charges.map(\.attempt)).count == charges.count, "an attempt, twice", sourceLocation: sourceLocation)
        #expect(paid.count == expected, sourceLocation: sourceLocation)
        #expect(payments == paid.count, sourceLocation: sourceLocation)
        #expect(violations == [], sourceLocation: sourceLocation)
        #expect(liveJobs == [], sourceLocation: sourceLocation)
    }
}

/// What the sandboxes of an installation wrote down, read without asking them.
struct SandboxFiles {
    let folder: String

    init(_ installation: Installation) { folder = "\(installation.home)/sandbox" }

    private struct Change: Decodable {
        struct Intent: Decodable {
            let id: String
            let amount: Int
            let status: String
            let metadata: [String: String]
        }

        let payment_intents: [Intent]
    }

    /// Each payment intent of the journal as it stands in the end.
    func charges() throws -> [CounterpartCharge] {
        let journal = try Data(contentsOf: URL(filePath: "\(folder)/stripe.jsonl"))
        var intents: [String: CounterpartCharge] = [:]
        for line in journal.split(separator: UInt8(ascii: "\n")) {
            for intent in try JSONDecoder().decode(Change.self, from: Data(line)).payment_intents {
                intents[intent.id] = CounterpartCharge(
                    id: intent.id, amount: intent.amount, status: intent.status,
                    invoice: try #require(intent.metadata["invoice"]),
                    attempt: try #require(intent.metadata["attempt_id"]))
            }
        }
        return Array(intents.values)
    }

    func mails() throws -> [SentMail] {
        let names = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/mail")
        return try names.filter { $0.hasSuffix(".eml") }.map { name in
            try SentMail(String(contentsOfFile: "\(folder)/mail/\(name)", encoding: .utf8))
        }
    }
}

/// A mail about an invoice, as its reader sees it.
struct SentMail: Hashable {
    let id: String
    let recipient: String
    let subject: String
    let text: String

    /// Reads our own mails, whose lines are short enough to stand as they are.
    init(_ mail: String) throws {
        text = mail.replacing("\r\n", with: "\n")
        id = try #require(text.firstMatch(of: /\nMessage-ID: (<[^>]+>)\n/)).output.1.description
        recipient = try #require(text.firstMatch(of: /\nTo: [^<]*<([^>]+)>/)).output.1.description
        subject = try #require(text.firstMatch(of: /\nSubject: ([^\n]+)\n/)).output.1.description
    }

    /// Each invoice was told with its total; each that is paid has one receipt, no other has. A mail server cannot be
    /// asked what it took: after a crash a mail may have come `again`, as the same mail.
    static func expect(
        _ mails: [SentMail], for books: Books, again: Bool = false, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        if !again { #expect(Set(mails.map(\.id)).count == mails.count, sourceLocation: sourceLocation) }
        let once = Dictionary(grouping: mails, by: \.id).values.map { $0[0] }
        let bySubject = Dictionary(grouping: once, by: \.subject)
        #expect(bySubject.values.allSatisfy { $0.count == 1 }, "one subject, twice", sourceLocation: sourceLocation)
        let receipts = bySubject.keys.filter { $0.hasPrefix("Receipt for invoice ") }
        #expect(
            Set(receipts) == Set(books.paid.map { "Receipt for invoice \($0.number)" }), sourceLocation: sourceLocation)
        #expect(
            receipts.allSatisfy { bySubject[$0]?[0].text.contains("is paid in full") == true },
            sourceLocation: sourceLocation)
        for invoice in books.invoices {
            let whole = (invoice.total / 100).formatted(.number.locale(Locale(identifier: "en_US")))
            let total = "\(whole).\(String(invoice.total % 100 + 100).dropFirst()) USD"
            let text = bySubject["Invoice \(invoice.number)"]?.first?.text
            #expect(text?.contains("\nTotal: \(total)\n") == true, sourceLocation: sourceLocation)
        }
    }
}
