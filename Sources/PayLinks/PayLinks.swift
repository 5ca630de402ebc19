internal import Billing
public import BillingPorts
internal import Crypto
public import Dates

/// Makes and reads links to the page of one invoice. A link is a bearer's right to see and pay that invoice and nothing
/// else, until it expires; who cannot sign cannot make one or change one.
///
///     token = base64url(version 1 | key 4 | seller 8 | customer 8 | invoice 4 | expiry 8 | HMAC-SHA256)
///
/// The same mail has the same link, so a mail that is sent again is the same bytes.
public struct PayLinks: Sendable {
    /// What a token says.
    public struct Content: Hashable, Sendable {
        public let customer: CustomerKey
        /// Its place among the customer's.
        public let invoice: Int
        public let expiresAt: Instant

        public init(customer: CustomerKey, invoice: Int, expiresAt: Instant) {
            self.customer = customer
            self.invoice = invoice
            self.expiresAt = expiresAt
        }
    }

    /// Longer than any dunning that ships, shorter than anybody keeps a mailbox safe.
    public static let lifetime = Duration.seconds(45 * 86_400)

    private let keys: LinkKeys
    private let base: String

    /// `base`: where the web process is reached, `https://billing.example`.
    public init(keys: LinkKeys, base: String) {
        self.keys = keys
        self.base = base.hasSuffix("/") ? String(base.dropLast()) : base
    }

    /// The address of the page, in a mail of that instant.
    public func link(_ customer: CustomerKey, invoice: Int, at instant: Instant) -> String {
        let expiry = Instant(microseconds: instant.seconds * 1_000_000) + Self.lifetime
        return "\(base)/pay/\(token(Content(customer: customer, invoice: invoice, expiresAt: expiry)))"
    }

    public func token(_ content: Content) -> String {
        var bytes: [UInt8] = [Self.version] + keys.signing.id
        bytes += Self.bytes(content.customer.seller.rawValue) + Self.bytes(content.customer.customer.rawValue)
        bytes += Self.bytes(Int64(content.invoice)).suffix(4) + Self.bytes(content.expiresAt.seconds)
        return Base64URL.encode(bytes + keys.signing.seal("pay", bytes))
    }

    /// What a token says, however old; `nil`: none of ours, or not as we made it.
    public func content(of token: String) -> Content? {
        guard token.utf8.count == Self.tokenLength, let bytes = Base64URL.decode(token), bytes.count == Self.byteCount,
            bytes[0] == Self.version, let key = keys[id: Array(bytes[1..<5])]
        else { return nil }
        let signed = Array(bytes.dropLast(32))
        guard constantTimeEquals(key.seal("pay", signed), bytes.suffix(32)) else { return nil }
        return Content(
            customer: CustomerKey(
                seller: Seller.ID(Self.number(bytes[5..<13])), customer: Customer.ID(Self.number(bytes[13..<21]))),
            invoice: Int(Self.number(bytes[21..<25])),
            expiresAt: Instant(microseconds: Self.number(bytes[25..<33]) * 1_000_000))
    }

    /// What a form on the page of an invoice carries: proof that we made it, and what makes two presses one. It belongs to
    /// the invoice and not to the link: a customer comes back from the gateway by a link of its own.
    public func nonce(for customer: CustomerKey, invoice: Int) throws -> String {
        let random = try randomBytes(12)
        return Base64URL.encode(random + Self.seal(keys.signing, random, customer, invoice))
    }

    public func isNonce(_ nonce: String, for customer: CustomerKey, invoice: Int) -> Bool {
        guard nonce.utf8.count <= 64, let bytes = Base64URL.decode(nonce), bytes.count == 28 else { return false }
        let random = Array(bytes[..<12])
        return keys.all.contains { key in
            constantTimeEquals(Self.seal(key, random, customer, invoice), bytes[12...])
        }
    }

    private static func seal(_ key: LinkKeys.Key, _ random: [UInt8], _ customer: CustomerKey, _ invoice: Int) -> [UInt8]
    {
        Array(key.seal("form", random + Array("\(customer)/\(invoice)".utf8)).prefix(16))
    }

    /// For logs: tells one link from another, and opens none.
    public static func name(of token: String) -> String { Hex.encode(sha256(token.utf8).prefix(4)) }

    private static let version: UInt8 = 1
    private static let byteCount = 33 + 32
    private static let tokenLength = (byteCount * 4 + 2) / 3

    private static func bytes(_ number: Int64) -> [UInt8] {
        (0..<8).reversed().map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> Int64 {
        bytes.reduce(0) { ($0 << 8) | Int64($1) }
    }
}

/// The secrets that sign links: the first signs, all are known. A new one is put first; an old one is taken away when the
/// links it signed have expired, or to make them all void at once.
public struct LinkKeys: Sendable {
    struct Key: Sendable {
        let secret: [UInt8]
        /// Says nothing about it.
        let id: [UInt8]

        init(_ secret: [UInt8]) {
            self.secret = secret
            id = Array(hmacSHA256(key: secret, "billwright link key".utf8).prefix(4))
        }

        /// `purpose` keeps what is signed for one thing from being used for another.
        func seal(_ purpose: String, _ bytes: [UInt8]) -> [UInt8] {
            hmacSHA256(key: secret, Array("billwright \(purpose):".utf8) + bytes)
        }
    }

    let all: [Key]
    var signing: Key { all[0] }

    subscript(id id: [UInt8]) -> Key? { all.first { $0.id == id } }

    /// Secrets apart by commas, each of 32 characters or more. `nil`: there is none, or a shorter one.
    public init?(_ text: String) {
        let secrets = text.split(separator: ",").map { Array($0.utf8.filter { $0 > 0x20 }) }
        guard !secrets.isEmpty, secrets.allSatisfy({ $0.count >= 32 }) else { return nil }
        all = secrets.map { Key($0) }
    }
}

/// Base 64 in the alphabet of RFC 4648, section 5, without padding; of one text no other decodes to the same bytes.
enum Base64URL {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        var (held, bits) = (0, 0)
        for byte in bytes {
            held = held << 8 | Int(byte)
            bits += 8
            while bits >= 6 {
                bits -= 6
                text.append(alphabet[held >> bits & 63])
            }
            held &= (1 << bits) - 1
        }
        if bits > 0 { text.append(alphabet[held << (6 - bits) & 63]) }
        return String(decoding: text, as: UTF8.self)
    }

    static func decode(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        var (held, bits) = (0, 0)
        for character in text.utf8 {
            guard let value = alphabet.firstIndex(of: character) else { return nil }
            held = held << 6 | value
            bits += 6
            guard bits >= 8 else { continue }
            bits -= 8
            bytes.append(UInt8(held >> bits & 255))
            held &= (1 << bits) - 1
        }
        // Bits left over would let several texts stand for one.
        return bits < 6 && held == 0 ? bytes : nil
    }
}
