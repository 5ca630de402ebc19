import Dates
import Foundation
import JobKit
import Postgres
import Processes
import QueueStore
import TestSupport
import Testing

/// What a person does to jobs and queues at the terminal, without any worker running.
@Suite(.database(migrations: QueueMigrations.all), .timeLimit(.minutes(15))) struct OperationCommandsTests {
    private struct Nightly: JobArguments {
        static let kind: JobKind = "nightly"
        var customer: Int
    }

    private static func enqueue(_ jobs: Int) async throws -> [String: String] {
        let now = try Instant(parsing: "2026-01-01T00:00:00Z")
        try await TestDatabase.current.withPool { pool in
            let store = PostgresJobStore(pool: pool, control: pool, listener: pool.configuration) { $0 }
            try await store.transaction(tenant: .all, now: now) { work in
                try await work.enqueue((1...jobs).map { try NewJob(Nightly(customer: $0)) })
            }
        }
        return try CommandTests.database()
    }

    @Test func `one job is held, released, cancelled and replayed, each with its reason`() async throws {
        let environment = try await Self.enqueue(1)
        let (unexplained, usage) = try await Run.finish(["jobs", "hold", "1"], environment: environment)
        #expect(unexplained == .code(2) && usage.errors == ["billwright: --reason must be set"])
        let steps = [
            ("hold", "hold: job 1 was available, is held"), ("release", "release: job 1 was held, is available"),
            ("cancel", "cancel: job 1 was available, is cancelled"),
            ("replay", "replay: job 1 (cancelled) is replayed by job 2"),
        ]
        for (verb, said) in steps {
            let (status, run) = try await Run.finish(
                ["jobs", verb, "1", "--reason", "because of \(verb)"], environment: environment)
            #expect(status == .code(0) && run.output == [said], "\(run.everything)")
        }
        let (refused, complaint) = try await Run.finish(
            ["jobs", "release", "1", "--reason", "again"], environment: environment)
        #expect(refused == .code(1))
        #expect(complaint.errors == ["billwright: job 1: release refused: it is cancelled, not held"])
        let (moved, later) = try await Run.finish(
            ["jobs", "reschedule", "2", "--at", "2030-01-01T00:00:00Z", "--reason", "later", "--json"],
            environment: environment)
        #expect(moved == .code(0), "\(later.everything)")
        #expect(
            later.output == [
                #"{"job":2,"act":"reschedule","before":"available","after":"scheduled","made":2,"refusal":null}"#
            ])
        let (_, shown) = try await Run.finish(["jobs", "show", "1"], environment: environment)
        #expect(shown.output.contains { $0.hasPrefix("hold ") && $0.hasSuffix(": because of hold") })
    }

    @Test func `many jobs are looked at first, then moved up to a limit, and all of them only when that is said`()
        async throws
    {
        let environment = try await Self.enqueue(12)
        let (unstated, usage) = try await Run.finish(
            ["jobs", "cancel", "--reason", "x"], environment: environment)
        #expect(unstated == .code(2) && usage.errors[0].contains("every job is meant only with --all"))
        let filter = ["--arguments", #"{"customer": 7}"#]
        let (seen, preview) = try await Run.finish(
            ["jobs", "cancel", "--dry-run"] + filter, environment: environment)
        #expect(seen == .code(0) && preview.output.first == "cancel would touch 1 jobs", "\(preview.everything)")
        #expect(preview.output.last == "nothing was changed")
        let (done, bulk) = try await Run.finish(
            ["jobs", "cancel", "--reason", "x", "--json"] + filter, environment: environment)
        #expect(done == .code(0))
        #expect(bulk.output == [#"{"act":"cancel","done":1,"refused":0,"more":false,"refusals":[]}"#])
        let (all, rest) = try await Run.finish(
            ["jobs", "cancel", "--all", "--limit", "10", "--reason", "x"], environment: environment)
        #expect(all == .code(0) && rest.output[0] == "cancel: 10 done, 0 refused")
        #expect(rest.output[1].hasPrefix("more match"))
        let (wrong, complaint) = try await Run.finish(
            ["jobs", "retry", "--state", "completed", "--reason", "x"], environment: environment)
        #expect(wrong == .code(2) && complaint.errors[0].contains("retry does not move completed jobs"))
        let (bad, json) = try await Run.finish(["jobs", "list", "--arguments", "{"], environment: environment)
        #expect(bad == .code(2) && json.errors[0].contains("--arguments"))
    }

    @Test func `a queue, a kind and everything are paused with a reason and resumed`() async throws {
        let environment = try await Self.enqueue(1)
        for (subject, name) in [
            (["mail"], "queue mail"), (["--kind", "nightly"], "kind nightly"), (["*"], "every queue"),
        ] {
            let pause = ["queues", "pause"] + subject + ["--reason", "the audit"]
            let (first, paused) = try await Run.finish(pause, environment: environment)
            #expect(first == .code(0) && paused.output == ["paused \(name)"], "\(paused.everything)")
            let (second, again) = try await Run.finish(pause, environment: environment)
            #expect(second == .code(1) && again.errors[0].contains("\(name) is paused already"))
            let (_, listed) = try await Run.finish(["queues", "list"], environment: environment)
            #expect(listed.output.contains { $0.hasPrefix("paused: \(name)  by ") && $0.hasSuffix("the audit") })
            let (third, resumed) = try await Run.finish(
                ["queues", "resume"] + subject + ["--reason", "audited"], environment: environment)
            #expect(third == .code(0) && resumed.output == ["resumed \(name)"])
        }
        let (neither, usage) = try await Run.finish(["queues", "pause", "--reason", "x"], environment: environment)
        #expect(neither == .code(2) && usage.errors[0].contains("needs either a queue's name"))
    }

    @Test func `how long things are kept is told, and changed with a reason`() async throws {
        let environment = try await Self.enqueue(1)
        let (_, told) = try await Run.finish(["queues", "retention"], environment: environment)
        #expect(
            told.output == [
                "acts  1096 days", "history  30 days", "lanes  7 days", "runs  1096 days", "ticks  90 days",
            ])
        let (done, changed) = try await Run.finish(
            ["queues", "retention", "history", "forever", "--reason", "the audit", "--json"], environment: environment)
        #expect(done == .code(0))
        #expect(
            changed.output == [#"{"acts":1096,"history":null,"lanes":7,"runs":1096,"ticks":90}"#],
            "\(changed.everything)")
        for words in [["history", "0"], ["acts", "30"], ["lanes", "forever"], ["jobs", "3"], ["history"]] {
            let (wrong, _) = try await Run.finish(
                ["queues", "retention", "--reason", "x"] + words, environment: environment)
            #expect(wrong == .code(2), "\(words)")
        }
    }

    @Test func `a run is listed, stopped, resumed and shown with its jobs and its money`() async throws {
        let environment = try await Self.enqueue(1)
        let now = try Instant(parsing: "2026-01-01T00:00:00Z")
        try await TestDatabase.current.withPool { pool in
            let store = PostgresJobStore(pool: pool, control: pool, listener: pool.configuration) { $0 }
            try await store.transaction(tenant: .all, now: now) { work in
                let run = try await work.open(NewRun(name: "nightly/7", tenant: 7)).id
                try await work.enqueue([2, 3].map { try NewJob(Nightly(customer: $0)).in(run) })
                try await work.seal(run)
            }
        }
        let (stopped, said) = try await Run.finish(
            ["runs", "stop", "nightly/7", "--reason", "wrong prices"], environment: environment)
        #expect(stopped == .code(0) && said.output == ["stopped run 1 (nightly/7)"], "\(said.everything)")
        let (again, complaint) = try await Run.finish(
            ["runs", "stop", "1", "--reason", "x"], environment: environment)
        #expect(again == .code(1) && complaint.errors == ["billwright: run 1 is stopped already"])
        let (_, shown) = try await Run.finish(["runs", "show", "1"], environment: environment)
        #expect(
            shown.output.prefix(2) == ["run 1  nightly/7  stopped  0 of 2 done, 0 failed, 0 held", "  available 2"])
        let (resumed, _) = try await Run.finish(
            ["runs", "resume", "1", "--reason", "mended"], environment: environment)
        #expect(resumed == .code(0))
        let (listed, list) = try await Run.finish(["runs", "list", "--json"], environment: environment)
        #expect(listed == .code(0) && list.output.count == 1)
        #expect(list.output[0].contains(#""state":"running""#) && list.output[0].contains(#""jobs":{"available":2}"#))
        let (_, jobs) = try await Run.finish(
            ["jobs", "cancel", "--run", "1", "--reason", "x"], environment: environment)
        #expect(jobs.output == ["cancel: 2 done, 0 refused"])
        let (unknown, none) = try await Run.finish(["runs", "show", "yesterday"], environment: environment)
        #expect(unknown == .code(1) && none.errors[0].contains("there is no run 'yesterday'"))
    }

    @Test(arguments: [
        ["--breakers", "nobody failed=5%"], ["--breakers", "collect_payments"],
        ["--breakers", "collect_payments failed=0%"], ["--breakers", "collect_payments USD=1.005"],
        ["--breakers", "collect_payments off; collect_payments off"], ["--rates", "payments=80"],
        ["--rates", "payments=80/s"], ["--rates", "bank=80/s+20"], ["--rates", "payments=80/s+19"],
    ])
    func `a limit that is not understood keeps a worker from starting`(_ words: [String]) async throws {
        let settings = [
            "--stripe-key", "sk_test_1", "--stripe-url", "http://127.0.0.1:9", "--smtp-url", "smtp://127.0.0.1:9",
        ]
        let (status, run) = try await Run.finish(
            ["worker"] + settings + words, environment: try CommandTests.database())
        #expect(status == .code(2) && run.errors[0].hasPrefix("billwright: \(words[0])"), "\(run.everything)")
    }
}
