/// The number that names one `Owner` in the database; ids of different owners cannot be confused.
public struct Tagged<Owner>: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    public let rawValue: Int64

    public init(_ rawValue: Int64) { self.rawValue = rawValue }

    /// As a plain number.
    public init(from decoder: any Decoder) throws {
        rawValue = try decoder.singleValueContainer().decode(Int64.self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }

    public static func < (left: Tagged, right: Tagged) -> Bool { left.rawValue < right.rawValue }

    public var description: String { String(rawValue) }
}

extension Seller { public typealias ID = Tagged<Seller> }
extension Customer { public typealias ID = Tagged<Customer> }
extension Plan { public typealias ID = Tagged<Plan> }

/// What a customer pays with, as the gateway's token; never a card number.
public enum PaymentMethod { public typealias ID = Tagged<PaymentMethod> }
