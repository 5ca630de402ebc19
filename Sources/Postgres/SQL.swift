/// One SQL statement whose values travel beside its text, never in it.
///
/// Written as a literal: `"SELECT name FROM customers WHERE id = \(id)"`. An interpolation can only bind a value, which
/// becomes `$1` with its type and its binary form, or splice another `SQL`. Literals are `StaticString`, so text that
/// was made at run time cannot get in; names of databases and partitions go through `identifier(_:)`, which quotes.
public struct SQL: Sendable, ExpressibleByStringInterpolation {
    /// The text around the values: one value stands between each piece and the next.
    private var pieces: [String]
    private(set) var values: PackedValues
    private(set) var types: [UInt32]

    public init(stringLiteral value: StaticString) { self.init(pieces: [checked(value)]) }

    public init(stringInterpolation: StringInterpolation) { self = stringInterpolation.sql }

    private init(pieces: [String]) {
        self.pieces = pieces
        values = PackedValues()
        types = []
    }

    /// A name of a database, role, schema, table, partition, column or channel, quoted.
    /// - Throws: `.invalidIdentifier` when it is empty, longer than the 63 bytes Postgres keeps, or has a NUL.
    public static func identifier(_ name: String) throws(PostgresError) -> SQL {
        guard (1...63).contains(name.utf8.count), !name.utf8.contains(0) else { throw .invalidIdentifier(name) }
        var quoted = "\""
        for character in name.unicodeScalars {
            if character == "\"" { quoted.unicodeScalars.append("\"") }
            quoted.unicodeScalars.append(character)
        }
        return SQL(pieces: [quoted + "\""])
    }

    /// Whether nothing is bound.
    var hasNoValues: Bool { types.isEmpty }

    /// The text as it is sent, with `$1`, `$2`, … where values are bound.
    public var text: String {
        var text = pieces[0]
        for (index, piece) in pieces.enumerated().dropFirst() { text += "$\(index)\(piece)" }
        return text
    }

    fileprivate mutating func append(text: String) { pieces[pieces.count - 1] += text }

    fileprivate mutating func bind<Value: PostgresEncodable>(_ value: Value) {
        precondition(types.count < 65535, "a statement takes 65535 values at most: bind arrays and unnest them")
        types.append(Value.postgresType.oid)
        if value.isNull { values.appendNull() } else { values.append { value.encode(into: &$0) } }
        pieces.append("")
    }

    fileprivate mutating func splice(_ other: SQL) {
        append(text: other.pieces[0])
        pieces += other.pieces.dropFirst()
        values.append(contentsOf: other.values)
        types += other.types
    }

    /// Collects the literal's parts.
    public struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var sql = SQL(pieces: [""])

        public init(literalCapacity: Int, interpolationCount: Int) {
            sql.pieces.reserveCapacity(interpolationCount + 1)
        }

        /// Appends text that stands in the source.
        public mutating func appendLiteral(_ literal: StaticString) { sql.append(text: checked(literal)) }

        /// Binds a value.
        public mutating func appendInterpolation(_ value: some PostgresEncodable) { sql.bind(value) }

        /// Binds a value or NULL. Without this the compiler takes an optional in a literal for a mistake.
        public mutating func appendInterpolation<Value: PostgresEncodable>(_ value: Value?) { sql.bind(value) }

        /// Splices a statement or a part of one, with the values bound in it.
        public mutating func appendInterpolation(_ fragment: SQL) { sql.splice(fragment) }
    }
}

extension SQL: CustomStringConvertible {
    /// The text without the values, which may be personal data.
    public var description: String { text }
}

extension Sequence<SQL> {
    /// The fragments in order with `separator` between them, e.g. conditions joined by `" AND "`.
    public func joined(separator: SQL) -> SQL {
        var joined: SQL = ""
        for (index, fragment) in enumerated() {
            if index > 0 { joined.splice(separator) }
            joined.splice(fragment)
        }
        return joined
    }
}

// A hand-written `$1` would silently name whatever value is bound first.
private func checked(_ literal: StaticString) -> String {
    let text = literal.description
    var afterDollar = false
    for byte in text.utf8 {
        precondition(!(afterDollar && (0x30...0x39).contains(byte)), "bind with \\(value), not with $1: \(text)")
        afterDollar = byte == UInt8(ascii: "$")
    }
    return text
}
