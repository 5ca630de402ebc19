internal import Dates
internal import JSONText

extension JSONValue {
    /// The members that are there, in this order.
    static func present(_ members: KeyValuePairs<String, JSONValue?>) -> JSONValue {
        .object(members.compactMap { key, value in value.map { Member(key, $0) } })
    }

    /// In the order of the keys' bytes.
    static func sorted<Value>(_ values: [String: Value], _ json: (Value) -> JSONValue) -> JSONValue {
        .object(
            values.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.map { Member($0.key, json($0.value)) })
    }

    /// A date, an instant or a number as it describes itself.
    static func text(_ value: some CustomStringConvertible) -> JSONValue { .string(value.description) }

    static func period(_ period: Period) -> JSONValue { [.text(period.start), .text(period.end)] }
}
