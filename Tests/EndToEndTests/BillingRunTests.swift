import Foundation
import JudgeSupport
import Processes
import Testing

/// Tests that start whole installations, one at a time: two of them at once would only measure each other.
@Suite(.serialized) enum Installations {}

extension Installations {
    /// The main job: renew, invoice, charge, send receipts, and end.
    @Suite(.timeLimit(.minutes(2))) struct BillingRunTests {
        @Test(Judge.isHere) func `counterparts of others see one charge and one receipt for each paid invoice`()
            async throws
        {
            let stripe = try await Judge.Server.start("localstripe_loopback.py")
            let sink = try await Judge.Server.start("smtp_sink.py")
            defer {
                stripe.stop()
                sink.stop()
            }
            try await Installation.lend(customers: 300, declining: 12) { installation in
                let url = "http://127.0.0.1:\(stripe.port)"
                // Read while they come: the sink prints them into a pipe, and a full pipe would stop it.
                async let mails = Self.mails(from: sink)
                let up = try await installation.up(
                    "--exit", "--stripe-url", url, "--stripe-minimal", "yes", "--smtp-url",
                    "smtp://127.0.0.1:\(sink.port)", environment: ["STRIPE_SECRET_KEY": "sk_test_12345"],
                    limit: .seconds(110))
                #expect(await up.ended() == .code(0), "\(up.everything)")
                let books = try await installation.withBooks(Books.read)
                books.expectChargedOnce(try await Self.charges(at: url), paid: 288)
                sink.stop()
                SentMail.expect(try await mails, for: books)
            }
        }

        @Test(Judge.isHere) func `Stripe's own library finds at our sandbox what the books say`() async throws {
            try await Installation.lend(customers: 200) { installation in
                let up = try await installation.up()
                _ = try #require(await up.line { $0.hasPrefix("running;") }, "\(up.everything)")
                let worker = try #require(installation.processes("worker").first)
                let url = try #require(installation.variable("BILLWRIGHT_STRIPE_URL", of: worker))
                let books = try await installation.withBooks(Books.read)
                books.expectChargedOnce(try await Self.charges(at: url), paid: 200)
                books.expectChargedOnce(try SandboxFiles(installation).charges(), paid: 200)
                SentMail.expect(try SandboxFiles(installation).mails(), for: books)
                up.send(.interrupt)
                #expect(await up.ended() == .code(0), "\(up.everything)")
            }
        }

        @Test func `a second run finds nothing to bill`() async throws {
            try await Installation.lend(customers: 8, declining: 4) { installation in
                let first = try await installation.up("--exit")
                #expect(await first.ended() == .code(0), "\(first.everything)")
                let second = try await installation.up("--exit")
                #expect(await second.ended() == .code(0), "\(second.everything)")
                #expect(second.everything.contains("0 customers new, 8 as they were; 0 subscriptions new"))
                let books = try await installation.withBooks(Books.read)
                books.expectChargedOnce(try SandboxFiles(installation).charges(), paid: books.paid.count)
                #expect(books.invoices.count == 8 && !books.open.isEmpty && !books.paid.isEmpty)
                SentMail.expect(try SandboxFiles(installation).mails(), for: books)
            }
        }

        @Test func `a second up on the same home is refused with the pid of the first`() async throws {
            try await Installation.lend(customers: 2) { installation in
                let up = try await installation.up()
                _ = try #require(await up.line { $0.hasPrefix("running;") }, "\(up.everything)")
                let second = try await installation.up("--exit")
                #expect(await second.ended() == .code(1))
                #expect(second.errors == ["billwright: \(installation.home) is in use by process \(up.id)"])
                #expect(second.output == [])
                up.send(.interrupt)
                #expect(await up.ended() == .code(0))
            }
        }

        @Test(arguments: [Signal.interrupt, .terminate])
        func `one order to stop drains, ends everything that was started and is no failure`(_ signal: Signal)
            async throws
        {
            try await Installation.lend(customers: 40) { installation in
                let up = try await installation.up()
                // In the middle: some are paid, and more are on their way.
                _ = try #require(await up.line { $0.hasPrefix("invoices") }, "\(up.everything)")
                #expect(installation.processes("worker").count == 2)
                up.send(signal)
                #expect(await up.ended() == .code(0), "\(up.everything)")
                #expect(up.everything.contains("draining"))
                #expect(installation.processes.isEmpty)
                let next = try await installation.up("--exit")
                #expect(await next.ended() == .code(0), "\(next.everything)")
                let books = try await installation.withBooks(Books.read)
                books.expectChargedOnce(try SandboxFiles(installation).charges(), paid: 40)
                SentMail.expect(try SandboxFiles(installation).mails(), for: books)
            }
        }

        private static func charges(at url: String) async throws -> [CounterpartCharge] {
            let said = try await Judge.verdict(of: "stripe_charges_judge.py", url)
            try #require(said.status == 0, "\(said.text)")
            return try JSONDecoder().decode([CounterpartCharge].self, from: Data(said.text.utf8))
        }

        private struct SinkMail: Decodable {
            let text: String

            init(from decoder: any Decoder) throws {
                var list = try decoder.unkeyedContainer()
                _ = try list.decode(String.self)
                _ = try list.decode([String].self)
                text = try list.decode(String.self)
            }
        }

        /// All that the sink took, which is told to end.
        private static func mails(from sink: Judge.Server) async throws -> [SentMail] {
            var mails: [SentMail] = []
            while case let line = try await sink.line(), !line.isEmpty {
                mails.append(try SentMail(JSONDecoder().decode(SinkMail.self, from: Data(line.utf8)).text))
            }
            return mails
        }
    }
}
