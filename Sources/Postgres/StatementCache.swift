/// Remembers which statements the session has prepared, and forgets the one unused for longest when it is full.
struct StatementCache {
    /// The same text bound with other types is another statement.
    struct Key: Hashable {
        let text: String
        let types: [UInt32]
    }

    private struct Entry {
        let name: String
        var lastUse: Int
    }

    /// Each prepared statement costs the server some kilobytes per session; our own statements number fewer than this.
    static let capacity = 256

    private var entries: [Key: Entry] = [:]
    private var uses = 0
    /// Statements forgotten here which the server still has.
    private(set) var evicted: [String] = []

    var count: Int { entries.count }

    /// The name under which the statement is prepared; nil when it is not.
    mutating func name(for key: Key) -> String? {
        uses += 1
        entries[key]?.lastUse = uses
        return entries[key]?.name
    }

    /// A name never used in this session, for a statement about to be prepared.
    mutating func newName() -> String {
        uses += 1
        return "bw\(uses)"
    }

    mutating func insert(_ key: Key, name: String) {
        if entries.count >= Self.capacity, let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse }) {
            entries[oldest.key] = nil
            evicted.append(oldest.value.name)
        }
        entries[key] = Entry(name: name, lastUse: uses)
    }

    mutating func deallocated(_ name: String) { evicted.removeAll { $0 == name } }

    /// After the server said that a statement's result changed: all are prepared anew under new names.
    mutating func evictAll() {
        evicted += entries.values.map(\.name)
        entries = [:]
    }

    /// After the server said it does not know a statement: something has emptied the session, so it may know none.
    mutating func forgetAll() {
        evicted = []
        entries = [:]
    }
}
