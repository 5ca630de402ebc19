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

@Suite(.database(migrations: BillingFixture.migrations), .timeLimit(.minutes(15)))
struct PaymentRetriesTests {
    @Test func `an open invoice is charged, booked, and its receipt written`() async throws {
        try await OpenInvoice.with { open in
            try await open.enqueue()
            #expect(try await open.drain() == ["completed"])
            #expect(try await open.attempts == ["1 success"])
            #expect(open.gateway.collected.map(\.amount.minorUnits) == [11800])
            #expect(try await open.effects == ["confirmed"])
            #expect(try await open.mails == ["invoice_issued", "payment_receipt"])
            #expect(try await open.fixture.states(of: SendMail.kind) == ["available", "available"])
        }
    }

    @Test func `a charge whose answer was lost is asked about, and not sent again`() async throws {
        try await OpenInvoice.with { open in
            open.gateway.script(.losesAnswer)
            try await open.enqueue()
            #expect(try await open.drain(for: 299) == ["snoozed"])
            #expect(try await open.attempts == ["1 unknown"])
            #expect(try await open.effects == ["unknown"])
            #expect(try await open.drain(for: 300) == ["completed"])
            #expect(open.charges == ["charge", "findCharge"])
            #expect(try await open.attempts == ["1 success"])
            #expect(try await open.effects == ["confirmed"])
            #expect(open.gateway.collected.count == 1)
        }
    }

    @Test func `a charge that never arrived is sent again as the same attempt, under the same key`() async throws {
        try await OpenInvoice.with { open in
            open.gateway.script(.losesRequest, .losesRequest, .losesAnswer)
            try await open.enqueue()
            #expect(try await open.drain(for: 3600) == ["snoozed", "snoozed", "snoozed", "completed"])
            #expect(open.charges == ["charge", "findCharge", "charge", "findCharge", "charge", "findCharge"])
            #expect(try await open.attempts == ["1 success"])
            let key = try await open.fixture.pool.query(
                "SELECT idempotency_key FROM queue.effects WHERE name = 'charge'"
            ).only(String.self)
            #expect(open.gateway.collected.count == 1 && open.keys == [key])
        }
    }

    @Test func `an unknown charge waits for a gateway that cannot be asked`() async throws {
        try await OpenInvoice.with { open in
            open.gateway.script(.losesAnswer)
            open.gateway.scriptSearches(.unavailable(reason: "down"), .unavailable(reason: "down"))
            try await open.enqueue()
            let failed = "failed: the payment gateway is unavailable: down"
            #expect(try await open.drain(for: 3600) == ["snoozed", failed, failed, "completed"])
            #expect(open.charges == ["charge", "findCharge", "findCharge", "findCharge"])
            #expect(open.gateway.collected.count == 1)
        }
    }

    @Test(arguments: [
        ("insufficient_funds", nil, "insufficient_funds", "dunning_friendly"),
        ("generic_decline", nil, "card_declined", "dunning_friendly"),
        ("expired_card", nil, "expired_card", "payment_method_needed"),
        ("lost_card", nil, "lost_card", "payment_method_needed"),
        ("generic_decline", "do_not_try_again", "lost_card", "payment_method_needed"),
        ("authentication_required", nil, "requires_action", "payment_action_required"),
    ])
    func `a decline is recorded with its code, and the customer told once what it means`(
        code: String, advice: String?, outcome: String, mail: String
    ) async throws {
        try await OpenInvoice.with { open in
            open.gateway.script(.declines(code: code, advice: advice))
            for _ in 1...2 { try await open.enqueue() }
            // The second job does not make a declined card decline again.
            #expect(try await open.drain(for: 3600) == ["completed", "completed"])
            #expect(open.charges == ["charge"])
            #expect(try await open.attempts == ["1 \(outcome) \(code)"])
            #expect(try await open.mails == ["invoice_issued", mail])
            #expect(try await open.fixture.account(open.customer).subscriptions.map(\.state) == [.pastDue])
            #expect(try await open.effects == ["refused"])
        }
    }

