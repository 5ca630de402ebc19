/// The medians of what was measured, ours and others', and how many times theirs ours are.
public struct SpeedReport: Sendable {
    private struct Samples: Sendable {
        let who: String
        let name: String
        var values: [Double]

        var median: Double { values.sorted()[values.count / 2] }
    }

    private static let ours = "ours"
    /// In the order in which each was first taken.
    private var samples: [Samples] = []

    public init() {}

    public mutating func add(_ name: String, _ value: Double) { add(name, value, of: Self.ours) }

    mutating func add(_ name: String, _ value: Double, of who: String) {
        if let index = samples.firstIndex(where: { $0.who == who && $0.name == name }) {
            samples[index].values.append(value)
        } else {
            samples.append(Samples(who: who, name: name, values: [value]))
        }
    }

    /// `ratio/WHO NAME`: ours by theirs. More than 1 is better for rates, less for milliseconds.
    private var figures: [(who: String, name: String, value: Double)] {
        let ours = Dictionary(samples.filter { $0.who == Self.ours }.map { ($0.name, $0.median) }) { $1 }
        let ratios = samples.filter { $0.who != Self.ours }.compactMap { theirs in
            ours[theirs.name].map { ("ratio/\(theirs.who)", theirs.name, $0 / theirs.median) }
        }
        return samples.map { ($0.who, $0.name, $0.median) } + ratios
    }

    public var lines: [String] { figures.map { "\($0.who) \($0.name) \(Self.text($0.value))" } }

    public var json: String {
        let members = figures.map { "\"\($0.who == Self.ours ? "" : "\($0.who)/")\($0.name)\":\(Self.text($0.value))" }
        return "{\(members.joined(separator: ","))}"
    }

    private static func text(_ value: Double) -> String {
        value >= 100 ? String(Int(value.rounded())) : String((value * 1000).rounded() / 1000)
    }
}
