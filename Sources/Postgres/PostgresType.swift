/// The type of a bound value or a result column, by its object id.
///
/// Only types whose ids are fixed in every Postgres are named here; ids of enums and extensions differ by database.
public struct PostgresType: Hashable, Sendable {
    /// The object id in `pg_type`.
    public let oid: UInt32

    /// Names the type by its id in `pg_type`.
    public init(oid: UInt32) { self.oid = oid }

    public static let bool = Self(oid: 16)
    public static let bytea = Self(oid: 17)
    public static let name = Self(oid: 19)
    public static let int8 = Self(oid: 20)
    public static let int2 = Self(oid: 21)
    public static let int4 = Self(oid: 23)
    public static let text = Self(oid: 25)
    public static let json = Self(oid: 114)
    public static let bpchar = Self(oid: 1042)
    public static let varchar = Self(oid: 1043)
    public static let date = Self(oid: 1082)
    public static let timestamptz = Self(oid: 1184)
    public static let uuid = Self(oid: 2950)
    public static let jsonb = Self(oid: 3802)

    private static let table: [(type: PostgresType, arrayOID: UInt32, name: String)] = [
        (.bool, 1000, "bool"), (.bytea, 1001, "bytea"), (.name, 1003, "name"), (.int8, 1016, "int8"),
        (.int2, 1005, "int2"), (.int4, 1007, "int4"), (.text, 1009, "text"), (.json, 199, "json"),
        (.bpchar, 1014, "bpchar"), (.varchar, 1015, "varchar"), (.date, 1182, "date"),
        (.timestamptz, 1185, "timestamptz"), (.uuid, 2951, "uuid"), (.jsonb, 3807, "jsonb"),
    ]

    /// The type of arrays of this type; nil when this is not one of the types above.
    public var array: PostgresType? {
        Self.table.first { $0.type == self }.map { PostgresType(oid: $0.arrayOID) }
    }

    /// The type of this array's elements; nil when this is not an array of one of the types above.
    public var element: PostgresType? { Self.table.first { $0.arrayOID == oid }?.type }
}

extension PostgresType: CustomStringConvertible {
    /// As `\d` in psql writes it, or the bare id for a type not named here.
    public var description: String {
        if let row = Self.table.first(where: { $0.type == self }) { return row.name }
        if let element { return "\(element)[]" }
        return "the type with OID \(oid)"
    }
}