    @Test func `a charge that the customer must confirm waits for the customer`() async throws {
        try await OpenInvoice.with { open in
            open.gateway.script(.requiresAction)
            for _ in 1...2 { try await open.enqueue() }
            #expect(try await open.drain(for: 3600) == ["completed", "completed"])
            #expect(open.charges == ["charge"])
            #expect(try await open.attempts == ["1 requires_action"])
            #expect(try await open.mails == ["invoice_issued", "payment_action_required"])
        }
    }

    /// A bank debit is asked about after four days, and then every day.
    @Test(arguments: [true, false])
    func `a debit under way is neither repeated nor dunned, and booked as what becomes of it`(
        arrives: Bool
    ) async throws {
        try await OpenInvoice.with { open in
            open.gateway.script(.processes)
            open.gateway.scriptSearches(
                .found(.processing(reference: "pi_1")), .found(.processing(reference: "pi_1")),
                .found(
                    arrives
                        ? .succeeded(reference: "pi_1")
                        : .declined(code: "insufficient_funds", advice: nil, reference: "pi_1")))
            try await open.enqueue()
            let day = 86_400
            #expect(try await open.drain(for: 4 * day - 1) == ["snoozed"])
            #expect(try await open.attempts == ["1 processing"])
            // Another job keeps off as well.
            try await open.enqueue()
            #expect(try await open.drain(for: 0) == ["snoozed"])
            #expect(open.charges == ["charge"])
            #expect(try await open.mails == ["invoice_issued"])

            try await open.drain(for: 6 * day - 1)
            #expect(open.charges == ["charge", "findCharge", "findCharge", "findCharge"])
            #expect(try await open.attempts == [arrives ? "1 success" : "1 insufficient_funds insufficient_funds"])
            #expect(try await open.mails == ["invoice_issued", arrives ? "payment_receipt" : "dunning_friendly"])
            #expect(try await open.fixture.states(of: CollectPayments.kind) == ["completed", "completed"])
        }
    }

