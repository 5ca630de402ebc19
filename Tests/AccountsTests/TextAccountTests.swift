import Billing
import Chance
import Dates
import JSONText
import Money
import Testing

@testable import Accounts

@Suite struct TextAccountTests {
    private func account() -> Account {
        Account(
            code: "acme", currency: .usd, zone: .utc, sellerZone: .utc, settings: BillingSettings(currency: .usd),
            catalogue: Catalogue(currency: .usd, plans: []))
    }

    private func state(of account: Account) -> [String] {
        [
            "\(String(describing: account.openMonth)) \(String(describing: account.dunningPausedSince))",
            "\(account.collectsNow.sorted()) \(account.alerts.sorted()) \(account.refundsUnused)",
            "\(String(describing: account.reactivation)) \(account.lastMonthEntries)",
        ]
    }

    @Test(arguments: SeededGenerator.seeds)
    func `what an account keeps beside its lists is read back as it was`(seed: UInt64) throws {
        var samples = TextSamples(random: SeededGenerator(seed: seed), currency: .usd)
        for _ in 0..<100 {
            var account = account()
            account.openMonth = samples.maybe { $0.date() }
            account.lastMonthEntries = samples.count()
            account.dunningPausedSince = samples.maybe { $0.instant() }
            account.collectsNow = Set(samples.some { $0.count() })
            account.alerts = Set(samples.some { "\($0.code())/calls/\($0.date())/eighty" })
            account.refundsUnused = samples.bool()
            account.reactivation = samples.maybe {
                Reactivation(subscription: $0.code(), at: $0.instant(), invoice: $0.maybe { $0.count() })
            }
            var read = self.account()
            try read.restoreState(reading: stored(account.stateJSON))
            #expect(state(of: read) == state(of: account))
        }
    }

    @Test(arguments: SeededGenerator.seeds)
    func `a case of dunning and an event's properties are read back as they were`(seed: UInt64) throws {
        var samples = TextSamples(random: SeededGenerator(seed: seed), currency: .usd)
        for _ in 0..<100 {
            let (since, until) = (samples.instant(), samples.instant())
            let dunning = DunningCase(
                since: since, steps: samples.count(), retries: samples.bool(), held: until - since,
                extraDays: samples.count(), isOver: samples.bool())
            #expect(try DunningCase(reading: stored(dunning.json)) == dunning)
            let properties = Dictionary(samples.some { ($0.code(), "\"\($0.count())\u{1}é") }) { first, _ in first }
            let event = UsageEvent(id: "1", metric: "calls", properties: properties)
            #expect(try UsageEvent.properties(reading: stored(event.propertiesJSON)) == properties)
        }
    }

    @Test func `the stored form stays as it is`() throws {
        let at = try Instant(parsing: "2026-01-15T09:30:00Z")
        var account = account()
        #expect(account.stateJSON.text() == "{}")
        account.openMonth = try LocalDate(parsing: "2026-01-01")
        account.lastMonthEntries = 2
        account.dunningPausedSince = at
        account.collectsNow = [3, 0]
        account.alerts = ["s1/calls/2026-01-01/eighty"]
        account.refundsUnused = true
        account.reactivation = Reactivation(subscription: "s1", at: at, invoice: 4)
        #expect(
            account.stateJSON.text()
                == #"{"open_month":"2026-01-01","last_month_entries":2,"dunning_paused_since":"2026-01-15T09:30:00Z","collects_now":[0,3],"#
                + #""reactivation":{"subscription":"s1","at":"2026-01-15T09:30:00Z","invoice":4},"#
                + #""alerts":["s1/calls/2026-01-01/eighty"],"refunds_unused":true}"#)
        let dunning = DunningCase(since: at, steps: 2, retries: true, held: .seconds(60), extraDays: 5)
        #expect(
            dunning.json.text()
                == #"{"since":"2026-01-15T09:30:00Z","steps":2,"retries":true,"held_microseconds":60000000,"extra_days":5,"is_over":false}"#
        )
        let event = UsageEvent(id: "1", metric: "calls", properties: ["region": "eu", "bytes": "1.50"])
        #expect(event.propertiesJSON.text() == #"{"bytes":"1.50","region":"eu"}"#)
    }
}
