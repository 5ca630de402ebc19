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
            let payments = try await transaction.query("SELECT count(*) FROM books.payments")
            // A run may see a tick of the schedule come; what waits for its day is no loss.
            let jobs = try await transaction.query(
                "SELECT kind || ' ' || state FROM queue.all_jobs WHERE ended_at IS NULL AND state <> 'scheduled'")
            return Books(
                invoices: try invoices.decode(String.self, String.self, Int64.self).map {
                    Invoice(number: $0.0, state: $0.1, total: Int($0.2))
                },
                payments: try payments.only(Int.self), liveJobs: try jobs.decode(String.self),
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

    func receipts() throws -> [Receipt] {
        let names = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/mail")
        return try names.filter { $0.hasSuffix(".eml") }.map { name in
            try Receipt(String(contentsOfFile: "\(folder)/mail/\(name)", encoding: .utf8))
        }
    }
}

/// A receipt as its reader sees it.
struct Receipt: Hashable {
    let id: String
    let recipient: String
    let amount: String
    let invoice: String

    /// Reads our own mails, whose lines are short enough to stand as they are.
    init(_ mail: String) throws {
        let text = mail.replacing("\r\n", with: "\n")
        id = try #require(text.firstMatch(of: /\nMessage-ID: (<[^>]+>)\n/)).output.1.description
        recipient = try #require(text.firstMatch(of: /\nTo: [^<]*<([^>]+)>/)).output.1.description
        let said = try #require(
            text.firstMatch(of: /we received ([0-9.]+ [A-Z]{3}) on [0-9-]+ for invoice ([^ ]+)\.\n/))
        amount = said.output.1.description
        invoice = said.output.2.description
    }

    /// One for each paid invoice, with its amount.
    static func expect(
        _ receipts: [Receipt], for books: Books, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let said = receipts.map { "\($0.invoice) \($0.amount)" }.sorted()
        let wanted = books.paid.map { "\($0.number) \($0.total / 100).\(String($0.total % 100 + 100).dropFirst()) USD" }
        #expect(said == wanted.sorted(), sourceLocation: sourceLocation)
        #expect(Set(receipts.map(\.id)).count == receipts.count, sourceLocation: sourceLocation)
    }
}