    @Test func `a job held for our own key asks before it sends, once it is released`() async throws {
        try await OpenInvoice.with { open in
            open.gateway.script(.rejects(reason: "no such key"))
            try await open.enqueue()
            #expect(
                try await open.drain(for: 3600) == [
                    "held: payment attempt \(open.customer)/0 of 118.00 USD, invoice ACME-0001: "
                        + "the gateway refuses our requests: no such key"
                ])
            #expect(try await open.attempts == ["1 sent"])
            try await open.fixture.release(CollectPayments.kind, at: open.fixture.start)
            #expect(try await open.drain(for: 300) == ["snoozed", "completed"])
            #expect(open.charges == ["charge", "findCharge", "charge"])
            #expect(try await open.attempts == ["1 success"])
            #expect(open.gateway.collected.count == 1)
        }
    }

    @Test func `what the gateway remembers and cannot be is left to a person`() async throws {
        try await OpenInvoice.with { open in
            open.gateway.script(.losesAnswer)
            open.gateway.scriptSearches(.found(.unknown(reason: "charged twice")))
            try await open.enqueue()
            #expect(
                try await open.drain(for: 3600) == [
                    "snoozed",
                    "held: payment attempt \(open.customer)/0 of 118.00 USD, invoice ACME-0001: charged twice",
                ])
            #expect(open.charges == ["charge", "findCharge"])
            #expect(try await open.attempts == ["1 unknown"])
        }
    }

    @Test func `a gateway that is away is tried again, the attempt being taken back meanwhile`() async throws {
        try await OpenInvoice.with { open in
            open.gateway.script(.refusesConnection, .refusesConnection)
            try await open.enqueue()
            let failed = "failed: the payment gateway is unavailable: connection refused"
            #expect(try await open.drain() == [failed])
            #expect(try await open.attempts == ["1 intended"])
            #expect(try await open.drain(for: 3600) == [failed, "completed"])
            #expect(open.charges == ["charge", "charge", "charge"])
            #expect(try await open.attempts == ["1 success"])
        }
    }

    @Test func `an attempt sent again after it was taken back can still go wrong`() async throws {
        try await OpenInvoice.with { open in
            open.gateway.script(.refusesConnection, .losesAnswer)
            try await open.enqueue()
            #expect(try await open.drain(for: 60).last == "snoozed")
            #expect(try await open.attempts == ["1 unknown"])
            #expect(try await open.drain(for: 3600) == ["completed"])
            #expect(open.charges == ["charge", "charge", "findCharge"])
            #expect(open.gateway.collected.count == 1)
        }
    }

    /// What is done to the invoice while its attempt waits to be sent again, and what is left to be charged.
    private static let meanwhile: [(Accounts.Operation, Int64?)] = [
        (.pay(invoice: 1, amount: nil), nil), (.void(invoice: 1), nil),
        (.credit(Money(minorUnits: 1800, .usd)), 10_000),
        (.pay(invoice: 1, amount: Money(minorUnits: 800, .usd)), 11_000),
    ]

    @Test(arguments: meanwhile)
    func `an attempt that was taken back is given up when it is no longer what is due`(
        operation: Accounts.Operation, rest: Int64?
    ) async throws {
        try await OpenInvoice.with { open in
            open.gateway.script(.refusesConnection)
            try await open.enqueue()
            try await open.drain()
            try await open.fixture.perform(operation, for: open.customer)
            try await open.drain(for: 3600)
            #expect(open.gateway.charges.map(\.amount.minorUnits) == (rest.map { [$0] } ?? []))
            #expect(try await open.attempts == ["1 withdrawn"] + (rest == nil ? [] : ["2 success"]))
            #expect(try await open.effects == ["refused"] + (rest == nil ? [] : ["confirmed"]))
            let account = try await open.fixture.account(open.customer)
            #expect(account.invoices[0].state != .open && account.credit.isZero)
        }
    }

    @Test func `a second job for an invoice finds it paid`() async throws {
        try await OpenInvoice.with { open in
            for _ in 1...3 { try await open.enqueue() }
            #expect(try await open.drain(for: 3600) == ["completed", "completed", "completed"])
            #expect(open.charges == ["charge"])
            #expect(try await open.attempts == ["1 success"])
        }
    }

    @Test func `a second job keeps off while the first does not know`() async throws {
        try await OpenInvoice.with { open in
            open.gateway.script(.losesAnswer)
            for _ in 1...2 { try await open.enqueue() }
            #expect(try await open.drain(for: 299) == ["snoozed", "snoozed"])
            #expect(open.charges == ["charge"])
            #expect(try await open.drain(for: 300) == ["completed", "completed"])
            #expect(open.charges == ["charge", "findCharge"])
            #expect(open.gateway.collected.count == 1)
        }
    }

    @Test func `many invoices are collected over several runs, each once`() async throws {
        try await OpenInvoice.with { open in
            for amount in 1...5 {
                let line = Accounts.Operation.OneOffLine(
                    code: "setup", amount: Money(minorUnits: Int64(amount * 100), .usd), description: nil,
                    obligation: nil)
                try await open.fixture.change([open.customer]) { account in
                    try account.perform(.invoice([line]), at: open.fixture.start)
                }
            }
            try await open.enqueue()
            // A run calls the gateway four times at most.
            #expect(try await open.drain() == ["snoozed", "completed"])
            #expect(open.gateway.collected.map(\.amount.minorUnits) == [11_800, 100, 200, 300, 400, 500])
        }
    }

    /// Nothing has been given, or what was given is still on its way to the gateway.
    @Test(arguments: [nil, "pm_card_visa"])
    func `an invoice without a payment method waits for one, and no job turns round and round`(
        token: String?
    ) async throws {
        try await BillingFixture.with { fixture in
            let seller = try await fixture.load([SampleCustomer(token: token)])
            try await fixture.bill(seller)
            let gateway = CountingGateway()
            try await fixture.enqueue(CollectPayments(customer: seller.customer()))
            let drained = try await fixture.drain(from: fixture.start) { CollectPaymentsHandler(gateway: gateway) }
            #expect(drained.endings == ["completed"])
            #expect(gateway.calls.isEmpty)
            #expect(try await fixture.states(of: CollectPayments.kind) == ["completed"])
        }
    }
}
