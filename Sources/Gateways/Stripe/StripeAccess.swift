/// A secret key and where it may be sent: made only if the two belong together.
struct StripeAccess: Sendable {
    let secretKey: String
    /// Without a slash at the end.
    let base: String

    init(secretKey: String, apiBase: String, allowsLive: Bool) throws(StripeSettingsFault) {
        guard let base = BaseURL(apiBase) else { throw .notABaseURL(apiBase) }
        guard Self.isKey(secretKey) else { throw .notASecretKey }
        if secretKey.hasPrefix("sk_live_") || secretKey.hasPrefix("rk_live_") {
            guard allowsLive else { throw .liveKeyNotAllowed }
            guard base.isStripe else { throw .liveKeyElsewhere(host: base.host) }
        }
        guard base.isEncrypted || base.isLoopback else { throw .plainText(host: base.host) }
        self.secretKey = secretKey
        self.base = base.text
    }

    private static func isKey(_ text: String) -> Bool {
        guard let prefix = ["sk_test_", "rk_test_", "sk_live_", "rk_live_"].first(where: text.hasPrefix) else {
            return false
        }
        let rest = text.utf8.dropFirst(prefix.utf8.count)
        return !rest.isEmpty && rest.allSatisfy { ASCII.isAlphanumeric($0) || $0 == UInt8(ascii: "_") }
    }

    /// Scheme, host and port, in an alphabet so small that no two readers can disagree on the host.
    private struct BaseURL {
        let text: String
        let isEncrypted: Bool
        let host: String
        let port: UInt16?

        init?(_ given: String) {
            let text = given.hasSuffix("/") ? String(given.dropLast()) : given
            guard let scheme = ["https://", "http://"].first(where: text.hasPrefix) else { return nil }
            let authority = text.dropFirst(scheme.count).lowercased()
            let colon = authority.hasPrefix("[::1]") ? authority.dropFirst(5).startIndex : authority.firstIndex(of: ":")
            let end = colon ?? authority.endIndex
            host = String(authority[..<end])
            let isName = host.utf8.allSatisfy {
                ASCII.isAlphanumeric($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-")
            }
            guard host == "[::1]" || (isName && !host.isEmpty) else { return nil }
            let rest = authority[end...]
            guard rest.isEmpty || rest.hasPrefix(":") else { return nil }
            port = UInt16(rest.dropFirst())
            guard rest.isEmpty || (port ?? 0) > 0 else { return nil }
            self.text = text
            isEncrypted = scheme == "https://"
        }

        var isStripe: Bool { isEncrypted && host == "api.stripe.com" && (port ?? 443) == 443 }

        var isLoopback: Bool {
            if ["localhost", "[::1]"].contains(host) { return true }
            let parts = host.split(separator: ".", omittingEmptySubsequences: false)
            return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
        }
    }
}

/// Why Stripe cannot be spoken to with these settings. Never holds the key.
public enum StripeSettingsFault: Error, Hashable, Sendable, CustomStringConvertible {
    case notASecretKey
    case notABaseURL(String)
    case liveKeyNotAllowed
    case liveKeyElsewhere(host: String)
    case plainText(host: String)

    public var description: String {
        switch self {
        case .notASecretKey:
            "the Stripe key is no secret or restricted key (sk_test_…, rk_test_…, sk_live_…, rk_live_…)"
        case .notABaseURL(let text): "the address of Stripe must be https://host or http://127.0.0.1:port, not \(text)"
        case .liveKeyNotAllowed: "the Stripe key is a live key, and live charges are not allowed by the settings"
        case .liveKeyElsewhere(let host): "a live Stripe key goes to https://api.stripe.com only, not to \(host)"
        case .plainText(let host): "http is allowed to this machine only, not to \(host)"
        }
    }
}
