import BooksStore
import Foundation
import Postgres
import Processes
import QueueStore
import TestSupport
import Testing

/// Documents as a person asks for them, and as a worker makes them.
@Suite(.database(migrations: QueueMigrations.all + BooksMigrations.all), .timeLimit(.minutes(15)))
struct DocumentCommandsTests {
    private static let catalogue = """
        {"seller": {"code": "shop", "name": "Shop", "currency": "USD", "invoice": {"net_days": 14},
                    "branding": {"legal_name": "Shop Ltd", "locale": "en-GB", "render": "on_issue"}},
         "plans": [{"code": "one", "name": "One plan", "prices": [{"code": "base", "model": "flat", "amount": "10.00"}]}]}
        """
    private static let customers = """
        {"customers": [{"id": "c-0", "email": "c-0@shop.example", "subscriptions": [{"id": "c-0", "plan": "one"}]}]}
        """

    private struct Shop {
        let folder: String
        let environment: [String: String]

        func finish(_ words: String...) async throws -> (status: Ending, run: Run) {
            try await Run.finish(words, environment: environment)
        }

        func text(of file: String) async throws -> String {
            let (_, lines) = try await ChildProcess.run(
                Processes.Command("/usr/bin/pdftotext", ["-layout", "\(folder)/\(file)", "-"]))
            return lines.joined(separator: "\n")
        }
    }

