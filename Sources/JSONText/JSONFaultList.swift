/// Gathers the faults of a text, so that its author sees all of them at once.
public struct JSONFaultList: Hashable, Sendable {
    /// In the order in which they were found.
    public private(set) var faults: [JSONFault] = []

    public init() {}

    public var isEmpty: Bool { faults.isEmpty }

    public mutating func add(_ fault: JSONFault) { faults.append(fault) }

    public mutating func add(_ more: [JSONFault]) { faults += more }

    /// What `body` returns; `nil` if it throws, and then its fault is kept.
    public mutating func collect<Value>(_ body: () throws(JSONFault) -> Value) -> Value? {
        do throws(JSONFault) {
            return try body()
        } catch {
            faults.append(error)
            return nil
        }
    }
}
