internal import Synchronization

/// Counters, gauges and histograms of this process, rendered as Prometheus text.
///
/// What counts often takes a handle once (`counter`, `gauge`, `histogram`) and keeps it: using a handle takes no lock and
/// allocates nothing. `count`, `set` and `observe` look the handle up each time and are for what happens seldom.
///
/// Names follow Prometheus: counters end in `_total`, times are in seconds and end in `_seconds`. A metric is of one kind,
/// and labels are the same whatever order they are given in; anything else is a mistake of the program and stops it.
public final class Metrics: Sendable {
    public enum Kind: String, Sendable { case counter, gauge, histogram }

    /// More series than this are a label that should not be one, an id for instance. What exceeds it is counted together.
    public static let seriesLimit = 1000

    private let families = Mutex<[String: MetricFamily]>([:])

    public init() {}

    /// Says what a metric tells, in one sentence for people; `bounds` are a histogram's. Saying the same again does nothing.
    public func declare(
        _ name: String, _ kind: Kind, help: String, bounds: [Duration] = Histogram.standardBounds
    ) {
        families.withLock { families in
            var family = families[name] ?? MetricFamily(name: name, kind: kind, bounds: bounds)
            family.expect(kind, bounds: kind == .histogram ? bounds : nil)
            precondition(family.help == nil || family.help == help, "\(name) is declared twice, differently")
            family.help = help
            families[name] = family
        }
    }

    public func counter(_ name: String, _ labels: KeyValuePairs<String, String> = [:]) -> Counter {
        series(name, .counter, labels) { _ in Counter() }
    }

    public func gauge(_ name: String, _ labels: KeyValuePairs<String, String> = [:]) -> Gauge {
        series(name, .gauge, labels) { _ in Gauge() }
    }

    /// Without `bounds`: those of the metric's declaration. All series of a metric have the same.
    public func histogram(
        _ name: String, _ labels: KeyValuePairs<String, String> = [:], bounds: [Duration]? = nil
    ) -> Histogram {
        series(name, .histogram, labels, bounds: bounds) { Histogram(bounds: $0.bounds) }
    }

    public func count(_ name: String, _ labels: KeyValuePairs<String, String> = [:], by step: Int = 1) {
        counter(name, labels).increment(by: step)
    }

    public func set(_ name: String, _ labels: KeyValuePairs<String, String> = [:], to value: Double) {
        gauge(name, labels).set(to: value)
    }

    public func observe(_ name: String, _ labels: KeyValuePairs<String, String> = [:], _ duration: Duration) {
        histogram(name, labels).observe(duration)
    }

    /// Gives a gauge exactly these series: one that is not among them is gone, instead of telling its last value for ever.
    /// Not for a gauge whose handles somebody keeps: what they set is shown no more.
    public func replace(_ name: String, with values: [(labels: KeyValuePairs<String, String>, value: Double)]) {
        families.withLock { families in
            var family = families[name] ?? MetricFamily(name: name, kind: .gauge)
            family.expect(.gauge)
            family.series = [:]
            for (labels, value) in values {
                family.resolve(labels) { _ in Gauge() }.set(to: value)
            }
            families[name] = family
        }
    }

    /// The value of a counter, for summaries.
    public func total(_ name: String, _ labels: KeyValuePairs<String, String> = [:]) -> Int {
        let found = families.withLock { $0[name]?.series[MetricFamily.sorted(labels)] }
        return (found as? Counter)?.value ?? 0
    }

    /// Text exposition format 0.0.4.
    public func rendered() -> String {
        let now = families.withLock { $0 }
        var out = ""
        for family in now.values.sorted(by: { $0.name < $1.name }) { family.render(into: &out) }
        return out
    }

    private func series<Series: MetricSeries>(
        _ name: String, _ kind: Kind, _ labels: KeyValuePairs<String, String>, bounds: [Duration]? = nil,
        _ make: (MetricFamily) -> Series
    ) -> Series {
        families.withLock { families in
            var family = families[name] ?? MetricFamily(name: name, kind: kind, bounds: bounds)
            family.expect(kind, bounds: bounds)
            let found = family.resolve(labels, make)
            families[name] = family
            return found
        }
    }
}
