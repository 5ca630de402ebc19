/// The answer to one statement: its rows, copied out of the C library into memory of our own.
///
/// All rows are here once the call returns; a statement that may return very many takes a `LIMIT`.
public struct Rows: Sendable, RandomAccessCollection {
    /// A column of the result.
    public struct Column: Hashable, Sendable {
        public let name: String
        public let type: PostgresType
    }

    /// One object, so that a row is a reference and a number.
    final class Storage: Sendable {
        let columns: [Column]
        let cells: PackedValues
        let count: Int
        let commandTag: String
        let affectedRows: Int

        init(columns: [Column], cells: PackedValues, count: Int, commandTag: String, affectedRows: Int) {
            self.columns = columns
            self.cells = cells
            self.count = count
            self.commandTag = commandTag
            self.affectedRows = affectedRows
        }
    }

    let storage: Storage

    /// The columns in order; empty for a statement that returns no rows.
    public var columns: [Column] { storage.columns }

    /// How many rows the statement inserted, updated, deleted, copied or returned.
    public var affectedRows: Int { storage.affectedRows }

    /// What the server said it did, e.g. `INSERT 0 1`.
    public var commandTag: String { storage.commandTag }

    public var startIndex: Int { 0 }
    public var endIndex: Int { storage.count }

    public subscript(position: Int) -> Row {
        precondition(indices.contains(position), "row \(position) of \(storage.count)")
        return Row(storage: storage, index: position)
    }

    /// Every row, decoded.
    /// - Throws: `.decoding` for the first row that does not fit.
    public func decode<each Value: PostgresDecodable>(
        _ types: repeat (each Value).Type
    ) throws(PostgresError) -> [(repeat each Value)] {
        var values: [(repeat each Value)] = []
        values.reserveCapacity(count)
        for row in self { values.append(try row.decode(repeat each types)) }
        return values
    }

    /// The first row, decoded; nil when there is none.
    public func first<each Value: PostgresDecodable>(
        _ types: repeat (each Value).Type
    ) throws(PostgresError) -> (repeat each Value)? {
        guard storage.count > 0 else { return nil }
        return try self[0].decode(repeat each types)
    }

    /// The one row there is.
    /// - Throws: `.unexpectedRowCount` when there is none or more than one.
    public func only() throws(PostgresError) -> Row {
        guard storage.count == 1 else { throw .unexpectedRowCount(storage.count) }
        return self[0]
    }

    /// The one row there is, decoded.
    /// - Throws: `.unexpectedRowCount` when there is none or more than one, `.decoding` when it does not fit.
    public func only<each Value: PostgresDecodable>(
        _ types: repeat (each Value).Type
    ) throws(PostgresError) -> (repeat each Value) {
        try only().decode(repeat each types)
    }
}

// One column is the common case, and a pack of one is not quite its element to the compiler: closures reject it.
extension Rows {
    /// Every row's only column, decoded.
    public func decode<Value: PostgresDecodable>(_ type: Value.Type) throws(PostgresError) -> [Value] {
        var values: [Value] = []
        values.reserveCapacity(count)
        for row in self { values.append(try row.decode(type)) }
        return values
    }

    /// The first row's only column, decoded; nil when there is no row.
    public func first<Value: PostgresDecodable>(_ type: Value.Type) throws(PostgresError) -> Value? {
        storage.count > 0 ? try self[0].decode(type) : nil
    }

    /// The only column of the one row there is, decoded.
    /// - Throws: `.unexpectedRowCount` when there is none or more than one, `.decoding` when it does not fit.
    public func only<Value: PostgresDecodable>(_ type: Value.Type) throws(PostgresError) -> Value {
        try only().decode(type)
    }
}

/// One row of `Rows`.
public struct Row: Sendable {
    fileprivate let storage: Rows.Storage
    fileprivate let index: Int

    /// The columns in order.
    public var columns: [Rows.Column] { storage.columns }

    /// The columns from first to last, as the types given: `let (id, name) = try row.decode(Int64.self, String?.self)`.
    /// - Throws: `.decoding` naming the column when the number of columns, a type, or a value does not fit.
    public func decode<each Value: PostgresDecodable>(
        _ types: repeat (each Value).Type
    ) throws(PostgresError) -> (repeat each Value) {
        var expected = 0
        for _ in repeat each types { expected += 1 }
        try check(columns: expected)
        var column = 0
        return (repeat try decode(each types, &column))
    }

    /// The only column.
    /// - Throws: `.decoding` when there are more columns, or the type or value does not fit.
    public func decode<Value: PostgresDecodable>(_ type: Value.Type) throws(PostgresError) -> Value {
        try check(columns: 1)
        var column = 0
        return try decode(type, &column)
    }

    private func check(columns expected: Int) throws(PostgresError) {
        let found = storage.columns.count
        guard expected != found else { return }
        throw .decoding(
            .init(
                column: "*", expected: "\(expected) columns", found: "\(found)",
                reason: "the statement returns another number of columns"))
    }

    private func decode<Value: PostgresDecodable>(
        _: Value.Type, _ position: inout Int
    ) throws(PostgresError) -> Value {
        let column = storage.columns[position]
        let range = storage.cells.range(at: index * storage.columns.count + position)
        position += 1
        func failure(_ reason: String) -> PostgresError {
            .decoding(
                .init(
                    column: column.name, expected: "\(Value.self)",
                    found: range == nil ? "NULL of type \(column.type)" : "\(column.type)", reason: reason))
        }
        guard Value.accepts(column.type) else { throw failure("this column type does not read as the Swift type") }
        do throws(PostgresDecodingFault) {
            guard let range else { return try Value.decodeNull() }
            let bytes = storage.cells.bytes
            return try Value(postgres: bytes.span.extracting(range), type: column.type)
        } catch { throw failure(error.reason) }
    }
}
