import Chance
import Dates
import Ledger
import Money
import Testing

@Suite struct LedgerTests {
    private let date = LocalDate(daysSinceEpoch: 20_000)

    private func posting(
        _ debit: LedgerAccount, _ credit: LedgerAccount, _ cents: Int64, _ currency: Currency = .usd
    ) throws -> Posting {
        try Posting(debit: debit, credit: credit, amount: Money(minorUnits: cents, currency))
    }

    @Test(arguments: [0, -1])
    func `an amount that is not positive cannot be posted`(cents: Int64) {
        #expect(throws: LedgerFault.amountNotPositive(Money(minorUnits: cents, .usd))) {
            try posting(.cash, .receivable, cents)
        }
    }

    @Test func `an account is not posted to itself`() {
        #expect(throws: LedgerFault.sameAccount(.cash)) { try posting(.cash, .cash, 1) }
    }

    @Test func `an entry has postings, and all in one currency`() throws {
        #expect(throws: LedgerFault.noPostings(.invoiceIssued)) {
            try JournalEntry(kind: .invoiceIssued, date: date, reference: "A-0001", postings: [])
        }
        let postings = [try posting(.cash, .receivable, 1), try posting(.cash, .receivable, 1, .eur)]
        #expect(throws: LedgerFault.severalCurrencies(.usd, .eur)) {
            try JournalEntry(kind: .paymentReceived, date: date, reference: "A-0001", postings: postings)
        }
    }

    @Test func `the balance is debits less credits`() throws {
        let issue = try JournalEntry(
            kind: .invoiceIssued, date: date, reference: "A-0001",
            postings: [posting(.receivable, .deferredRevenue, 10_000), posting(.receivable, .taxPayable, 2_000)])
        let payment = try JournalEntry(
            kind: .paymentReceived, date: date, reference: "A-0001", postings: [posting(.cash, .receivable, 12_000)])
        let balance = try TrialBalance(of: [issue, payment], in: .usd)
        #expect(balance[.cash].minorUnits == 12_000)
        #expect(balance[.receivable].isZero)
        #expect(balance.nonZero.map(\.account) == [.cash, .deferredRevenue, .taxPayable])
        #expect(throws: MoneyFault.currencyMismatch(.eur, .usd)) { try TrialBalance(of: [issue], in: .eur) }
    }

    @Test(arguments: SeededGenerator.seeds)
    func `whatever is posted, all accounts together hold nothing`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var balance = TrialBalance(.usd)
        for _ in 0..<500 {
            let accounts = LedgerAccount.allCases.shuffled(using: &random)
            try balance.post(posting(accounts[0], accounts[1], .random(in: 1...1_000_000_000, using: &random)))
            #expect(try Money.sum(LedgerAccount.allCases.map { balance[$0] }, in: .usd).isZero)
        }
    }
}
