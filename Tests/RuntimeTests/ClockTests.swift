import Dates
import JobKit
import Runtime
import Testing

@Suite struct ClockTests {
    @Test func `business time follows the database and never steps back`() {
        let start = Instant(microseconds: 1_000_000_000)
        let clock = DatabaseClock(databaseTime: start)
        #expect(clock.now() >= start)
        clock.synchronise(databaseTime: start + .seconds(3600))
        let ahead = clock.now()
        #expect(ahead >= start + .seconds(3600))
        clock.synchronise(databaseTime: start)
        #expect(clock.now() >= ahead)
    }

    @Test func `waiting for a stage ends when it is reached or the waiter is cancelled`() async {
        let drain = Drain()
        let cancelled = Task { await drain.wait(for: .stopped) }
        cancelled.cancel()
        await cancelled.value
        let waiting = Task { await drain.wait(for: .draining) }
        drain.advance()
        await waiting.value
        #expect(drain.stage == .draining)
        drain.advance()
        drain.advance()
        #expect(drain.stage == .stopped)
        await drain.wait(for: .stopped)
    }
}
