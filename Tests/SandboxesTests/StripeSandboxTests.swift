import Foundation
import HTTPClient
import HTTPServer
import HTTPTypes
import JudgeSupport
import Sandboxes
import Testing

/// A sandbox on a journal, and a client for it that does not wait for faults.
private struct Bench {
    let sandbox: StripeSandbox
    let client: HTTPClient
    /// For the call that is never answered: long enough for a busy machine to have acted on it.
    let hasty: HTTPClient

    init(journal: String, _ change: (inout StripeSandbox.Settings) -> Void = { _ in }) throws {
        var settings = StripeSandbox.Settings(journal: journal)
        change(&settings)
        sandbox = try StripeSandbox(settings)
        var limits = HTTPClient.Settings()
        limits.totalTimeout = .seconds(30)
        client = HTTPClient(limits)
        limits.totalTimeout = .seconds(5)
        hasty = HTTPClient(limits)
    }

    func post(
        _ path: String, _ form: String, key: String? = nil, by client: HTTPClient? = nil
    ) async throws(HTTPError) -> HTTPResponse {
        var headers: HTTPFields = [
            "Authorization": "Bearer sk_test_x", "Content-Type": "application/x-www-form-urlencoded",
            "Stripe-Version": StripeSandbox.version,
        ]
        headers["Idempotency-Key"] = key
        return try await (client ?? self.client).send(
            HTTPRequest(method: "POST", url: url(path), headers: headers, body: Array(form.utf8)))
    }

    func get(_ path: String) async throws -> [String: Any] {
        let response = try await client.send(
            HTTPRequest(url: url(path), headers: ["Authorization": "Bearer sk_test_x"]))
        return try #require(try JSONSerialization.jsonObject(with: Data(response.body)) as? [String: Any])
    }

    func plan(_ fault: String) async throws {
        // By a client of its own: the faulty request shall come on a new connection, or libcurl repeats it by itself.
        let response = try await HTTPClient().send(
            HTTPRequest(method: "POST", url: url("/_sandbox/faults"), body: Array(fault.utf8)))
        #expect(response.status == 200)
    }

