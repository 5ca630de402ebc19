import Dates
import Foundation
import Postgres
import TestSupport
import Testing

@Suite(.database, .timeLimit(.minutes(15)))
struct ValueTests {
    enum Colour: String, PostgresCodable { case red, green }

    private func roundTrip<Value: PostgresEncodable & PostgresDecodable & Equatable>(
        _ value: Value, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let connection = try await PostgresConnection.connect(TestDatabase.current.configuration)
        let back = try await connection.query("SELECT \(value)").only(Value.self)
        #expect(back == value, sourceLocation: sourceLocation)
        await connection.close()
    }

    @Test func `every scalar comes back as it went, at its extremes too`() async throws {
        for value in [true, false] { try await roundTrip(value) }
        for value in [Int16.min, 0, .max] { try await roundTrip(value) }
        for value in [Int32.min, 0, .max] { try await roundTrip(value) }
        for value in [Int64.min, 0, .max] { try await roundTrip(value) }
        for value in [Int.min, -1, .max] { try await roundTrip(value) }
        for value in ["", "plain", "ünïcødé 💶", "it's \"quoted\" \\ $1 %"] { try await roundTrip(value) }
        for value: [UInt8] in [[], [0], Array(0...255)] { try await roundTrip(value) }
        try await roundTrip(UUID())
        // From 4713 BC, where Postgres' calendar begins, to 294247 AD, where our microseconds end.
        for value in [-210_866_803_200_000_000, -1, 0, 1, .max] as [Int64] {
            try await roundTrip(Instant(microseconds: value))
        }
        for value in [-2_440_588, -1, 0, 1, 2_145_042_540] as [Int32] {
            try await roundTrip(LocalDate(daysSinceEpoch: value))
        }
        try await roundTrip(PostgresJSON(#"{"a": [1, 2.5, null]}"#))
        for value in [Colour.red, .green] { try await roundTrip(value) }
    }

    @Test func `optionals are NULL or their value`() async throws {
        try await roundTrip(String?.none)
        try await roundTrip(String?.some("x"))
        try await roundTrip(Int64?.none)
        try await roundTrip([UInt8]?.none)
        try await roundTrip([UInt8]?.some([]))
        try await roundTrip([Int]?.none)
        try await roundTrip(Instant?.none)
        try await roundTrip(Colour?.none)
    }

    @Test func `arrays come back in order, with their NULLs`() async throws {
        try await roundTrip([Bool]())
        try await roundTrip([true, false])
        try await roundTrip([Int16.min, .max])
        try await roundTrip([Int32.min, .max])
        try await roundTrip([Int64.min, .max])
        try await roundTrip(Array(0..<1000))
        try await roundTrip(["", "a,b", "{}", "NULL", "\""])
        try await roundTrip(["a", nil, ""] as [String?])
        try await roundTrip([nil, nil] as [Int64?])
        try await roundTrip([[], [0], [1, 2]] as [[UInt8]])
        try await roundTrip([UUID(), UUID()])
        try await roundTrip([Instant(microseconds: 1), Instant(microseconds: -1)])
        try await roundTrip([LocalDate(daysSinceEpoch: 1), LocalDate(daysSinceEpoch: -1)])
        try await roundTrip([PostgresJSON("[1]"), PostgresJSON("{}")])
        try await roundTrip([Colour.green, .red])
    }

    @Test func `values mean to the server what they mean to us`() async throws {
        let connection = try await PostgresConnection.connect(TestDatabase.current.configuration)
        let row = try await connection.query(
            """
            SELECT \(Instant(microseconds: 951_782_400_000_001)) = '2000-02-29 00:00:00.000001+00'::timestamptz,
                   \(LocalDate(daysSinceEpoch: 11_016)) = '2000-02-29'::date,
                   \(Optional(12)) = 12, \(Int?.none) IS NULL, cardinality(\([1, 2, 3])) = 3,
                   \(PostgresJSON(#"{"a":1}"#)) @> '{"a":1}'::jsonb
            """
        ).only(Bool.self, Bool.self, Bool.self, Bool.self, Bool.self, Bool.self)
        #expect(row == (true, true, true, true, true, true))
        let given = try await connection.query(
            "SELECT 'n'::name, 'v'::varchar(9), 'b'::char(3), '[1]'::json, 7::int2, 8::int4, now()"
        ).only(String.self, String.self, String.self, PostgresJSON.self, Int.self, Int64.self, Instant.self)
        #expect((given.0, given.1, given.2) == ("n", "v", "b  "))
        #expect((given.3.text, given.4, given.5) == ("[1]", 7, 8))
        await connection.close()
    }

    @Test func `an unnest of arrays inserts as many rows as they have elements`() async throws {
        let connection = try await PostgresConnection.connect(TestDatabase.current.configuration)
        _ = try await connection.query("CREATE TABLE t (id int8 PRIMARY KEY, name text)")
        let ids = [3, 1, 2]
        let names = ["c", nil, "b"]
        let inserted = try await connection.query("INSERT INTO t SELECT * FROM unnest(\(ids), \(names))")
        #expect(inserted.affectedRows == 3)
        #expect(inserted.commandTag == "INSERT 0 3")
        let rows = try await connection.query("SELECT id, name FROM t ORDER BY id").decode(Int.self, String?.self)
        #expect(rows.map(\.0) == [1, 2, 3])
        #expect(rows.map(\.1) == [nil, "b", "c"])
        await connection.close()
    }

    @Test func `a string is only ever a value`() async throws {
        let connection = try await PostgresConnection.connect(TestDatabase.current.configuration)
        let nasty = "'); DROP TABLE t; --"
        _ = try await connection.query("CREATE TABLE t (name text)")
        _ = try await connection.query("INSERT INTO t VALUES (\(nasty))")
        #expect(try await connection.query("SELECT name FROM t").only(String.self) == nasty)
        let name = "a\"; DROP TABLE t; --"
        _ = try await connection.query("CREATE TABLE \(SQL.identifier(name)) (x int)")
        #expect(try await connection.query("SELECT count(*) FROM pg_class WHERE relname = \(name)").only(Int.self) == 1)
        await connection.close()
    }

    @Test func `spliced statements keep their values in order`() async throws {
        let two: SQL = "\(2) + \(30)"
        let statement: SQL = "SELECT \(1) * (\(two)) + \(400)"
        #expect(statement.text == "SELECT $1 * ($2 + $3) + $4")
        let connection = try await PostgresConnection.connect(TestDatabase.current.configuration)
        #expect(try await connection.query(statement).only(Int.self) == 432)
        let conditions: [SQL] = ["x > \(1)", "x < \(3)"]
        let count = try await connection.query(
            "SELECT count(*) FROM generate_series(1, 5) AS g (x) WHERE \(conditions.joined(separator: " AND "))")
        #expect(try count.only(Int.self) == 1)
        await connection.close()
    }

    @Test(arguments: ["", String(repeating: "x", count: 64), "a\0b"])
    func `a name Postgres would not take is refused`(_ name: String) {
        #expect(throws: PostgresError.self) { try SQL.identifier(name) }
    }

    @Test func `a value out of Postgres' range is refused by the server`() async throws {
        let connection = try await PostgresConnection.connect(TestDatabase.current.configuration)
        for sql: SQL in [
            "SELECT \(Instant(microseconds: .min))", "SELECT \(Instant(microseconds: -210_866_803_200_000_001))",
            "SELECT \(LocalDate(daysSinceEpoch: .min))", "SELECT \(LocalDate(daysSinceEpoch: .max))",
        ] {
            let error = await #expect(throws: PostgresError.self) { try await connection.query(sql) }
            #expect(error?.sqlState == "22008")
        }
        await connection.close()
    }

    @Test func `a column that does not fit is named`() async throws {
        let connection = try await PostgresConnection.connect(TestDatabase.current.configuration)
        let rows = try await connection.query("SELECT 1::int8 AS id, NULL::text AS name, 'infinity'::date AS until")
        let cases: [(expected: String, found: String, () throws -> Void)] = [
            (
                "column id: expected Int32", "found int8",
                { _ = try rows.only(Int32.self, String?.self, LocalDate.self) }
            ),
            (
                "column id: expected String", "found int8",
                { _ = try rows.only(String.self, String?.self, LocalDate.self) }
            ),
            (
                "column name: expected String", "found NULL",
                { _ = try rows.only(Int.self, String.self, LocalDate.self) }
            ),
            ("column until: expected", "infinite", { _ = try rows.only(Int.self, String?.self, LocalDate.self) }),
            ("expected 1 columns", "found 3", { _ = try rows.only(Int.self) }),
        ]
        for (expected, found, decode) in cases {
            let error = #expect(throws: PostgresError.self) { try decode() }
            #expect(error?.description.contains(expected) == true, "\(String(describing: error))")
            #expect(error?.description.contains(found) == true, "\(String(describing: error))")
        }
        let none = try await connection.query("SELECT 1 WHERE false")
        #expect(throws: PostgresError.self) { try none.only() }
        #expect(try none.first(Int.self) == nil)
        await connection.close()
    }
}
