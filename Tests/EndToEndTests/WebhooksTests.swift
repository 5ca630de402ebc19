import BooksStore
import Foundation
import HTTPClient
import HTTPTypes
import JudgeSupport
import Postgres
import Processes
import QueueStore
import TestSupport
import Testing

/// Webhooks in and out at the terminal and over HTTP, as an operator and a gateway meet them.
@Suite(.database(migrations: QueueMigrations.all + BooksMigrations.all), .timeLimit(.minutes(15)))
struct WebhooksTests {
    private static func event(_ id: String, live: Bool = false) -> [UInt8] {
        Array(
            (#"{"id":"\#(id)","object":"event","api_version":"2026-10-28.endive","type":"charge.refunded","#
                + #""livemode":\#(live),"created":1764000000,"data":{"object":{"id":"ch_1","payment_intent":"pi_x"}}}"#)
                .utf8)
    }

    @Test(Judge.isHere) func `an event that Stripe's library signs is stored once by the web process, and shown`()
        async throws
    {
        let environment = try CommandTests.database()
        let web = try await Run.start(
            [
                "web", "--health", "127.0.0.1:0", "--listen", "127.0.0.1:0", "--stripe-webhook-secret",
                "whsec_of_the_first,whsec_of_the_second",
            ],
            environment: environment)
        let line = try #require(await web.line { $0.hasPrefix("serving on http://") }, "\(web.everything)")
        let address = String(line.dropFirst("serving on ".count))
        let client = HTTPClient()
        func post(_ body: [UInt8], by secret: String) async throws -> Int {
            let signed = try await Judge.verdict(of: "stripe_sign.py", secret, on: body)
            var request = HTTPRequest(method: "POST", url: "\(address)/webhooks/stripe", body: body)
            request.headers["Stripe-Signature"] = signed.text
            return try await client.send(request).status
        }
        let statuses = [
            try await post(Self.event("evt_1"), by: "whsec_of_the_first"),
            try await post(Self.event("evt_1"), by: "whsec_of_the_second"),
            try await post(Self.event("evt_2"), by: "whsec_forged"),
            try await post(Self.event("evt_3", live: true), by: "whsec_of_the_first"),
        ]
        #expect(statuses == [200, 200, 400, 400])
        web.send(.terminate)
        #expect(await web.ended() == .code(0))

        let (status, listed) = try await Run.finish(["webhooks", "list", "--json"], environment: environment)
        #expect(status == .code(0), "\(listed.everything)")
        let events = try #require(
            try JSONSerialization.jsonObject(with: Data(listed.output.joined().utf8)) as? [[String: Any]])
        #expect(events.count == 1 && events[0]["reference"] as? String == "evt_1")
        #expect(events[0]["state"] as? String == "stored" && events[0]["job"] != nil)
        let (_, body) = try await Run.finish(["webhooks", "show", "evt_1", "--body"], environment: environment)
        #expect(Array(body.output.joined().utf8) == Self.event("evt_1"))
        let (refused, replay) = try await Run.finish(
            ["webhooks", "replay", "evt_1", "--reason", "again"], environment: environment)
        #expect(refused == .code(1) && replay.errors[0].contains("is at it, available"))
    }

    @Test(arguments: [
        (["webhooks", "show", "evt_none"], CInt(1), "there is no event 'evt_none'"),
        (["webhooks", "replay"], 2, "needs an event, or filters"),
        (["webhooks", "replay", "1"], 2, "--reason must be set"),
        (["webhooks", "replay", "1", "--state", "done", "--reason", "x"], 2, "not both"),
        (["webhooks", "list", "--state", "odd"], 2, "--state"),
        (["web", "--stripe-webhook-secret", "nonsense", "--listen", "127.0.0.1:0"], 2, "whsec_"),
        (["web", "--stripe-webhook-secret", "whsec_long_enough"], 2, "where --listen says"),
    ])
    func `what cannot be is refused with what to do`(words: [String], code: CInt, reason: String) async throws {
        let (status, run) = try await Run.finish(words, environment: CommandTests.database())
        #expect(status == .code(code) && run.errors.joined().contains(reason), "\(run.everything)")
    }

    @Test func `an endpoint is added, listed, rotated, disabled and enabled, each with its reason`() async throws {
        let environment = try CommandTests.database()
        try await TestDatabase.current.withPool { pool in
            _ = try await pool.query(
                """
                INSERT INTO books.sellers (code, name, time_zone, currency, settings)
                VALUES ('acme', 'Acme', 'UTC', 'USD', '{}')
                """)
        }
        func run(_ words: String...) async throws -> (Ending, Run) {
            try await Run.finish(["endpoints"] + words, environment: environment)
        }
        let (inner, refused) = try await run("add", "https://10.0.0.1/", "--reason", "x")
        #expect(inner == .code(2) && refused.errors[0].contains("no address of the public internet"))
        let (odd, types) = try await run("add", "https://8.8.8.8/", "--events", "rockets.launched", "--reason", "x")
        #expect(odd == .code(2) && types.errors[0].contains("--events"))
        let (_, unexplained) = try await run("add", "https://8.8.8.8/")
        #expect(unexplained.errors == ["billwright: --reason must be set"])
        let (added, secret) = try await run("add", "https://8.8.8.8/", "--events", "invoice.*", "--reason", "to know")
        #expect(added == .code(0) && secret.output.count == 2 && secret.output[1].hasPrefix("secret whsec_"))
        let (_, listed) = try await run("list")
        #expect(listed.output.count == 1 && listed.output[0].contains("enabled  https://8.8.8.8/  invoice.*"))
        let (_, rotated) = try await run("rotate", "1", "--reason", "it leaked")
        #expect(rotated.output[0].hasPrefix("secret whsec_") && rotated.output != secret.output)
        let (_, disabled) = try await run("disable", "1", "--reason", "too loud")
        #expect(disabled.output == ["disabled endpoint 1"])
        let (twice, again) = try await run("disable", "1", "--reason", "too loud")
        #expect(twice == .code(1) && again.errors == ["billwright: endpoint 1 is disabled already"])
        let (_, shown) = try await run("show", "1")
        #expect(shown.everything.contains("disabled: too loud") && shown.everything.contains("it leaked"))
        #expect(!shown.everything.contains("whsec_"))
        let (_, enabled) = try await run("enable", "1", "--reason", "quiet now")
        #expect(enabled.output == ["enabled endpoint 1"])
        let (none, unknown) = try await run("show", "7")
        #expect(none == .code(1) && unknown.errors[0].contains("there is no endpoint 7"))
        let (empty, nothing) = try await run("replay", "1", "--state", "failed", "--reason", "x")
        #expect(empty == .code(1) && nothing.output == ["no such deliveries, or they are under way"])
    }
}
