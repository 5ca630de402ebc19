import JudgeSupport
import Observability
import Testing

/// Against the parser of those who defined the format.
@Suite(Judge.isHere, .timeLimit(.minutes(15))) struct JudgedTests {
    @Test func `the official parser reads what was counted`() async throws {
        let metrics = Metrics()
        metrics.declare("jobs_total", .counter, help: "Jobs: \"all\"\nof \\ them.")
        metrics.count("jobs_total", ["queue": "a\"b\\c\r\nd}, e=\"", "kind": "ü"], by: 3)
        metrics.set("depth", to: -0.25)
        metrics.set("depth", ["queue": "x"], to: .infinity)
        let waits = metrics.histogram("waits_seconds", ["kind": "k"], bounds: [.microseconds(100), .seconds(60)])
        waits.observe(.microseconds(100))
        waits.observe(.milliseconds(1500))
        waits.observe(.seconds(61))
        let verdict = try await Judge.verdict(of: "metrics_judge.py", on: Array(metrics.rendered().utf8))
        #expect(verdict.status == 0)
        #expect(
            verdict.text == #"""
                gauge depth ""
                  depth {} -0.25
                  depth {"queue": "x"} inf
                counter jobs "Jobs: \"all\"\nof \\ them."
                  jobs_total {"kind": "\u00fc", "queue": "a\"b\\c\r\nd}, e=\""} 3
                histogram waits_seconds ""
                  waits_seconds_bucket {"kind": "k", "le": "0.0001"} 1
                  waits_seconds_bucket {"kind": "k", "le": "60.0"} 2
                  waits_seconds_bucket {"kind": "k", "le": "+Inf"} 3
                  waits_seconds_sum {"kind": "k"} 62.5001
                  waits_seconds_count {"kind": "k"} 3

                """#)
    }
}
