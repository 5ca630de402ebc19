import Foundation
import Processes
import Testing

extension Installations {
    /// The queue's promise, at the worst time: real workers and a real server, killed, frozen and cut off.
    @Suite(.timeLimit(.minutes(3))) struct ChaosTests {
        @Test func `whatever is killed, each job ends once and each effect happens once`() async throws {
            let (status, run) = try await Run.finish(
                ["bench", "chaos", "queue", "--short", "--jobs", "1200"], limit: .seconds(160))
            #expect(status == .code(0), "\(run.everything)")
            let figures = Self.figures(run.output)
            #expect(figures["lost"] == 0 && figures["double"] == 0)
            #expect(figures["killed"] == 12 && figures["stopped"] == 2 && figures["server_restarts"] == 2)
            #expect(figures["ended_past_lock"] == 32)
            for figure in ["killed_between_intent_and_result", "stale_refused", "unknown_reconciled"] {
                #expect(figures[figure].map { $0 > 0 } == true, "\(figure)")
            }
            #expect(figures["jobs"].map { $0 >= 1201 } == true, "\(run.everything)")
        }

        /// Workers go on with what they claimed ahead; what comes after the lock is what tells.
        @Test func `without skipping locked lanes all claims wait for one of them, and the run says so`() async throws {
            let (status, run) = try await Run.finish(
                ["bench", "chaos", "queue", "--short", "--jobs", "400", "--kills", "2", "--break", "skip_locked"],
                limit: .seconds(160))
            #expect(status == .code(1), "\(run.everything)")
            #expect(
                run.output.contains { $0.hasSuffix("had to wait for a lane that is not theirs to be unlocked") },
                "\(run.everything)")
        }

        @Test func `without the fence a claim that died with the server is finished twice, and the run says so`()
            async throws
        {
            let (status, run) = try await Run.finish(
                ["bench", "chaos", "queue", "--short", "--jobs", "400", "--kills", "2", "--break", "fence", "--json"],
                limit: .seconds(160))
            #expect(status == .code(1), "\(run.everything)")
            let report = try JSONDecoder().decode(Report.self, from: Data(run.output.joined().utf8))
            #expect(report.double > 0 && report.lost == 0 && report.stale_refused == 0, "\(run.everything)")
            #expect(!report.broken.isEmpty)
        }

        private struct Report: Decodable {
            let lost: Int
            let double: Int
            let stale_refused: Int
            let broken: [String]
        }

        private static func figures(_ lines: [String]) -> [String: Double] {
            let words = lines.map { $0.split(separator: " ") }.filter { $0.count == 3 && $0[0] == "ours" }
            return Dictionary(words.map { (String($0[1]), Double($0[2]) ?? -1) }, uniquingKeysWith: { $1 })
        }
    }
}
