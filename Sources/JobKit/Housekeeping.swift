public import Dates

/// What a store does to stay small. Any process may do it, several at once; nothing is wrong while nobody does.
public protocol Housekeeping: Sendable {
    /// One pass; nil: it is not due, or another process has it. Throws when the store cannot be asked.
    func keepHouse(now: Instant) async throws -> HousePass?
}

/// What one pass did. Days are UTC, as `2026-11-25`.
public struct HousePass: Hashable, Sendable {
    public var madeDays: [String] = []
    public var droppedDays: [String] = []
    /// Days that have no partition because too much of them lies outside.
    public var crowdedDays: [String] = []
    /// How many rows of what, or lanes, were removed; only what was.
    public var removed: [String: Int] = [:]
    /// What somebody's lock was in the way of; tried again in a minute.
    public var putOff: [String] = []

    public init() {}
}
