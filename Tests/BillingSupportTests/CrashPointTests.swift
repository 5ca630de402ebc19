import BillingSupport
import Testing

@Suite struct CrashPointTests {
    @Test func `it strikes at its call and again as many calls later`() {
        let crash = CrashPoint(at: 2, times: 2)
        var survived: [Bool] = []
        for call in 1...6 {
            survived.append(crash.survives("\(call)"))
            crash.recover()
        }
        #expect(survived == [true, false, true, false, true, true])
        #expect(crash.struckAt == ["2", "4"])
    }

    @Test func `the dead do nothing, and what they try is not counted`() {
        let crash = CrashPoint(at: 1)
        #expect(!crash.survives("first"))
        #expect(!crash.survives("second"))
        #expect(crash.isDown && crash.passed == 1)
        crash.recover()
        #expect(crash.survives("third"))
    }
}
