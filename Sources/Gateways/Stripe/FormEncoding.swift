internal import HTTPTypes

/// Parameters as Stripe takes them, `metadata[invoice]=INV-1&…`, in the order they were added and encoded in one way
/// only: the same parameters are the same bytes.
struct FormEncoding: Sendable, Hashable {
    /// Ready for a body or a query.
    private(set) var text = ""

    init(_ pairs: [(String, String)] = []) {
        for (name, value) in pairs { add(name, value) }
    }

    mutating func add(_ name: String, _ value: String) { append(PercentEncoding.encode(name), value) }

    /// `name[]=value`.
    mutating func addElement(_ name: String, _ value: String) { append("\(PercentEncoding.encode(name))%5B%5D", value) }

    /// `name[key]=value`. Brackets are escaped too, as RFC 3986 wants them.
    mutating func add(_ name: String, _ key: String, _ value: String) {
        append("\(PercentEncoding.encode(name))%5B\(PercentEncoding.encode(key))%5D", value)
    }

    private mutating func append(_ name: String, _ value: String) {
        text += "\(text.isEmpty ? "" : "&")\(name)=\(PercentEncoding.encode(value))"
    }
}
