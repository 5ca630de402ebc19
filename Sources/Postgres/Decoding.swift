public import Dates
public import FoundationEssentials

/// A value that can be read from a result column: it says which types it reads without loss and reads their binary
/// form.
public protocol PostgresDecodable: Sendable {
    /// Whether every value of the column type `type` can be read as this Swift type.
    static func accepts(_ type: PostgresType) -> Bool

    /// Reads the binary form of a value of an accepted type.
    /// - Throws: a fault saying what is wrong with the bytes; the row adds the column's name.
    init(postgres bytes: Span<UInt8>, type: PostgresType) throws(PostgresDecodingFault)

    /// What NULL reads as. Throws, except for optionals.
    static func decodeNull() throws(PostgresDecodingFault) -> Self
}

/// Why bytes could not be read as a value.
public struct PostgresDecodingFault: Error, Sendable {
    /// For a person, without the value itself.
    public let reason: String

    public init(_ reason: String) { self.reason = reason }
}

extension PostgresDecodable {
    public static func decodeNull() throws(PostgresDecodingFault) -> Self {
        throw PostgresDecodingFault("the value is NULL; read it as an optional if it may be")
    }
}

extension PostgresDecodable where Self: RawRepresentable, RawValue: PostgresDecodable {
    public static func accepts(_ type: PostgresType) -> Bool { RawValue.accepts(type) }

    public init(postgres bytes: Span<UInt8>, type: PostgresType) throws(PostgresDecodingFault) {
        let rawValue = try RawValue(postgres: bytes, type: type)
        guard let value = Self(rawValue: rawValue) else {
            throw PostgresDecodingFault("\(rawValue) is none of the cases of \(Self.self)")
        }
        self = value
    }
}

extension Optional: PostgresDecodable where Wrapped: PostgresDecodable {
    public static func accepts(_ type: PostgresType) -> Bool { Wrapped.accepts(type) }

    public init(postgres bytes: Span<UInt8>, type: PostgresType) throws(PostgresDecodingFault) {
        self = .some(try Wrapped(postgres: bytes, type: type))
    }

    public static func decodeNull() throws(PostgresDecodingFault) -> Self { .none }
}

extension Bool: PostgresDecodable {
    public static func accepts(_ type: PostgresType) -> Bool { type == .bool }

    public init(postgres bytes: Span<UInt8>, type: PostgresType) throws(PostgresDecodingFault) {
        self = try bytes.integer(at: 0, as: UInt8.self) != 0
    }
}

// Narrower columns widen without loss; a wider column is never read into a narrower integer.
extension Int16: PostgresDecodable {
    public static func accepts(_ type: PostgresType) -> Bool { type == .int2 }

    public init(postgres bytes: Span<UInt8>, type: PostgresType) throws(PostgresDecodingFault) {
        self = try bytes.integer(at: 0, as: Int16.self)
    }
}

extension Int32: PostgresDecodable {
    public static func accepts(_ type: PostgresType) -> Bool { type == .int4 || type == .int2 }

    public init(postgres bytes: Span<UInt8>, type: PostgresType) throws(PostgresDecodingFault) {
        self = type == .int2 ? Int32(try Int16(postgres: bytes, type: type)) : try bytes.integer(at: 0, as: Int32.self)
    }
}

extension Int64: PostgresDecodable {
    public static func accepts(_ type: PostgresType) -> Bool { type == .int8 || Int32.accepts(type) }

    public init(postgres bytes: Span<UInt8>, type: PostgresType) throws(PostgresDecodingFault) {
        self = type == .int8 ? try bytes.integer(at: 0, as: Int64.self) : Int64(try Int32(postgres: bytes, type: type))
    }
}

extension Int: PostgresDecodable {
    public static func accepts(_ type: PostgresType) -> Bool { Int64.accepts(type) }

    public init(postgres bytes: Span<UInt8>, type: PostgresType) throws(PostgresDecodingFault) {
        self = Int(try Int64(postgres: bytes, type: type))
    }
}

extension String: PostgresDecodable {
    public static func accepts(_ type: PostgresType) -> Bool {
        type == .text || type == .varchar || type == .bpchar || type == .name
    }

    public init(postgres bytes: Span<UInt8>, type: PostgresType) throws(PostgresDecodingFault) {
        do { self = String(copying: try UTF8Span(validating: bytes)) } catch {
            throw PostgresDecodingFault("the bytes are not UTF-8")
        }
    }
}

extension UUID: PostgresDecodable {
    public static func accepts(_ type: PostgresType) -> Bool { type == .uuid }

    public init(postgres bytes: Span<UInt8>, type: PostgresType) throws(PostgresDecodingFault) {
        guard bytes.count == 16 else { throw PostgresDecodingFault("a uuid of \(bytes.count) bytes") }
        let b = bytes
        self.init(
            uuid: (
                b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]
            ))
    }
}

extension Instant: PostgresDecodable {
    public static func accepts(_ type: PostgresType) -> Bool { type == .timestamptz }

    public init(postgres bytes: Span<UInt8>, type: PostgresType) throws(PostgresDecodingFault) {
        let since2000 = try bytes.integer(at: 0, as: Int64.self)
        let (microseconds, overflow) = since2000.addingReportingOverflow(PostgresEpoch.microseconds)
        guard since2000 != .min, !overflow else {
            throw PostgresDecodingFault("the timestamp is infinite or after the year 294246")
        }
        self.init(microseconds: microseconds)
    }
}

extension LocalDate: PostgresDecodable {
    public static func accepts(_ type: PostgresType) -> Bool { type == .date }

    public init(postgres bytes: Span<UInt8>, type: PostgresType) throws(PostgresDecodingFault) {
        let since2000 = try bytes.integer(at: 0, as: Int32.self)
        let (days, overflow) = since2000.addingReportingOverflow(PostgresEpoch.days)
        guard since2000 != .min, !overflow else { throw PostgresDecodingFault("the date is infinite") }
        self.init(daysSinceEpoch: days)
    }
}

extension PostgresJSON: PostgresDecodable {
    public static func accepts(_ type: PostgresType) -> Bool { type == .jsonb || type == .json }

    public init(postgres bytes: Span<UInt8>, type: PostgresType) throws(PostgresDecodingFault) {
        guard type == .jsonb else {
            self.init(bytes.array(from: 0))
            return
        }
        guard try bytes.integer(at: 0, as: UInt8.self) == 1 else {
            throw PostgresDecodingFault("unknown jsonb version")
        }
        self.init(bytes.array(from: 1))
    }
}

extension Span<UInt8> {
    /// An integer in the byte order of the wire.
    func integer<Integer: FixedWidthInteger>(
        at offset: Int, as: Integer.Type = Integer.self
    ) throws(PostgresDecodingFault) -> Integer {
        let width = Integer.bitWidth / 8
        guard offset <= count - width else { throw PostgresDecodingFault("the value is cut short") }
        var value: Integer = 0
        for index in offset..<offset + width { value = value << 8 | Integer(truncatingIfNeeded: self[index]) }
        return value
    }

    func array(from start: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count - start)
        for index in start..<count { bytes.append(self[index]) }
        return bytes
    }
}