    /// Lends a shop with one invoice, which a worker has made the document of.
    private func billed(_ body: (Shop) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "bw-\(UUID().uuidString)").path()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Data(Self.catalogue.utf8).write(to: URL(filePath: "\(folder)/catalogue.json"))
        try Data(Self.customers.utf8).write(to: URL(filePath: "\(folder)/customers.json"))
        _ = try await TestDatabase.current.configuration(as: "billwright_worker")
        let url = try #require(try CommandTests.database()["DATABASE_URL"])
        let environment = [
            "DATABASE_URL": "\(url) user=billwright_worker", "USER": "clerk",
            "BILLWRIGHT_DOCUMENTS": "\(folder)/documents", "STRIPE_SECRET_KEY": "sk_test_12345",
            "BILLWRIGHT_SMTP_URL": "smtp://127.0.0.1:9",
        ]
        let shop = Shop(folder: folder, environment: environment)
        let (loaded, load) = try await shop.finish(
            "load", "--catalogue", "\(folder)/catalogue.json", "--customers", "\(folder)/customers.json")
        try #require(loaded == .code(0), "\(load.everything)")
        let worker = try await Run.start(["worker"], environment: environment, limit: .seconds(120))
        do {
            let (status, bill) = try await shop.finish("bill")
            #expect(status == .code(0), "\(bill.everything)")
            try await body(shop)
        } catch {
            worker.send(.terminate)
            throw error
        }
        worker.send(.terminate)
        #expect(await worker.ended() == .code(0), "\(worker.everything)")
    }

    @Test func `an invoice, a credit note and a receipt are written as files`() async throws {
        try await billed { shop in
            let file = "\(shop.folder)/invoice.pdf"
            let (made, run) = try await shop.finish("invoices", "pdf", "C-0-0001", "--output", file)
            #expect(made == .code(0), "\(run.everything)")
            #expect(run.output.first?.hasPrefix("\(file): invoice C-0-0001, 1 page, ") == true)
            let text = try await shop.text(of: "invoice.pdf")
            #expect(text.contains("Shop Ltd") && text.contains("One plan – Base") && text.contains("US$10.00"))
            let first = try Data(contentsOf: URL(filePath: file))
            _ = try await shop.finish("invoices", "pdf", "C-0-0001", "--output", file)
            #expect(try Data(contentsOf: URL(filePath: file)) == first)

            let reason = ["--reason", "test"]
            for words in [["credit-note", "C-0-0001", "--amount", "1.00"], ["pay", "C-0-0001", "--amount", "4.00"]] {
                let (status, run) = try await Run.finish(["invoices"] + words + reason, environment: shop.environment)
                #expect(status == .code(0), "\(run.everything)")
            }
            let (noted, note) = try await shop.finish(
                "credit-notes", "pdf", "C-0-CN-0001", "--output", "\(shop.folder)/note.pdf")
            #expect(noted == .code(0), "\(note.everything)")
            #expect(try await shop.text(of: "note.pdf").contains("Taken off the invoice"))
            let (paid, receipt) = try await shop.finish(
                "receipts", "pdf", "C-0-0001-R1", "--output", "\(shop.folder)/receipt.pdf")
            #expect(paid == .code(0), "\(receipt.everything)")
            #expect(try await shop.text(of: "receipt.pdf").contains("US$5.00"))
        }
    }

    @Test func `what is wrong is told, and no file is made`() async throws {
        try await billed { shop in
            let file = "\(shop.folder)/none.pdf"
            for (words, status, message) in [
                (["invoices", "pdf", "C-0-0009", "--output", file], 1, "not_found: there is no invoice C-0-0009"),
                (["credit-notes", "pdf", "X", "--output", file], 1, "not_found: there is no credit note X"),
                (
                    ["receipts", "pdf", "C-0-0001-R1", "--output", file], 1,
                    "not_found: there is no receipt C-0-0001-R1"
                ),
                (["invoices", "pdf", "C-0-0001"], 2, "--output must be set"),
                (
                    ["invoices", "pdf", "C-0-0001", "--output", "/proc/none/a.pdf"], 2,
                    "'/proc/none/a.pdf' cannot be written"
                ),
                (
                    ["invoices", "pdf", "C-0-0001", "--output", file, "--payment-link", "ftp://a"], 2,
                    "an https address"
                ),
                (["documents", "show", "C-0-0001", "--documents", "relative"], 2, "an absolute path"),
                (["documents", "show", "C-0-0001", "--documents", "s3://b"], 2, "--s3-access-key"),
                (["documents", "show", "C-0-0009"], 1, "not_found: no invoice C-0-0009 is stored"),
            ] {
                let (ending, run) = try await Run.finish(words, environment: shop.environment)
                #expect(ending == .code(Int32(status)), "\(words): \(run.everything)")
                #expect(run.errors.joined().contains(message), "\(words): \(run.errors)")
            }
            #expect(!FileManager.default.fileExists(atPath: file))
        }
    }

    @Test func `a worker makes the document of what is issued, and it can be found`() async throws {
        try await billed { shop in
            let deadline = ContinuousClock.now + .seconds(60)
            var shown = try await shop.finish("documents", "show", "C-0-0001", "--json")
            while shown.status != .code(0), ContinuousClock.now < deadline {
                shown = try await shop.finish("documents", "show", "C-0-0001", "--json")
            }
            struct Shown: Decodable {
                let key: String
                let bytes: Int
            }
            #expect(shown.status == .code(0), "\(shown.run.everything)")
            let document = try JSONDecoder().decode(Shown.self, from: Data(shown.run.output.joined().utf8))
            let stored = try Data(contentsOf: URL(filePath: "\(shop.folder)/documents/\(document.key)"))
            #expect(stored.count == document.bytes)

            var bucket = shop.environment
            bucket["BILLWRIGHT_DOCUMENTS"] = "s3://bucket/pdf"
            (bucket["AWS_ACCESS_KEY_ID"], bucket["AWS_SECRET_ACCESS_KEY"]) = ("AKIAEXAMPLE", "secret")
            let (status, run) = try await Run.finish(
                ["documents", "show", "C-0-0001", "--link-for", "1h"], environment: bucket)
            #expect(status == .code(0), "\(run.everything)")
            #expect(
                run.output.contains {
                    $0.hasPrefix(
                        "link    https://s3.us-east-1.amazonaws.com/bucket/pdf/\(document.key)?X-Amz-Algorithm=")
                }, "\(run.output)")
        }
    }
}
