/// A signature of a message that is good for a while only: `t=1764000000,v1=5257a8…`, as Stripe signs its webhooks.
///
/// Signed is `<t>.<message>` by HMAC-SHA256, with the whole text of the secret as the key. While a secret is being
/// replaced there are two, and a `v1` of each.
public enum TimedSignature {
    /// Stripe's libraries allow as much between signing and arrival.
    public static let tolerance: Int64 = 300
    /// Longer headers are nobody's: five secrets take 400 bytes.
    public static let headerLimit = 4096
    private static let signatureLimit = 16

    /// Why a message is not believed.
    public enum Fault: Error, Sendable, Hashable {
        /// No secret of ours signed it.
        case forged
        /// Signed by one of ours, at another time than now.
        case stale
    }

    /// The header's value; `seconds` since 1970.
    public static func sign(_ message: [UInt8], by secrets: [String], at seconds: Int64) -> String {
        let codes = secrets.map { ",v1=\(Hex.encode(code(of: message, by: $0, at: "\(seconds)")))" }
        return "t=\(seconds)\(codes.joined())"
    }

    /// Throws unless one of our secrets has signed the message within `tolerance` of now, either way.
    ///
    /// Every secret is compared with every signature in constant time. The clock is asked last, so that only who knows a
    /// secret learns what time it is here.
    public static func verify(
        _ message: [UInt8], header: String, by secrets: [String], now: Int64, tolerance: Int64 = tolerance
    ) throws(Fault) {
        guard header.utf8.count <= headerLimit else { throw .forged }
        var time: String?
        var given: [[UInt8]] = []
        for part in header.split(separator: ",") {
            let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard sides.count == 2 else { throw .forged }
            switch sides[0] {
            case "t" where time == nil: time = sides[1]
            case "t": throw .forged
            case "v1": given.append(Hex.decode(sides[1]) ?? [])
            // `v0` is not secure, and others are not known.
            default: break
            }
        }
        guard let time, let seconds = Int64(time), given.count <= signatureLimit else { throw .forged }
        var isOurs = false
        for secret in secrets {
            let expected = code(of: message, by: secret, at: time)
            for signature in given where constantTimeEquals(expected, signature) { isOurs = true }
        }
        guard isOurs else { throw .forged }
        let (age, overflow) = now.subtractingReportingOverflow(seconds)
        guard !overflow, age.magnitude <= tolerance.magnitude else { throw .stale }
    }

    private static func code(of message: [UInt8], by secret: String, at time: String) -> [UInt8] {
        hmacSHA256(key: secret.utf8, Array("\(time).".utf8) + message)
    }
}
