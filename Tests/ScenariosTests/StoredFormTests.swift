import Accounts
import Billing
import Dates
import JSONText
import Money
import Scenarios
import Testing

/// What real histories leave behind, through the text of its columns and back.
@Suite struct StoredFormTests {
    private func stored(_ json: JSONValue) throws -> JSONNode {
        try JSONNode(parsing: Array(json.text(sortingKeys: true).utf8))
    }

    @Test(arguments: Sample.files)
    func `what a scenario leaves in an account is read back as it was`(file: String) throws {
        let scenario = try Scenario.read(
            Sample.bytes(file), name: file, zones: Sample.zone, shippedCatalogue: Sample.shipped)
        #expect(try BillingSettings(reading: stored(scenario.settings.json)) == scenario.settings)
        for account in try Replay(playing: scenario).accounts {
            try check(account.subscriptions, account.currency)
            for invoice in account.invoices {
                for line in invoice.lines { try check(line) }
                if let dunning = invoice.dunning { #expect(try DunningCase(reading: stored(dunning.json)) == dunning) }
            }
            for note in account.notes {
                #expect(
                    try [CreditNote.Share](reading: stored(note.shares.json), currency: account.currency) == note.shares
                )
            }
            for use in account.coupons {
                let text = try use.coupon.json().text()
                #expect(try Coupon.read(Array(text.utf8), name: file, currency: account.currency) == use.coupon)
            }
            var restored = account
            try restored.restoreState(reading: stored([:]))
            try restored.restoreState(reading: stored(account.stateJSON))
            #expect(restored.stateJSON == account.stateJSON)
        }
    }

    private func check(_ subscriptions: [Subscription], _ currency: Currency) throws {
        for subscription in subscriptions {
            var plans: [Plan] = []
            let json = try subscription.json { plan in
                let index = plans.firstIndex(of: plan) ?? plans.count
                if index == plans.count { plans.append(plan) }
                return Int64(index)
            }
            let read = try Subscription(
                reading: stored(json), code: subscription.code, ordinal: subscription.ordinal,
                start: subscription.start, state: subscription.state, history: subscription.history, currency: currency
            ) { plans[Int($0)] }
            #expect(read == subscription)
        }
    }

    private func check(_ line: InvoiceLine) throws {
        let explanation = try Explanation(
            reading: stored(line.explanation.json()), currency: line.amount.currency)
        #expect(try explanation.evaluate() == line.amount)
        let read = try InvoiceLine(
            reading: stored(line.extras), kind: line.kind, code: line.code, subscription: line.subscription,
            period: line.period, quantity: line.quantity.flatMap { Rational(exactText: $0.exactText) },
            factor: line.factor.flatMap { Fraction(parsing: $0.description) }, amount: line.amount,
            explanation: explanation)
        #expect(read == line)
        let sentence = try line.explanation.sentence { "INV-\($0)" }
        let amount = Money(minorUnits: Int64(line.amount.minorUnits.magnitude), line.amount.currency)
        #expect(sentence.contains(amount.decimal), "\(sentence)")
    }
}
