import BillingSupport
import Dates
import Testing

@Suite struct ConformanceTests {
    @Test(arguments: GatewayConformance.allCases)
    func `the gateway in memory does what every gateway must`(promise: GatewayConformance) async throws {
        let now = try Instant(parsing: "2026-02-15T12:00:00Z")
        try await promise.check(CountingGateway(), token: "pm_card_visa", run: "1", at: now)
    }

    @Test func `the mail server in memory does what every mail server must`() async throws {
        let mailer = CountingMailer()
        await expectMailIsAccepted(by: mailer, run: "1", at: try Instant(parsing: "2026-02-15T12:00:00Z"))
        #expect(mailer.accepted.count == 2 && mailer.messageIDs.count == 1)
    }

    @Test func `a gateway that ignores keys charges again, and is known by it`() async throws {
        let gateway = CountingGateway(honoursKeys: false)
        await withKnownIssue {
            let now = try Instant(parsing: "2026-02-15T12:00:00Z")
            try await GatewayConformance.theSameKeyChargesOnce.check(gateway, token: "pm_card_visa", run: "1", at: now)
        }
        #expect(gateway.collected.count == 2)
    }
}
