import Accounts
import Billing
import BillingPorts
import BillingSupport
import Dates
import JobKit
import Money
import PaymentRetries
import Postgres
import TestSupport
import Testing

/// What happens to an invoice while the gateway's answer to its charge is on the way.
@Suite(.database(migrations: BillingFixture.migrations), .timeLimit(.minutes(15)))
struct PaymentRacesTests {
    @Test(arguments: [true, false])
    func `a second worker on the same customer keeps off a charge under way`(isSlow: Bool) async throws {
        try await OpenInvoice.with { open in
            for _ in 1...2 { try await open.enqueue() }
            let interrupted = InterruptedGateway(open.gateway) {
                // A slow answer comes when the second has asked already.
                let endings = try await open.drain(for: isSlow ? 300 : 0)
                #expect(endings == (isSlow ? ["snoozed", "completed"] : ["snoozed"]))
            }
            #expect(try await open.drain(at: interrupted) == ["completed"])
            try await open.drain(for: 300)
            #expect(open.gateway.calls.count { $0 == "charge" } == 1 && open.gateway.collected.count == 1)
            #expect(try await open.attempts == ["1 success"])
            #expect(try await open.mails == ["invoice_issued", "payment_receipt"])
            #expect(try await open.fixture.states(of: CollectPayments.kind) == ["completed", "completed"])
        }
    }

    @Test func `what is heard of a charge before its answer is booked once`() async throws {
        try await OpenInvoice.with { open in
            try await open.enqueue()
            let interrupted = InterruptedGateway(open.gateway) {
                // As a webhook does.
                try await open.fixture.change([open.customer]) { account in
                    try account.settle(attempt: 0, with: .success, reference: "pi_1", at: open.fixture.start)
                }
            }
            #expect(try await open.drain(at: interrupted) == ["completed"])
            #expect(try await open.attempts == ["1 success"])
            #expect(try await open.effects == ["confirmed"])
            #expect(try await open.mails == ["invoice_issued", "payment_receipt"])
        }
    }

    @Test func `a worker that was given up commits nothing of an answer that comes after it`() async throws {
        try await OpenInvoice.with { open in
            try await open.enqueue()
            let interrupted = InterruptedGateway(open.gateway) {
                try await open.fixture.loseWorkers(now: open.fixture.start)
            }
            await #expect(throws: StaleLease.self) { try await open.drain(at: interrupted) }
            #expect(try await open.attempts == ["1 sent"])
            #expect(try await open.drain(for: 299) == ["snoozed"])
            #expect(open.charges == ["charge"])
            #expect(try await open.drain(for: 300) == ["completed"])
            #expect(open.charges == ["charge", "findCharge"])
            #expect(try await open.attempts == ["1 success"])
            #expect(open.gateway.collected.count == 1)
        }
    }

    @Test func `an answer about a sending that was given up does not take back the one after it`() async throws {
        try await OpenInvoice.with { open in
            for _ in 1...2 { try await open.enqueue() }
            open.gateway.script(.refusesConnection, .losesAnswer)
            let interrupted = InterruptedGateway(open.gateway) {
                // The second job finds nothing at the gateway, and sends the attempt itself.
                let endings = try await open.drain(for: 300)
                #expect(endings == ["snoozed", "snoozed"])
            }
            let failed = "failed: the payment gateway is unavailable: connection refused"
            #expect(try await open.drain(at: interrupted) == [failed])
            #expect(try await open.attempts == ["1 unknown"])
            try await open.drain(for: 3600)
            #expect(open.gateway.calls.count { $0 == "charge" } == 2 && open.gateway.collected.count == 1)
            #expect(try await open.attempts == ["1 success"])
        }
    }

    @Test func `an invoice paid by other means while it is charged makes credit of the charge`() async throws {
        try await OpenInvoice.with { open in
            try await open.enqueue()
            let interrupted = InterruptedGateway(open.gateway) {
                try await open.fixture.perform(.pay(invoice: 1, amount: nil), for: open.customer)
            }
            #expect(try await open.drain(at: interrupted) == ["completed"])
            let account = try await open.fixture.account(open.customer)
            #expect(account.invoices[0].state == .paid && account.credit.minorUnits == 11_800)
        }
    }
}
