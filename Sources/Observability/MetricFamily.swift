/// All series of one metric: of one kind, with one help text, and a histogram's with the same bounds.
struct MetricFamily: Sendable {
    let name: String
    let kind: Metrics.Kind
    let bounds: [Duration]
    var help: String?
    var series: [[MetricLabel]: any MetricSeries] = [:]

    init(name: String, kind: Metrics.Kind, bounds: [Duration]? = nil) {
        precondition(MetricLabel.isName(name, allowsColon: true), "no name of a metric: \(name)")
        self.name = name
        self.kind = kind
        self.bounds = bounds ?? Histogram.standardBounds
    }

    func expect(_ kind: Metrics.Kind, bounds: [Duration]? = nil) {
        precondition(self.kind == kind, "\(name) is a \(self.kind), not a \(kind)")
        precondition(bounds == nil || bounds == self.bounds, "\(name) has other bounds")
    }

    /// The series with these labels, made if there is none.
    mutating func resolve<Series: MetricSeries>(
        _ labels: KeyValuePairs<String, String>, _ make: (MetricFamily) -> Series
    ) -> Series {
        var labels = MetricFamily.sorted(labels)
        if let found = series[labels] as? Series { return found }
        check(labels)
        if series.count >= Metrics.seriesLimit {
            labels = labels.map { MetricLabel(name: $0.name, value: "_other") }
            if let found = series[labels] as? Series { return found }
        }
        let made = make(self)
        series[labels] = made
        return made
    }

    static func sorted(_ labels: KeyValuePairs<String, String>) -> [MetricLabel] {
        labels.map { MetricLabel(name: $0.key, value: $0.value) }.sorted { $0.name < $1.name }
    }

    private func check(_ labels: [MetricLabel]) {
        for label in labels {
            let isReserved = label.name.hasPrefix("__") || (kind == .histogram && label.name == "le")
            precondition(
                MetricLabel.isName(label.name, allowsColon: false) && !isReserved,
                "\(name) cannot have a label \(label.name)")
        }
        precondition(Set(labels.map(\.name)).count == labels.count, "\(name) has a label twice")
    }

    func render(into out: inout String) {
        guard !series.isEmpty else { return }
        if let help { out += "# HELP \(name) \(MetricLabel.escaped(help, quotes: false))\n" }
        out += "# TYPE \(name) \(kind)\n"
        let rows = series.map { (text: MetricLabel.text($0.key), labels: $0.key, series: $0.value) }
        for row in rows.sorted(by: { $0.text < $1.text }) { row.series.render(name, row.labels, into: &out) }
    }
}

/// One label of a series.
struct MetricLabel: Hashable, Sendable {
    let name: String
    let value: String

    static func isName(_ text: String, allowsColon: Bool) -> Bool {
        let isWord = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                true
            default: allowsColon && byte == UInt8(ascii: ":")
            }
        }
        guard isWord, let first = text.utf8.first else { return false }
        return !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first)
    }

    /// `{name="value",…}`; nothing without labels.
    static func text(_ labels: [MetricLabel]) -> String {
        guard !labels.isEmpty else { return "" }
        return "{" + labels.map { "\($0.name)=\"\(escaped($0.value, quotes: true))\"" }.joined(separator: ",") + "}"
    }

    /// By scalars: as characters, a line feed behind a carriage return, or a quote below an accent, would slip through.
    static func escaped(_ text: String, quotes: Bool) -> String {
        var out = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": out.append(contentsOf: "\\\\".unicodeScalars)
            case "\n": out.append(contentsOf: "\\n".unicodeScalars)
            case "\"" where quotes: out.append(contentsOf: "\\\"".unicodeScalars)
            default: out.append(scalar)
            }
        }
        return String(out)
    }
}
