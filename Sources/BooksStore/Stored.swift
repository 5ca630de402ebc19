internal import Billing
internal import BillingPorts
internal import Dates
internal import JSONText
internal import Money
internal import Postgres
internal import QueueStore

/// Reads back what the books keep as text. Whatever this program would never have written throws `UnreadableRow` naming
/// table and id, and that one job stops.
struct Stored {
    /// `books.subscriptions 17`.
    let row: String

    init(_ table: StaticString, _ id: some CustomStringConvertible) { row = "books.\(table) \(id)" }

    func fault(_ reason: String) -> UnreadableRow { UnreadableRow("\(row): \(reason)") }

    func choice<Choice: RawRepresentable<String>>(
        _ type: Choice.Type, _ text: String
    ) throws(UnreadableRow) -> Choice {
        guard let choice = Choice(rawValue: text) else { throw fault("unknown \(type) '\(text)'") }
        return choice
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

    func period(_ start: LocalDate, _ end: LocalDate) throws(UnreadableRow) -> Period {
        guard let period = Period(checking: try date(start), try date(end)) else {
            throw fault("an empty period [\(start), \(end))")
        }
        return period
    }

    /// `7` or `1/3`, as `Rational.stored` writes it and no other way.
    func fraction(_ text: String) throws(UnreadableRow) -> Rational {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard let numerator = Int128(parts[0]), parts.count <= 2,
            let denominator = parts.count == 2 ? Int128(parts[1]) : 1,
            let fraction = try? Rational(numerator, over: denominator), fraction.stored == text
        else { throw fault("'\(text)' is not an exact fraction") }
        return fraction
    }

    func quantities(_ json: PostgresJSON) throws(UnreadableRow) -> [String: Rational] {
        do throws(JSONFault) {
            var texts: [(unit: String, text: String)] = []
            for member in try JSONNode(parsing: json.utf8).members() {
                texts.append((member.key, try member.value.string()))
            }
            return try quantities(texts)
        } catch { throw fault("quantities, \(error)") }
    }

    private func quantities(_ texts: [(unit: String, text: String)]) throws(JSONFault) -> [String: Rational] {
        var quantities: [String: Rational] = [:]
        for (unit, text) in texts {
            guard let quantity = try? fraction(text) else {
                throw JSONFault(path: unit, line: 1, message: "'\(text)' is not an exact fraction")
            }
            quantities[unit] = quantity
        }
        return quantities
    }

    func plan(_ definition: PostgresJSON, currency code: String) throws(UnreadableRow) -> Plan {
        let currency = try currency(code)
        do throws(CatalogueFaults) {
            return try Plan.read(definition.utf8, name: row, currency: currency)
        } catch { throw UnreadableRow(error.description) }
    }
}

extension Rational {
    /// Exact: `7` or `1/3`.
    var stored: String { isWhole ? String(numerator) : fraction }
}

extension CustomerRecord {
    /// A row of `CustomerSQL.record`.
    init(_ row: Row) throws {
        let (seller, id, code, name, email, currency, zone, gateway, sellerCode, sellerName, scheme, prefix, netDays) =
            try row.decode(
                Seller.ID.self, Customer.ID.self, String.self, String.self, String.self, String.self, String.self,
                String?.self, String.self, String.self, String.self, String?.self, Int32.self)
        let stored = Stored("customers", id)
        let numbering = InvoiceNumbering(
            try Stored("sellers", seller).choice(InvoiceNumbering.Scheme.self, scheme), prefix: prefix)
        self.init(
            key: CustomerKey(seller: seller, customer: id), code: code, name: name, email: email,
            currency: try stored.currency(currency), timeZone: zone, gatewayCustomer: gateway, sellerCode: sellerCode,
            sellerName: sellerName, invoices: InvoiceSettings(numbering: numbering, netDays: Int(netDays)))
    }
}
