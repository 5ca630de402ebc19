public import Billing
public import Postgres

/// Ids are bound and read as the numbers they are, and cannot be mixed up on the way.
extension Tagged: PostgresEncodable, PostgresDecodable, PostgresArrayElement {
    public static var postgresType: PostgresType { .int8 }
    public static func accepts(_ type: PostgresType) -> Bool { Int64.accepts(type) }

    public init(postgres bytes: Span<UInt8>, type: PostgresType) throws(PostgresDecodingFault) {
        self.init(try Int64(postgres: bytes, type: type))
    }

    public func encode(into bytes: inout [UInt8]) { rawValue.encode(into: &bytes) }
}
