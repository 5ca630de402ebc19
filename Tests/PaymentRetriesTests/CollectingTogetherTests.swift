import BillingPorts
import BillingSupport
import Dates
import JobKit
import PaymentRetries
import Postgres
import TestSupport
import Testing

/// Several customers in one job: none of them is charged twice, and none keeps the others.
@Suite(.database(migrations: BillingFixture.migrations), .timeLimit(.minutes(15)))
struct CollectingTogetherTests {
    @Test func `several customers are charged by one job, each once`() async throws {
        try await OpenInvoices.with { open in
            for _ in 1...2 { try await open.enqueue() }
            #expect(try await open.drain(for: 3600) == ["completed", "completed"])
            #expect(open.gateway.calls.count { $0 == "charge" } == 3)
            #expect(try await open.collected == ["a": 1, "b": 1, "c": 1])
            #expect(try await open.attempts == ["a 1 success", "b 1 success", "c 1 success"])
            // The receipts go out together.
            #expect(try await open.fixture.states(of: SendMail.kind) == ["available", "available"])
        }
    }

    /// How b's first charge ends, its attempt then and an hour later, and how its own job ends.
    private static let stories: [(CountingGateway.Answer, then: String, later: String, own: [String])] = [
        (.losesAnswer, "unknown", "success", ["completed"]), (.losesRequest, "unknown", "success", ["completed"]),
        (.refusesConnection, "success", "success", []),
        (.declines(code: "insufficient_funds", advice: nil), "insufficient_funds", "insufficient_funds", []),
        (.requiresAction, "requires_action", "requires_action", []), (.processes, "processing", "processing", []),
    ]

    @Test(arguments: stories)
    func `what happens to one is seen to by itself, and the others are paid`(
        first: CountingGateway.Answer, then: String, later: String, own: [String]
    ) async throws {
        try await OpenInvoices.with { open in
            try await open.script(first)
            try await open.enqueue()
            #expect(try await open.drain().first == "completed")
            #expect(try await open.attempts == ["a 1 success", "b 1 \(then)", "c 1 success"])
            #expect(try await open.drain(for: 3600) == own)
            #expect(try await open.attempts == ["a 1 success", "b 1 \(later)", "c 1 success"])
            let paid = try await open.collected
            #expect(paid["a"] == 1 && paid["c"] == 1 && paid["b"] ?? 0 == (later == "success" ? 1 : 0))
        }
    }

    @Test func `a job whose gateway refuses our requests is held, and asks before it sends once it is released`()
        async throws
    {
        try await OpenInvoices.with { open in
            try await open.script(.rejects(reason: "no such key"))
            try await open.enqueue()
            let held =
                "held: payment attempt \(open.seller.customer("b"))/0 of 118.00 USD, invoice B-0001: "
                + "the gateway refuses our requests: no such key"
            #expect(try await open.drain(for: 3600) == [held])
            #expect(try await open.attempts == ["a 1 success", "b 1 sent", "c 1 success"])
            try await open.fixture.release(CollectPayments.kind, at: open.fixture.start)
            try await open.drain(for: 3600)
            #expect(open.gateway.calls.count { $0 == "charge" } == 4)
            #expect(open.gateway.calls.count { $0 == "findCharge" } == 1)
            #expect(try await open.collected == ["a": 1, "b": 1, "c": 1])
        }
    }

    @Test func `who cannot be read gets a job that tells, and the others are paid`() async throws {
        try await OpenInvoices.with { open in
            try await open.fixture.query(
                "UPDATE books.customers SET time_zone = 'Mars/Olympus' WHERE code = 'b'", of: open.seller.id)
            try await open.enqueue()
            let endings = try await open.drain()
            #expect(endings.count == 2 && endings[0] == "completed" && endings[1].contains("Mars/Olympus"))
            #expect(try await open.attempts == ["a 1 success", "c 1 success"])
            try await open.fixture.query(
                "UPDATE books.customers SET time_zone = 'Etc/UTC' WHERE code = 'b'", of: open.seller.id)
            try await open.drain(for: 3600)
            #expect(try await open.collected == ["a": 1, "b": 1, "c": 1])
        }
    }

    @Test func `a second job keeps off charges under way`() async throws {
        try await OpenInvoices.with { open in
            for _ in 1...2 { try await open.enqueue() }
            let interrupted = InterruptedGateway(open.gateway) {
                // Each is set aside until the first job's calls have certainly ended.
                let endings = try await open.drain()
                #expect(endings == ["completed"])
            }
            #expect(try await open.drain(at: interrupted).first == "completed")
            try await open.drain(for: 3600)
            #expect(open.gateway.calls.count { $0 == "charge" } == 3)
            #expect(try await open.collected == ["a": 1, "b": 1, "c": 1])
        }
    }

    @Test func `a job that failed is taken apart`() async throws {
        try await OpenInvoices.with { open in
            // The same attempt was announced with another amount: nothing is sent under its key.
            let b = open.seller.customer("b")
            try await open.fixture.work(of: open.seller.id) { work in
                _ = try await work.announce(
                    EffectRequest(scope: "payment_attempt/\(b)/0", name: "charge", fingerprint: "1.00 USD"))
            }
            try await open.enqueue()
            let endings = try await open.drain(for: 60)
            #expect(endings[0].hasPrefix("failed: charge of payment_attempt/\(b)/0 was announced"))
            #expect(endings.dropFirst().filter { $0 == "completed" }.count == 3)
            #expect(try await open.collected == ["a": 1, "c": 1])
        }
    }
}

/// The same story with a worker that dies.
@Suite(.database(migrations: BillingFixture.migrations), .timeLimit(.minutes(10)))
struct CollectingTogetherCrashTests {
    /// What the gateway does with b's first charge; a and c are paid at once.
    enum First: CaseIterable {
        case succeeds, losesAnswer, losesRequest, refusesConnection, declines

        var answer: CountingGateway.Answer {
            switch self {
            case .succeeds: .succeeds
            case .losesAnswer: .losesAnswer
            case .losesRequest: .losesRequest
            case .refusesConnection: .refusesConnection
            case .declines: .declines(code: "insufficient_funds", advice: nil)
            }
        }
    }

    @Test(arguments: First.allCases, [true, false])
    func `each is charged once, whichever call the worker dies after`(first: First, honoursKeys: Bool) async throws {
        try await dieAfterEachCall(first, honoursKeys: honoursKeys, times: 1)
    }

    @Test(arguments: [First.succeeds, .losesRequest])
    func `each is charged once, however the workers die one after the other`(first: First) async throws {
        try await dieAfterEachCall(first, honoursKeys: false, times: 2)
    }

    private func dieAfterEachCall(_ first: First, honoursKeys: Bool, times: Int) async throws {
        try await BillingFixture.with { fixture in
            try await fixture.dieAfterEachCall(
                times: times, atLeast: 16, customers: OpenInvoices.customers, comparingJobs: false
            ) { trial in
                let gateway = CountingGateway(honoursKeys: honoursKeys)
                try await fixture.registerMethods(of: trial.seller, at: gateway)
                try await fixture.bill(trial.seller)
                try await fixture.script([first.answer], for: "b", of: trial.seller, at: gateway)
                try await fixture.enqueue(CollectPayments(all: trial.seller))
                try await trial.drain { CollectPaymentsHandler(gateway: trial.reaching(gateway)) }
                var expected = ["a": 1, "b": 1, "c": 1]
                if first == .declines { expected["b"] = nil }
                #expect(try await fixture.collected(from: trial.seller, at: gateway) == expected, trial.comment)
                #expect(gateway.charges.count == 3, trial.comment)
            }
        }
    }
}
