import Foundation
import Glibc
import Processes
import Testing

extension Installations {
    /// What kill -9 and a database that goes away may cost: time, never a charge, a receipt or a job.
    @Suite(.timeLimit(.minutes(3))) struct CrashTests {
        @Test func `workers and up are killed while charging 500 invoices, and each is paid once`() async throws {
            try await Installation.lend(customers: 500) { installation in
                let up = try await installation.up(limit: .seconds(90))
                var paid = 0
                var killed: Set<CInt> = []
                for _ in 1...2 {
                    // More than the 16 that two workers have in hand when they die: others have taken over.
                    let before = killed
                    paid = try await Self.wait(for: paid + 20, of: 500, in: up) {
                        before.isDisjoint(with: installation.processes("worker"))
                            && installation.processes("worker").count == 2
                    }
                    for worker in installation.processes("worker") {
                        kill(worker, SIGKILL)
                        killed.insert(worker)
                    }
                }
                _ = try await Self.wait(for: paid + 20, of: 500, in: up)
                up.send(.kill)
                #expect(await up.ended() == .signal(9))
                #expect(await installation.areGone(within: .seconds(40)), "left behind by a killed up")

                let next = try await installation.up("--exit", limit: .seconds(90))
                #expect(await next.ended() == .code(0), "\(next.everything)")
                let books = try await installation.withBooks(Books.read)
                books.expectChargedOnce(try SandboxFiles(installation).charges(), paid: 500)
                SentMail.expect(try SandboxFiles(installation).mails(), for: books, again: true)
            }
        }

        @Test func `a database that crashes in the middle costs time only`() async throws {
            try await Installation.lend(customers: 300) { installation in
                let up = try await installation.up("--exit", limit: .seconds(90))
                _ = try await Self.wait(for: 10, of: 300, in: up)
                // The server takes the death of one of its processes for corrupted memory: it ends every session,
                // recovers, and lets nobody in meanwhile.
                let session = try #require(
                    installation.processes.first { $0.words.first?.contains("billwright_worker") == true })
                kill(session.id, SIGKILL)
                #expect(await up.ended() == .code(0), "\(up.everything)")
                let log = try String(contentsOfFile: "\(installation.home)/log/postgres.log", encoding: .utf8)
                #expect(log.contains("all server processes terminated; reinitializing"))
                let books = try await installation.withBooks(Books.read)
                books.expectChargedOnce(try SandboxFiles(installation).charges(), paid: 300)
                SentMail.expect(try SandboxFiles(installation).mails(), for: books, again: true)
            }
        }

        /// Waits until so many invoices are paid, which must not be all of them. Returns how many are.
        private static func wait(
            for number: Int, of all: Int, in up: Run, and condition: @escaping @Sendable () -> Bool = { true }
        ) async throws -> Int {
            let line = try #require(await up.line { paid($0) >= number && condition() }, "\(up.everything)")
            try #require(paid(line) < all, "too fast to be caught in the middle")
            return paid(line)
        }

        /// How many invoices a line of `up`'s progress calls paid.
        private static func paid(_ line: String) -> Int {
            line.firstMatch(of: #/^invoices [0-9]+  paid ([0-9]+) /#).flatMap { Int($0.output.1) } ?? -1
        }
    }
}
