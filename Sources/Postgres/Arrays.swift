public import Dates
public import FoundationEssentials

/// What may stand in a bound array, so that one statement takes any number of rows: `unnest(\(ids), \(names))`.
///
/// Arrays have one dimension. `[UInt8]` is not an array to Postgres but a `bytea`; `[[UInt8]]` is `bytea[]`.
public protocol PostgresArrayElement: Sendable {
    /// The type of an array of these.
    static var postgresArrayType: PostgresType { get }

    /// Appends the binary form of the whole array.
    static func encodeArray(_ values: [Self], into bytes: inout [UInt8])

    /// Whether a column of this type can be read as an array of these.
    static func acceptsArray(_ type: PostgresType) -> Bool

    /// Reads the binary form of the whole array.
    static func decodeArray(_ bytes: Span<UInt8>, type: PostgresType) throws(PostgresDecodingFault) -> [Self]
}

extension PostgresArrayElement where Self: PostgresEncodable & PostgresDecodable {
    public static var postgresArrayType: PostgresType {
        guard let array = postgresType.array else { preconditionFailure("\(postgresType) has no known array type") }
        return array
    }

    public static func encodeArray(_ values: [Self], into bytes: inout [UInt8]) {
        bytes.append(bigEndian: Int32(values.isEmpty ? 0 : 1))  // Dimensions: an empty array has none.
        bytes.append(bigEndian: Int32(values.contains { $0.isNull } ? 1 : 0))
        bytes.append(bigEndian: postgresType.oid)
        guard !values.isEmpty else { return }
        bytes.append(bigEndian: Int32(values.count))
        bytes.append(bigEndian: Int32(1))  // The lower bound.
        for value in values { bytes.appendWithLength(isNull: value.isNull) { value.encode(into: &$0) } }
    }

    public static func acceptsArray(_ type: PostgresType) -> Bool { type.element.map(accepts) ?? false }

    public static func decodeArray(
        _ bytes: Span<UInt8>, type: PostgresType
    ) throws(PostgresDecodingFault) -> [Self] {
        let dimensions = try bytes.integer(at: 0, as: Int32.self)
        if dimensions == 0 { return [] }
        guard dimensions == 1 else { throw PostgresDecodingFault("the array has \(dimensions) dimensions") }
        let element = PostgresType(oid: try bytes.integer(at: 8))
        let count = try bytes.integer(at: 12, as: Int32.self)
        // Each element takes at least its length: a count beyond that must not make us reserve memory.
        guard (0...(bytes.count - 20) / 4).contains(Int(count)), accepts(element) else {
            throw PostgresDecodingFault("the array's header is malformed")
        }
        var values: [Self] = []
        values.reserveCapacity(Int(count))
        var position = 20
        for _ in 0..<count {
            let length = Int(try bytes.integer(at: position, as: Int32.self))
            position += 4
            if length < 0 {
                values.append(try decodeNull())
            } else {
                guard length <= bytes.count - position else { throw PostgresDecodingFault("the array is cut short") }
                values.append(try Self(postgres: bytes.extracting(position..<position + length), type: element))
                position += length
            }
        }
        return values
    }
}

extension Array: PostgresEncodable where Element: PostgresArrayElement {
    public static var postgresType: PostgresType { Element.postgresArrayType }
    public func encode(into bytes: inout [UInt8]) { Element.encodeArray(self, into: &bytes) }
}

extension Array: PostgresDecodable where Element: PostgresArrayElement {
    public static func accepts(_ type: PostgresType) -> Bool { Element.acceptsArray(type) }

    public init(postgres bytes: Span<UInt8>, type: PostgresType) throws(PostgresDecodingFault) {
        self = try Element.decodeArray(bytes, type: type)
    }
}

/// An array of bytes is a `bytea`. A single byte is no Postgres value.
extension UInt8: PostgresArrayElement {
    public static var postgresArrayType: PostgresType { .bytea }
    public static func encodeArray(_ values: [UInt8], into bytes: inout [UInt8]) { bytes += values }
    public static func acceptsArray(_ type: PostgresType) -> Bool { type == .bytea }
    public static func decodeArray(
        _ bytes: Span<UInt8>, type: PostgresType
    ) throws(PostgresDecodingFault) -> [UInt8] {
        bytes.array(from: 0)
    }
}

extension Bool: PostgresArrayElement {}
extension Int16: PostgresArrayElement {}
extension Int32: PostgresArrayElement {}
extension Int64: PostgresArrayElement {}
extension Int: PostgresArrayElement {}
extension String: PostgresArrayElement {}
extension UUID: PostgresArrayElement {}
extension Instant: PostgresArrayElement {}
extension LocalDate: PostgresArrayElement {}
extension PostgresJSON: PostgresArrayElement {}
extension Array: PostgresArrayElement where Element == UInt8 {}
extension Optional: PostgresArrayElement where Wrapped: PostgresCodable {}
