internal import CCurl

/// Scheme and host of a URL as libcurl itself reads them, so that a check here and the transfer cannot disagree.
struct ServerAddress {
    let scheme: String
    let host: String
    /// That of the scheme where the URL names none.
    let port: Int

    /// Nil when libcurl would not take `url` as an absolute URL, or it carries a user and password.
    init?(url: String) {
        guard !url.utf8.contains(0), let parsed = unsafe curl_url() else { return nil }
        defer { unsafe curl_url_cleanup(parsed) }
        guard unsafe curl_url_set(parsed, CURLUPART_URL, url, UInt32(CURLU_DISALLOW_USER)) == CURLUE_OK else {
            return nil
        }
        func part(_ name: CURLUPart, flags: UInt32 = 0) -> String? {
            var text: UnsafeMutablePointer<CChar>?
            guard unsafe curl_url_get(parsed, name, &text, flags) == CURLUE_OK, let text = unsafe text else {
                return nil
            }
            defer { unsafe curl_free(text) }
            return unsafe String(cString: text)
        }
        guard let scheme = part(CURLUPART_SCHEME), let host = part(CURLUPART_HOST) else { return nil }
        self.scheme = scheme
        self.host = host.lowercased()
        port = part(CURLUPART_PORT, flags: UInt32(CURLU_DEFAULT_PORT)).flatMap { Int($0) } ?? 0
    }

    /// Whether the host can only be this machine: an address of 127/8, `::1`, or `localhost`, which libcurl resolves
    /// to loopback without asking anyone.
    var isLoopback: Bool { Self.isLoopback(host) }

    static func isLoopback(_ host: String) -> Bool {
        if ["localhost", "[::1]", "::1"].contains(host) { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }
}

/// Where a URL leads, as the client reads it.
public struct URLTarget: Sendable, Hashable {
    public let scheme: String
    /// Lower-case, an IPv6 address without its brackets.
    public let host: String
    public let port: Int

    /// Nil when the client would not take it as an absolute URL, or it carries a user and password.
    public init?(_ url: String) {
        guard let address = ServerAddress(url: url) else { return nil }
        scheme = address.scheme
        host = address.host.hasPrefix("[") ? String(address.host.dropFirst().dropLast()) : address.host
        port = address.port
    }
}
