/// A state whose legal moves are a table of values: what is not in the table cannot happen.
public protocol StateMachine: RawRepresentable<String>, CaseIterable, Hashable, Sendable {
    /// Why a move is made, as it is recorded.
    associatedtype Cause: RawRepresentable<String>, CaseIterable, Hashable, Sendable

    /// Every legal move; one row for each cause that leads from a state to another.
    static var moves: [Move<Self>] { get }
}

/// One row of a state machine's table.
public struct Move<State: StateMachine>: Hashable, Sendable {
    public let from: State
    public let to: State
    public let cause: State.Cause

    public init(_ from: State, _ to: State, _ cause: State.Cause) {
        self.from = from
        self.to = to
        self.cause = cause
    }
}

/// A move that is in no table, asked for all the same.
public struct IllegalTransition: Error, Hashable, Sendable, CustomStringConvertible {
    /// The stored names.
    public let from: String
    public let to: String
    public let cause: String?

    public init(from: String, to: String, cause: String?) {
        self.from = from
        self.to = to
        self.cause = cause
    }

    public var description: String { "illegal transition from \(from) to \(to)\(cause.map { " by \($0)" } ?? "")" }
}

extension StateMachine {
    /// `next`, if the table leads there; a state does not move to itself.
    public func moving(to next: Self) throws(IllegalTransition) -> Self {
        guard Self.moves.contains(where: { $0.from == self && $0.to == next }) else {
            throw IllegalTransition(from: rawValue, to: next.rawValue, cause: nil)
        }
        return next
    }

    /// The row of the table for this move and cause.
    public func moving(to next: Self, because cause: Cause) throws(IllegalTransition) -> Move<Self> {
        let move = Move(self, next, cause)
        guard Self.moves.contains(move) else {
            throw IllegalTransition(from: rawValue, to: next.rawValue, cause: cause.rawValue)
        }
        return move
    }

    /// Whether no move leads on.
    public var isFinal: Bool { !Self.moves.contains { $0.from == self } }
}