    func count(_ name: String) async throws -> Int { try #require(try await get("/_sandbox/stats")[name] as? Int) }

    private func url(_ path: String) -> String { "http://127.0.0.1:\(sandbox.port)\(path)" }
}

@Suite(.timeLimit(.minutes(15))) struct StripeSandboxTests {
    private static let charge =
        "amount=29900&currency=usd&payment_method=pm_card_visa&off_session=true&confirm=true&metadata[attempt_id]=a1"

    private let folder: TemporaryFolder
    private var journal: String { folder.path("stripe.jsonl") }

    init() throws { folder = try TemporaryFolder() }

    @Test(arguments: [
        ("timeout_before_charging", 0), ("timeout_after_charging", 1), ("reset_before", 0), ("reset_after", 1),
    ])
    func `a lost answer is retried with its key and charged once`(fault: String, charged: Int) async throws {
        let bench = try Bench(journal: journal)
        try await bench.plan(#"{"kind": "\#(fault)", "next": 1}"#)
        await #expect {
            try await bench.post("/v1/payment_intents", Self.charge, key: "k", by: bench.hasty)
        } throws: { ($0 as? HTTPError)?.mayHaveReachedServer == true }
        #expect(try await bench.count("succeeded") == charged)
        let retry = try await bench.post("/v1/payment_intents", Self.charge, key: "k")
        #expect(retry.status == 200)
        #expect(retry.headers["Idempotent-Replayed"] == (charged == 1 ? "true" : nil))
        #expect(try await bench.count("succeeded") == 1)
        await bench.sandbox.stop()
    }

    @Test func `a 500 after charging is replayed for ever, one before is not`() async throws {
        let bench = try Bench(journal: journal)
        try await bench.plan(#"{"kind": "500_after", "next": 1}"#)
        #expect(try await bench.post("/v1/payment_intents", Self.charge, key: "k").status == 500)
        let replay = try await bench.post("/v1/payment_intents", Self.charge, key: "k")
        #expect(replay.status == 500 && replay.headers["Idempotent-Replayed"] == "true")
        #expect(try await bench.count("succeeded") == 1)
        try await bench.plan(#"{"kind": "500_before", "next": 1}"#)
        #expect(try await bench.post("/v1/payment_intents", Self.charge, key: "l").status == 500)
        #expect(try await bench.post("/v1/payment_intents", Self.charge, key: "l").status == 200)
        await bench.sandbox.stop()
    }

    @Test func `a key in use is 409, and only one of many charges`() async throws {
        let bench = try Bench(journal: journal)
        try await bench.plan(#"{"kind": "slow", "next": 1, "milliseconds": 500}"#)
        let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask { try await bench.post("/v1/payment_intents", Self.charge, key: "k").status }
            }
            return try await group.reduce(into: [Int]()) { $0.append($1) }
        }
        #expect(statuses.count { $0 == 200 } == 1)
        #expect(statuses.count { $0 == 409 } == 7)
        #expect(try await bench.count("succeeded") == 1)
        await bench.sandbox.stop()
    }

    @Test func `faults strike every so many, the same ones for the same seed`() async throws {
        var outcomes: [[Int]] = []
        for run in 0..<2 {
            let bench = try Bench(journal: folder.path("\(run).jsonl"))
            try await bench.plan(#"{"kind": "429", "every": 3, "seed": 7}"#)
            var statuses: [Int] = []
            for _ in 0..<30 { statuses.append(try await bench.post("/v1/payment_intents", Self.charge).status) }
            outcomes.append(statuses)
            await bench.sandbox.stop()
        }
        #expect(outcomes[0] == outcomes[1])
        #expect(outcomes[0].contains(429) && outcomes[0].contains(200))
    }

    @Test func `everything survives a restart: objects, keys, metadata, order`() async throws {
        var bench = try Bench(journal: journal)
        let first = try await bench.post("/v1/payment_intents", Self.charge, key: "k")
        let decline = Self.charge.replacingOccurrences(of: "pm_card_visa", with: "pm_card_chargeCustomerFail")
        #expect(try await bench.post("/v1/payment_intents", decline, key: "d").status == 402)
        let before = try await bench.get("/v1/payment_intents") as NSDictionary
        await bench.sandbox.stop()
        bench = try Bench(journal: journal)
        #expect(try await bench.get("/v1/payment_intents") as NSDictionary == before)
        let replay = try await bench.post("/v1/payment_intents", Self.charge, key: "k")
        #expect(replay.body == first.body && replay.headers["Idempotent-Replayed"] == "true")
        #expect(try await bench.post("/v1/payment_intents", decline, key: "d").status == 402)
        #expect(try await bench.count("payment_intents") == 2)
        await bench.sandbox.stop()
    }

    @Test func `a line cut short by a crash is dropped, any other broken line refused`() async throws {
        let bench = try Bench(journal: journal)
        #expect(try await bench.post("/v1/payment_intents", Self.charge, key: "k").status == 200)
        await bench.sandbox.stop()
        let whole = try Data(contentsOf: URL(filePath: journal))
        try (whole + Data(#"{"request":"req_cut","charges":[{"#.utf8)).write(to: URL(filePath: journal))
        let again = try Bench(journal: journal)
        #expect(try await again.count("succeeded") == 1)
        #expect(try await again.post("/v1/payment_intents", Self.charge, key: "l").status == 200)
        await again.sandbox.stop()
        try (Data("nonsense\n".utf8) + whole).write(to: URL(filePath: journal))
        #expect(throws: StripeSandboxError.malformed(path: journal, line: 1)) { try Bench(journal: journal) }
    }

    @Test func `a journal has one sandbox at a time`() async throws {
        let bench = try Bench(journal: journal)
        #expect(throws: StripeSandboxError.inUse(path: journal)) { try Bench(journal: journal) }
        await bench.sandbox.stop()
    }

    @Test func `the statistics count what was charged twice`() async throws {
        let bench = try Bench(journal: journal)
        for key in ["k", "l"] {
            #expect(try await bench.post("/v1/payment_intents", Self.charge, key: key).status == 200)
        }
        let stats = try await bench.get("/_sandbox/stats")
        #expect(stats["duplicates"] as? Int == 1)
        #expect(stats["amount_received"] as? [String: Int] == ["usd": 59800])
        await bench.sandbox.stop()
    }

    @Test func `beyond its rate it answers 429 and says which limit`() async throws {
        let bench = try Bench(journal: journal) { $0.requestsPerSecond = 2 }
        var limited: HTTPResponse?
        for _ in 0..<10 {
            let response = try await bench.post("/v1/customers", "name=x")
            if response.status == 429 { limited = response }
        }
        #expect(limited?.headers["Stripe-Rate-Limited-Reason"] == "global-rate")
        await bench.sandbox.stop()
    }

    @Test(arguments: [
        ("amount=1&amount=2", 400), ("metadata[a=1", 400), ("a[b][c][d][e][f][g][h][i]=1", 400), ("amount=%zz", 400),
        ("metadata=x", 400), ("amount[x]=1", 400), ("currency=usd&amount=ten", 400), ("currency=usd&amount=49", 400),
        ("currency=usd&amount=50", 200), ("currency=dollars&amount=50", 400),
        ("currency=usd&amount=50&off_session=true", 400), ("currency=usd&amount=50&confirm=true", 400),
        ("currency=usd&amount=50&metadata[a%5Bb]=1", 400),
    ])
    func `forms are read strictly`(form: String, status: Int) async throws {
        let bench = try Bench(journal: journal)
        #expect(try await bench.post("/v1/payment_intents", form).status == status)
        #expect(try await bench.count("payment_intents") == (status == 200 ? 1 : 0))
        await bench.sandbox.stop()
    }
}
