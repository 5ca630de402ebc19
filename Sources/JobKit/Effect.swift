public import Dates

/// A call to the outside that must happen once: announced before it is made, settled after.
///
/// `scope` and `name` together say which one it is, whatever job asks: "payment_attempt/17" and "charge".
public struct EffectRequest: Sendable, Hashable {
    public let scope: String
    public let name: String
    /// What may not change under the same idempotency key: amount, currency, customer.
    public let fingerprint: String
    /// What it moves; nil: no money.
    public let amount: EffectAmount?

    public init(scope: String, name: String, fingerprint: String, amount: EffectAmount? = nil) {
        self.scope = scope
        self.name = name
        self.fingerprint = fingerprint
        self.amount = amount
    }
}

/// An amount of money as the queue adds it up, for runs and for breakers: it knows no more of it.
public struct EffectAmount: Sendable, Hashable {
    /// Not negative, whichever way it goes.
    public let minorUnits: Int64
    /// ISO 4217.
    public let currency: String

    public init(minorUnits: Int64, currency: String) {
        precondition(minorUnits >= 0)
        self.minorUnits = minorUnits
        self.currency = currency
    }
}

/// The key under which a counterpart recognises a repeated request. Made when the effect is announced, stable over
/// attempts, rescues and replays.
public struct IdempotencyKey: Hashable, Sendable, CustomStringConvertible {
    public let text: String

    public init(_ text: String) { self.text = text }

    public var description: String { text }
}

/// What the ledger knows of an effect.
public enum EffectState: String, Sendable, CaseIterable {
    /// Announced and committed; the call may or may not have been made.
    case intended
    /// The counterpart said yes.
    case confirmed
    /// The counterpart said no, and nothing happened there.
    case refused
    /// The call was made and no answer came. Only the counterpart knows.
    case unknown
}

/// One row of the effect ledger.
public struct Effect: Sendable {
    public let id: Int64
    public let key: IdempotencyKey
    public let state: EffectState
    public let announcedAt: Instant

    public init(id: Int64, key: IdempotencyKey, state: EffectState, announcedAt: Instant) {
        self.id = id
        self.key = key
        self.state = state
        self.announcedAt = announcedAt
    }
}

/// An effect together with what was asked for.
public struct AnnouncedEffect: Sendable {
    public let request: EffectRequest
    public let effect: Effect

    public init(request: EffectRequest, effect: Effect) {
        self.request = request
        self.effect = effect
    }
}

/// How an announced effect ended.
public struct EffectSettlement: Sendable {
    public let effect: Effect
    public let state: EffectState
    /// JSON for operators.
    public let result: [UInt8]

    public init(_ effect: Effect, as state: EffectState, result: [UInt8]) {
        self.effect = effect
        self.state = state
        self.result = result
    }
}

/// Where an effect stands when a handler announces it.
public enum EffectStanding: Sendable {
    /// Announced now, for the first time: once this commits, go ahead and call.
    case new(Effect)
    /// Announced before and never settled: the call may have happened. Ask the counterpart before calling again.
    case unresolved(Effect)
    /// Done with: confirmed or refused. Do not call.
    case settled(Effect)

    public var effect: Effect {
        switch self {
        case .new(let effect), .unresolved(let effect), .settled(let effect): effect
        }
    }
}

/// The same effect was announced with another amount, currency or customer: a defect or tampering, never a second call.
public struct EffectMismatch: Error, Hashable, CustomStringConvertible {
    public let request: EffectRequest
    public let announced: String

    public init(request: EffectRequest, announced: String) {
        self.request = request
        self.announced = announced
    }

    public var description: String {
        "\(request.name) of \(request.scope) was announced as '\(announced)' and is now '\(request.fingerprint)'; nothing was sent"
    }
}
