internal import Synchronization

/// Counters, gauges and histograms of this process, rendered as Prometheus text.
///
/// Names follow Prometheus: counters end in `_total`, times are in seconds and end in `_seconds`.
public final class Metrics: Sendable {
    private struct Series: Hashable {
        let name: String
        let labels: [Label]
    }

    private struct Label: Hashable {
        let name: String
        let value: String
    }

    private struct Histogram {
        var counts = [UInt64](repeating: 0, count: Metrics.bounds.count + 1)
        var sum = 0.0
    }

    private struct State {
        var counters: [Series: UInt64] = [:]
        var gauges: [Series: Double] = [:]
        var histograms: [Series: Histogram] = [:]
    }

    /// Upper bounds in seconds: a millisecond to a minute.
    public static let bounds: [Double] = [
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
    ]

    private let state = Mutex(State())

    public init() {}

    public func count(_ name: String, _ labels: KeyValuePairs<String, String> = [:], by step: Int = 1) {
        precondition(step >= 0, "a counter only grows")
        let series = Metrics.series(name, labels)
        state.withLock { $0.counters[series, default: 0] += UInt64(step) }
    }

    public func set(_ name: String, _ labels: KeyValuePairs<String, String> = [:], to value: Double) {
        let series = Metrics.series(name, labels)
        state.withLock { $0.gauges[series] = value }
    }

    public func observe(_ name: String, _ labels: KeyValuePairs<String, String> = [:], _ duration: Duration) {
        let seconds = duration / .seconds(1)
        let slot = Metrics.bounds.firstIndex { seconds <= $0 } ?? Metrics.bounds.count
        let series = Metrics.series(name, labels)
        state.withLock { state in
            state.histograms[series, default: Histogram()].counts[slot] += 1
            state.histograms[series, default: Histogram()].sum += seconds
        }
    }

    /// The value of a counter, for summaries.
    public func total(_ name: String, _ labels: KeyValuePairs<String, String> = [:]) -> Int {
        let series = Metrics.series(name, labels)
        return state.withLock { Int($0.counters[series] ?? 0) }
    }

    private static func series(_ name: String, _ labels: KeyValuePairs<String, String>) -> Series {
        Series(name: name, labels: labels.map { Label(name: $0.key, value: $0.value) })
    }

    /// Text exposition format 0.0.4.
    public func rendered() -> String {
        let now = state.withLock { $0 }
        var out = ""
        for (name, rows) in Metrics.grouped(now.counters) {
            out += "# TYPE \(name) counter\n"
            for (labels, value) in rows { out += "\(name)\(Metrics.text(labels)) \(value)\n" }
        }
        for (name, rows) in Metrics.grouped(now.gauges) {
            out += "# TYPE \(name) gauge\n"
            for (labels, value) in rows { out += "\(name)\(Metrics.text(labels)) \(value)\n" }
        }
        for (name, rows) in Metrics.grouped(now.histograms) {
            out += "# TYPE \(name) histogram\n"
            for (labels, histogram) in rows { out += Metrics.lines(name, labels, histogram) }
        }
        return out
    }

    private static func lines(_ name: String, _ labels: [Label], _ histogram: Histogram) -> String {
        var out = ""
        var running: UInt64 = 0
        for (index, count) in histogram.counts.enumerated() {
            running += count
            let bound = index < bounds.count ? String(bounds[index]) : "+Inf"
            out += "\(name)_bucket\(text(labels + [Label(name: "le", value: bound)])) \(running)\n"
        }
        return out + "\(name)_sum\(text(labels)) \(histogram.sum)\n\(name)_count\(text(labels)) \(running)\n"
    }

    private static func grouped<Value>(_ series: [Series: Value]) -> [(String, [([Label], Value)])] {
        Dictionary(grouping: series, by: \.key.name).sorted { $0.key < $1.key }.map { name, rows in
            (name, rows.map { ($0.key.labels, $0.value) }.sorted { text($0.0) < text($1.0) })
        }
    }

    private static func text(_ labels: [Label]) -> String {
        guard !labels.isEmpty else { return "" }
        return "{" + labels.map { "\($0.name)=\"\(escaped($0.value))\"" }.joined(separator: ",") + "}"
    }

    private static func escaped(_ value: String) -> String {
        value.reduce(into: "") { out, character in
            switch character {
            case "\\": out += "\\\\"
            case "\"": out += "\\\""
            case "\n": out += "\\n"
            default: out.append(character)
            }
        }
    }
}
