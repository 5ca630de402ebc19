internal import JSONText
public import Money

/// Limits beyond which a customer is parked for a person to look at, never the run.
public struct Brakes: Hashable, Sendable {
    /// Lines of one subscription on one invoice.
    public var maximumLines: Int?
    /// How many times what the customer was invoiced for in the period before.
    public var maximumGrowth: Rational?

    public init(maximumLines: Int? = nil, maximumGrowth: Rational? = nil) {
        self.maximumLines = maximumLines
        self.maximumGrowth = maximumGrowth
    }
}

extension Brakes {
    /// Reads `{max_lines max_growth}`, each optional. What is wrong with it is added to the reader's faults.
    static func reading(_ node: JSONNode, _ fields: inout FieldReader) -> Brakes {
        fields.check(node, keys: ["max_lines", "max_growth"])
        return Brakes(
            maximumLines: fields.optional(node, "max_lines", Field.integer(1...1_000_000)),
            maximumGrowth: fields.optional(node, "max_growth", Field.positive))
    }

    /// As a catalogue writes it.
    var json: JSONValue {
        .present([
            "max_lines": maximumLines.map { .integer(Int64($0)) }, "max_growth": maximumGrowth.map { .text($0) },
        ])
    }
}
