public import Dates

/// Something that a history broke which none may break.
public struct Violation: Error, Hashable, Sendable, CustomStringConvertible {
    /// In a sentence.
    public let promise: String
    /// What was found instead.
    public let found: String
    /// When it showed; `nil` for what only the end shows.
    public let at: Instant?

    public var description: String { "\(promise)\(at.map { ", at \($0)" } ?? ""): \(found)" }
}

/// Something that holds of every account whenever all that is due has been done.
struct Promise: Sendable {
    let sentence: String
    /// What is wrong, if something is.
    let broken: @Sendable (Settled) throws -> String?

    init(_ sentence: String, _ broken: @escaping @Sendable (Settled) throws -> String?) {
        self.sentence = sentence
        self.broken = broken
    }

    static let all = documents + books + time + lifecycle
}
