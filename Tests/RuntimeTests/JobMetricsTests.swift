import JobKit
import Observability
import Testing

@testable import Runtime

@Suite struct JobMetricsTests {
    @Test func `every metric of a job has its help, and two kinds share it`() {
        let metrics = Metrics()
        let errands = JobMetrics(metrics, queue: "q", kind: "errand")
        _ = JobMetrics(metrics, queue: "q", kind: "walk")
        errands.claimed.increment(by: 3)
        errands.latency.observe(.seconds(7200))
        #expect(metrics.total("billwright_jobs_claimed_total", ["queue": "q", "kind": "errand"]) == 3)
        let lines = metrics.rendered().split(separator: "\n")
        #expect(lines.count { $0.hasPrefix("# HELP ") } == 6)
        #expect(lines.count { $0.hasPrefix("# TYPE ") } == 6)
        let bucket = #"billwright_job_latency_seconds_bucket{kind="errand",queue="q",le="14400.0"} 1"#
        #expect(lines.contains { $0 == bucket })
    }
}
