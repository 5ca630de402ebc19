public import Dates
public import FoundationEssentials

/// A value that can be bound in `SQL`: it names its Postgres type and writes the binary form of that type.
///
/// An enum with raw values conforms by naming the protocol; it is stored as its raw value.
public protocol PostgresEncodable: Sendable {
    /// The type the server is told.
    static var postgresType: PostgresType { get }

    /// Whether the value is NULL, in which case nothing is encoded. Only optionals say yes.
    var isNull: Bool { get }

    /// Appends the binary form.
    func encode(into bytes: inout [UInt8])
}

/// What can be bound, read back, and put in arrays.
public typealias PostgresCodable = PostgresEncodable & PostgresDecodable & PostgresArrayElement

extension PostgresEncodable {
    public var isNull: Bool { false }
}

extension PostgresEncodable where Self: RawRepresentable, RawValue: PostgresEncodable {
    public static var postgresType: PostgresType { RawValue.postgresType }
    public func encode(into bytes: inout [UInt8]) { rawValue.encode(into: &bytes) }
}

extension Optional: PostgresEncodable where Wrapped: PostgresEncodable {
    public static var postgresType: PostgresType { Wrapped.postgresType }
    public var isNull: Bool { map(\.isNull) ?? true }
    public func encode(into bytes: inout [UInt8]) { self?.encode(into: &bytes) }
}

extension Bool: PostgresEncodable {
    public static var postgresType: PostgresType { .bool }
    public func encode(into bytes: inout [UInt8]) { bytes.append(self ? 1 : 0) }
}

extension Int16: PostgresEncodable {
    public static var postgresType: PostgresType { .int2 }
    public func encode(into bytes: inout [UInt8]) { bytes.append(bigEndian: self) }
}

extension Int32: PostgresEncodable {
    public static var postgresType: PostgresType { .int4 }
    public func encode(into bytes: inout [UInt8]) { bytes.append(bigEndian: self) }
}

extension Int64: PostgresEncodable {
    public static var postgresType: PostgresType { .int8 }
    public func encode(into bytes: inout [UInt8]) { bytes.append(bigEndian: self) }
}

extension Int: PostgresEncodable {
    public static var postgresType: PostgresType { .int8 }
    public func encode(into bytes: inout [UInt8]) { bytes.append(bigEndian: Int64(self)) }
}

extension String: PostgresEncodable {
    public static var postgresType: PostgresType { .text }
    public func encode(into bytes: inout [UInt8]) { bytes += utf8 }
}

extension UUID: PostgresEncodable {
    public static var postgresType: PostgresType { .uuid }
    public func encode(into bytes: inout [UInt8]) {
        unsafe withUnsafeBytes(of: uuid) { unsafe bytes.append(contentsOf: $0) }
    }
}

/// Postgres counts time from 2000-01-01, not from 1970-01-01.
enum PostgresEpoch {
    static let microseconds: Int64 = 946_684_800_000_000
    static let days: Int32 = 10_957
}

extension Instant: PostgresEncodable {
    public static var postgresType: PostgresType { .timestamptz }

    /// An instant before Postgres' calendar begins (4713 BC) is refused by the server with 22008.
    public func encode(into bytes: inout [UInt8]) {
        let (shifted, overflow) = microseconds.subtractingReportingOverflow(PostgresEpoch.microseconds)
        // The least value means "-infinity" on the wire, which nobody asked for; the one above it is out of range.
        bytes.append(bigEndian: overflow || shifted == .min ? .min + 1 : shifted)
    }
}

extension LocalDate: PostgresEncodable {
    public static var postgresType: PostgresType { .date }

    /// A date outside Postgres' range (4713 BC to 5874897 AD) is refused by the server with 22008.
    public func encode(into bytes: inout [UInt8]) {
        let (shifted, overflow) = daysSinceEpoch.subtractingReportingOverflow(PostgresEpoch.days)
        bytes.append(bigEndian: overflow || shifted == .min ? .min + 1 : shifted)
    }
}

/// A JSON document as text in UTF-8; bound as `jsonb`, read from `jsonb` or `json`. Its syntax is the server's to
/// check.
public struct PostgresJSON: Hashable, Sendable, PostgresEncodable {
    /// The text. What comes back from `jsonb` is equal as JSON, not byte for byte.
    public let utf8: [UInt8]

    public init(_ utf8: [UInt8]) { self.utf8 = utf8 }
    public init(_ text: String) { utf8 = Array(text.utf8) }

    /// The document as a string.
    public var text: String { String(decoding: utf8, as: UTF8.self) }

    public static var postgresType: PostgresType { .jsonb }
    public func encode(into bytes: inout [UInt8]) {
        bytes.append(1)  // The version of jsonb's binary form.
        bytes += utf8
    }
}
