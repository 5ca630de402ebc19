/// The header fields of one HTTP message: in order, found without regard to case, and free of anything that could start
/// a second field.
public struct HTTPFields: Sendable, Equatable, ExpressibleByDictionaryLiteral {
    /// One field as it is sent.
    public struct Field: Sendable, Equatable {
        /// The name, in the case it was given.
        public let name: String
        /// The value, without surrounding white space.
        public let value: String
    }

    /// Every field in order; a name may repeat.
    public private(set) var fields: [Field] = []

    /// No fields.
    public init() {}

    /// The given fields, in order.
    public init(dictionaryLiteral elements: (String, String)...) {
        for (name, value) in elements { append(name, value) }
    }

    /// The first value of `name`. Setting replaces every field of that name; nil removes them.
    public subscript(name: String) -> String? {
        get { fields.first { Self.isSame($0.name, name) }?.value }
        set {
            fields.removeAll { Self.isSame($0.name, name) }
            if let newValue { append(name, newValue) }
        }
    }

    /// Every value of `name`, in order.
    public func values(of name: String) -> [String] {
        fields.filter { Self.isSame($0.name, name) }.map(\.value)
    }

    /// Adds a field behind the others. Whether it may be sent is what `firstInvalid` says: the value may come from data.
    public mutating func append(_ name: String, _ value: String) {
        fields.append(Field(name: name, value: value))
    }

    /// The first field that must not be sent: its name is no token of RFC 9110, or its value holds a control character,
    /// which is how one field is smuggled into another. Client and server refuse to send it.
    public var firstInvalid: Field? {
        fields.first { !Self.isToken($0.name) || $0.value.utf8.contains { ($0 < 0x20 && $0 != 0x09) || $0 == 0x7f } }
    }

    /// Whether `text` may be a method or a field name (RFC 9110, section 5.6.2).
    public static func isToken(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                    UInt8(ascii: "A")...UInt8(ascii: "Z"):
                    true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }

    private static func isSame(_ left: String, _ right: String) -> Bool {
        left.utf8.count == right.utf8.count && left.utf8.elementsEqual(right.utf8) { lowered($0) == lowered($1) }
    }

    private static func lowered(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }
}
