internal import Billing
internal import Dates
internal import JSONText
internal import Money
internal import Postgres
internal import QueueStore

/// Reads back what the books keep as text. Whatever this program would never have written throws `UnreadableRow` naming
/// table and key, and that one job stops.
struct Stored {
    /// `books.subscriptions 17`.
    let row: String

    init(_ table: StaticString, _ key: some CustomStringConvertible) { row = "books.\(table) \(key)" }

    func fault(_ reason: String) -> UnreadableRow { UnreadableRow("\(row): \(reason)") }

    func choice<Choice: RawRepresentable<String>>(
        _ type: Choice.Type, _ text: String
    ) throws(UnreadableRow) -> Choice {
        guard let choice = Choice(rawValue: text) else { throw fault("unknown \(type) '\(text)'") }
        return choice
    }

    func choice<Choice: RawRepresentable<String>>(
        _ type: Choice.Type, ifAny optional: String?
    ) throws(UnreadableRow) -> Choice? {
        guard let optional else { return nil }
        return try choice(type, optional)
    }

    func currency(_ code: String) throws(UnreadableRow) -> Currency {
        do throws(MoneyFault) { return try Currency(code: code) } catch { throw fault(error.description) }
    }

    func money(_ minorUnits: Int64, _ code: String) throws(UnreadableRow) -> Money {
        Money(minorUnits: minorUnits, try currency(code))
    }

    /// Dates in other years than 1 to 9999 are stored by nobody, and arithmetic is not defined for them.
    func date(_ date: LocalDate) throws(UnreadableRow) -> LocalDate {
        guard date.isSupported else { throw fault("a date outside the years 1 to 9999") }
        return date
    }

    func date(_ optional: LocalDate?) throws(UnreadableRow) -> LocalDate? {
        guard let optional else { return nil }
        return try date(optional)
    }

    func period(_ start: LocalDate?, _ end: LocalDate?) throws(UnreadableRow) -> Period? {
        guard let start, let end else { return nil }
        guard let period = Period(checking: try date(start), try date(end)) else {
            throw fault("an empty period [\(start), \(end))")
        }
        return period
    }

    /// What a value of JSON says.
    func reading<Value>(
        _ json: PostgresJSON, _ read: (JSONNode) throws(JSONFault) -> Value
    ) throws(UnreadableRow) -> Value {
        do throws(JSONFault) { return try read(try JSONNode(parsing: json.utf8)) } catch { throw fault("\(error)") }
    }

    /// What the money rules make of stored amounts.
    func sum<Value>(_ add: () throws(MoneyFault) -> Value) throws(UnreadableRow) -> Value {
        do throws(MoneyFault) { return try add() } catch { throw fault(error.description) }
    }

    func plan(_ definition: PostgresJSON, currency code: String) throws(UnreadableRow) -> Plan {
        let currency = try currency(code)
        do throws(CatalogueFaults) {
            return try Plan.read(definition.utf8, name: row, currency: currency)
        } catch { throw UnreadableRow(error.description) }
    }

    func coupon(_ definition: PostgresJSON, currency code: String) throws(UnreadableRow) -> Coupon {
        let currency = try currency(code)
        do throws(CatalogueFaults) {
            return try Coupon.read(definition.utf8, name: row, currency: currency)
        } catch { throw UnreadableRow(error.description) }
    }

    func catalogue(_ definition: PostgresJSON, currency code: String) throws(UnreadableRow) -> Catalogue {
        let currency = try currency(code)
        do throws(CatalogueFaults) {
            return try Catalogue.read(definition.utf8, name: row, currency: currency)
        } catch { throw UnreadableRow(error.description) }
    }
}

extension Rows {
    /// Throws `StaleRecord` unless the statement changed so many rows.
    func require(_ count: Int, _ record: @autoclosure () -> String) throws(StaleRecord) {
        guard affectedRows == count else { throw StaleRecord("\(record()): somebody else has changed it") }
    }
}
