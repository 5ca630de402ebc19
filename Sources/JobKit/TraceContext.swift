/// Which distributed trace some work belongs to, and under which of its spans: what a `traceparent` header of W3C Trace
/// Context, level 1, says. A value holds valid ids only.
public struct TraceContext: Hashable, Sendable {
    public let trace: TraceID
    /// The span that what is called from here has as its parent.
    public let span: SpanID
    /// Whether whoever began the trace may have recorded it.
    public let isSampled: Bool

    public init(trace: TraceID, span: SpanID, isSampled: Bool) {
        self.trace = trace
        self.span = span
        self.isSampled = isSampled
    }

    /// The beginning of a new trace.
    public init(isSampled: Bool, using generator: inout some RandomNumberGenerator) {
        self.init(trace: TraceID(using: &generator), span: SpanID(using: &generator), isSampled: isSampled)
    }

    /// The same trace, one span further down.
    public func child(span: SpanID) -> TraceContext {
        TraceContext(trace: trace, span: span, isSampled: isSampled)
    }

    /// The context that the current task works under. Calls to counterparts carry it.
    @TaskLocal public static var current: TraceContext?
}

// The header: `version-trace-parent-flags`, all of it lower-case hex.
extension TraceContext {
    /// The version we know (section 3.2 of the specification).
    private static let version: UInt8 = 0
    private static let length = 55
    private static let sampledBit: UInt8 = 0b1

    /// Reads the value of a `traceparent` header, without white space around it. Nil: invalid, to be treated as absent.
    ///
    /// A newer version is read as far as ours goes; what stands behind that, only behind a dash, is its own affair.
    public init?(traceparent: String) {
        let bytes = Array(traceparent.utf8.prefix(TraceContext.length + 1))
        let dash = UInt8(ascii: "-")
        guard bytes.count >= TraceContext.length, bytes[2] == dash, bytes[35] == dash, bytes[52] == dash,
            let version = Hex.value(bytes[0..<2], as: UInt8.self), version != .max,
            bytes.count == TraceContext.length || (version > TraceContext.version && bytes[55] == dash),
            let trace = Hex.value(bytes[3..<35], as: UInt128.self).flatMap(TraceID.init),
            let span = Hex.value(bytes[36..<52], as: UInt64.self).flatMap(SpanID.init),
            let flags = Hex.value(bytes[53..<55], as: UInt8.self)
        else { return nil }
        self.init(trace: trace, span: span, isSampled: flags & TraceContext.sampledBit != 0)
    }

    /// The value of the header, in our version whatever came in: flags we do not know are not passed on.
    public var traceparent: String { "00-\(trace)-\(span)-0\(isSampled ? 1 : 0)" }
}

/// The id of a whole trace: 16 bytes, not all zero. Its description is the hex of the header.
public struct TraceID: Hashable, Sendable, CustomStringConvertible {
    public let number: UInt128

    /// Nil for zero, which is no id.
    public init?(_ number: UInt128) {
        guard number != 0 else { return nil }
        self.number = number
    }

    public init(using generator: inout some RandomNumberGenerator) {
        number = UInt128.random(in: 1...UInt128.max, using: &generator)
    }

    public var description: String { Hex.text(number) }
}

/// The id of one span of a trace: 8 bytes, not all zero. Its description is the hex of the header.
public struct SpanID: Hashable, Sendable, CustomStringConvertible {
    public let number: UInt64

    /// Nil for zero, which is no id.
    public init?(_ number: UInt64) {
        guard number != 0 else { return nil }
        self.number = number
    }

    public init(using generator: inout some RandomNumberGenerator) {
        number = UInt64.random(in: 1...UInt64.max, using: &generator)
    }

    public var description: String { Hex.text(number) }
}

/// Lower-case hex of a fixed width, as the header has it.
private enum Hex {
    /// Nil when a digit is none, or upper-case, which the header forbids.
    static func value<Number: FixedWidthInteger>(_ digits: ArraySlice<UInt8>, as: Number.Type) -> Number? {
        var number: Number = 0
        for digit in digits {
            let value: UInt8
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = digit - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = digit - UInt8(ascii: "a") + 10
            default: return nil
            }
            number = number << 4 | Number(value)
        }
        return number
    }

    static func text(_ number: some FixedWidthInteger) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: type(of: number).bitWidth / 4 - digits.count) + digits
    }
}
