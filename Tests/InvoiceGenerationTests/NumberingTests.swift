import Billing
import BillingPorts
import BillingSupport
import Chance
import Dates
import InvoiceGeneration
import JobKit
import Postgres
import TestSupport
import Testing

@Suite(.database(migrations: BillingFixture.migrations), .timeLimit(.minutes(15)))
struct NumberingTests {
    private struct RollBack: Error {}
    private static let workers = 8
    private static let each = 12

    private static var customers: [SampleCustomer] {
        (0..<(workers * each)).map { SampleCustomer("c\($0)", token: nil) }
    }

    /// Eight workers ask for invoices, think better of it and ask again, number what was asked for, and die on the way.
    @Test(arguments: SeededGenerator.seeds, InvoiceNumbering.Scheme.allCases)
    func `numbers have no gap and none is given twice, whoever dies or takes back what`(
        seed: UInt64, scheme: InvoiceNumbering.Scheme
    ) async throws {
        try await BillingFixture.with(connections: Self.workers * 2) { fixture in
            let seller = try await fixture.load(Self.customers, numbering: scheme)
            let keys = seller.customers.values.sorted()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<Self.workers {
                    let mine = Array(keys[(worker * Self.each)..<((worker + 1) * Self.each)])
                    group.addTask {
                        try await Self.work(
                            mine, of: seller.id, SeededGenerator(seed: seed &* 100 &+ UInt64(worker)), in: fixture)
                    }
                }
                try await group.waitForAll()
            }
            // A job that was lost three times is held, and the others of its series wait for it.
            for kind in [FinaliseInvoices.kind, GenerateInvoices.kind] {
                try await fixture.release(kind, at: fixture.start)
            }
            try await fixture.drain(from: fixture.start) {
                FinaliseInvoicesHandler()
                InvoiceGenerationHandler()
            }
            let numbers = try await fixture.query(
                "SELECT number, code FROM books.invoices JOIN books.customers USING (seller_id, customer_id) ORDER BY 1",
                of: seller.id
            ).decode(String.self, String.self)
            let numbering = InvoiceNumbering(scheme)
            switch scheme {
            case .seller:
                #expect(numbers.map(\.0) == (1...keys.count).map { numbering.number(Int64($0), customer: "") })
                #expect(Set(numbers.map(\.1)).count == keys.count)
            case .customer:
                #expect(Set(numbers.map(\.0)) == Set(Self.customers.map { numbering.number(1, customer: $0.code) }))
            }
            let jobs = try await fixture.states(of: FinaliseInvoices.kind) + fixture.states(of: GenerateInvoices.kind)
            #expect(jobs.allSatisfy { $0 == "completed" })
            try await fixture.expectBalancedBooks(of: seller.id)
        }
    }

    private static func work(
        _ keys: [CustomerKey], of seller: Seller.ID, _ generator: SeededGenerator, in fixture: BillingFixture
    ) async throws {
        var random = generator
        for batch in stride(from: 0, to: keys.count, by: 3) {
            let wanted = Array(keys[batch..<min(batch + 3, keys.count)])
            for isRolledBack in Bool.random(using: &random) ? [true, false] : [false] {
                do {
                    try await fixture.work(of: seller) { work in
                        try await work.requestInvoices(of: wanted)
                        if isRolledBack { throw RollBack() }
                    }
                } catch is RollBack {}
            }
            // Where it dies is chance; some live.
            let crash = CrashPoint(at: Int.random(in: 1...20, using: &random))
            try await fixture.drain(from: fixture.start, crash: crash) {
                FinaliseInvoicesHandler()
                InvoiceGenerationHandler()
            }
        }
    }
}
