import Chance
import Dates
import Testing

@Suite struct InstantTests {
    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("1969-12-31T23:59:59.999999Z", -1),
        ("2026-01-31T09:00:00.5+05:45", 1_769_829_300_500_000),
        ("2026-01-31t09:00:00z", 1_769_850_000_000_000), ("2026-01-31T09:00:00-00:00", 1_769_850_000_000_000),
        ("2026-01-31T09:00:00.000001-03:30", 1_769_862_600_000_001),
    ])
    func `any offset and up to six digits are read`(text: String, microseconds: Int64) throws {
        #expect(try Instant(parsing: text).microseconds == microseconds)
    }

    @Test(arguments: [
        "", "2026-01-31", "2026-01-31T09:00:00", "2026-01-31T24:00:00Z", "2026-01-31T09:60:00Z", "2026-12-31T23:59:60Z",
        "2026-01-31T09:00:00.Z", "2026-01-31T09:00:00.1234567Z", "2026-01-31T09:00:00+0100", "2026-01-31T09:00:00Z ",
        "2025-02-29T09:00:00Z", "2026-01-31 09:00:00Z",
    ])
    func `text that is no instant is refused and named`(text: String) {
        #expect(throws: DateFault.notAnInstant(text)) { try Instant(parsing: text) }
    }

    @Test(arguments: SeededGenerator.seeds)
    func `an instant reads back from what it prints`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<1000 {
            let instant = Instant(
                microseconds: .random(in: -60_000_000_000_000_000...250_000_000_000_000_000, using: &random))
            #expect(try Instant(parsing: instant.description) == instant)
        }
    }

    @Test func `whole seconds are printed without a fraction`() {
        #expect(Instant(microseconds: 0).description == "1970-01-01T00:00:00Z")
        #expect(Instant(microseconds: -1).description == "1969-12-31T23:59:59.999999Z")
    }

    @Test func `adding is exact, also below zero, and overflow is an error`() throws {
        let epoch = Instant(microseconds: 0)
        #expect(try epoch.adding(.milliseconds(-1500)).microseconds == -1_500_000)
        #expect(try epoch.adding(.nanoseconds(1999)).microseconds == 1)
        #expect(epoch + .seconds(90) - .seconds(30) == Instant(microseconds: 60_000_000))
        #expect(Instant(microseconds: 5) - Instant(microseconds: 7) == .microseconds(-2))
        #expect(throws: DateFault.outOfRange) { try Instant(microseconds: .max).adding(.microseconds(1)) }
        #expect(throws: DateFault.outOfRange) { try epoch.adding(.seconds(Int64.max)) }
    }
}
