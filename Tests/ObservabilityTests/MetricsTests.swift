import Observability
import Testing

@Suite struct MetricsTests {
    @Test func `a handle is resolved once, whatever the order of its labels`() {
        let metrics = Metrics()
        let counter = metrics.counter("jobs_total", ["queue": "q", "kind": "k"])
        #expect(counter === metrics.counter("jobs_total", ["kind": "k", "queue": "q"]))
        #expect(counter !== metrics.counter("jobs_total", ["queue": "q", "kind": "l"]))
        metrics.count("jobs_total", ["kind": "k", "queue": "q"], by: 2)
        counter.increment()
        #expect(metrics.total("jobs_total", ["queue": "q", "kind": "k"]) == 3)
        #expect(metrics.total("jobs_total") == 0)
        #expect(metrics.total("others_total") == 0)
    }

    @Test func `nothing is lost when many count at once`() async {
        let metrics = Metrics()
        await withTaskGroup { tasks in
            for _ in 0..<8 {
                tasks.addTask {
                    let counter = metrics.counter("jobs_total", ["kind": "k"])
                    let histogram = metrics.histogram("job_seconds", ["kind": "k"])
                    for step in 0..<20_000 {
                        counter.increment()
                        histogram.observe(.microseconds(step % 2 == 0 ? 50 : 90_000_000))
                    }
                }
            }
        }
        #expect(metrics.total("jobs_total", ["kind": "k"]) == 160_000)
        let histogram = metrics.histogram("job_seconds", ["kind": "k"])
        #expect(histogram.count == 160_000)
        #expect(histogram.total == .microseconds(50 + 90_000_000) * 80_000)
        #expect(metrics.rendered().contains("job_seconds_bucket{kind=\"k\",le=\"60.0\"} 80000\n"))
    }

    @Test func `a scrape is sorted, and has help and type once a metric`() {
        let metrics = Metrics()
        metrics.declare("waits_seconds", .histogram, help: "How long.", bounds: [.microseconds(1), .seconds(2)])
        metrics.declare("jobs_total", .counter, help: "A \\ and\na line.")
        metrics.declare("jobs_total", .counter, help: "A \\ and\na line.")
        metrics.declare("unused_total", .counter, help: "Nobody counts.")
        metrics.count("jobs_total", ["kind": "b"])
        metrics.count("jobs_total", ["kind": "a"], by: 4)
        metrics.set("depth", to: 1.5)
        for duration in [Duration.nanoseconds(1000), .nanoseconds(1001), .seconds(2), .seconds(3), .seconds(-1)] {
            metrics.observe("waits_seconds", [:], duration)
        }
        #expect(
            metrics.rendered() == """
                # TYPE depth gauge
                depth 1.5
                # HELP jobs_total A \\\\ and\\na line.
                # TYPE jobs_total counter
                jobs_total{kind="a"} 4
                jobs_total{kind="b"} 1
                # HELP waits_seconds How long.
                # TYPE waits_seconds histogram
                waits_seconds_bucket{le="0.000001"} 2
                waits_seconds_bucket{le="2.0"} 4
                waits_seconds_bucket{le="+Inf"} 5
                waits_seconds_sum 5.000002
                waits_seconds_count 5

                """)
    }

    @Test(arguments: [
        ("plain", "plain"), ("a\\b", "a\\\\b"), ("say \"x\"", "say \\\"x\\\""), ("a\nb", "a\\nb"),
        // One character to Swift, and two to the format.
        ("a\r\nb", "a\r\\nb"), ("a\"\u{301}b", "a\\\"\u{301}b"), ("", ""),
    ])
    func `a label's value cannot end its line or its quotes`(value: String, written: String) {
        let metrics = Metrics()
        metrics.count("jobs_total", ["kind": value])
        let line = metrics.rendered().split(separator: "\n").last ?? ""
        #expect(line.unicodeScalars.elementsEqual("jobs_total{kind=\"\(written)\"} 1".unicodeScalars))
    }

    @Test(arguments: [
        (0.0, "0.0"), (-2.5, "-2.5"), (1e21, "1e+21"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"),
    ])
    func `a gauge is written as the format wants it`(value: Double, written: String) {
        let metrics = Metrics()
        metrics.set("depth", to: value)
        #expect(metrics.rendered() == "# TYPE depth gauge\ndepth \(written)\n")
    }

    @Test func `a gauge that is replaced shows no series of before`() {
        let metrics = Metrics()
        metrics.set("depth", ["queue": "a"], to: 7)
        metrics.replace("depth", with: [(["queue": "b"], 1)])
        #expect(metrics.rendered() == "# TYPE depth gauge\ndepth{queue=\"b\"} 1.0\n")
        metrics.replace("depth", with: [])
        #expect(metrics.rendered().isEmpty)
    }

    @Test func `a label with too many values is counted, but not told apart`() {
        let metrics = Metrics()
        for id in 0..<(Metrics.seriesLimit + 5) { metrics.count("jobs_total", ["id": "\(id)"]) }
        #expect(metrics.total("jobs_total", ["id": "3"]) == 1)
        #expect(metrics.total("jobs_total", ["id": "_other"]) == 5)
        #expect(metrics.rendered().split(separator: "\n").count == Metrics.seriesLimit + 2)
    }
}
