/// One message for one recipient, ready for the wire.
public struct SMTPMessage: Sendable, Equatable {
    /// The address bounces go to, without angle brackets; empty for none.
    public var envelopeFrom: String
    /// The one address it is for, without angle brackets.
    public var recipient: String
    /// Header and body with CRLF at the end of every line; dots need no doubling.
    public var data: [UInt8]

    public init(envelopeFrom: String, recipient: String, data: [UInt8]) {
        self.envelopeFrom = envelopeFrom
        self.recipient = recipient
        self.data = data
    }

    /// RFC 5321 4.5.3.1.6, less the CRLF.
    private static let lineLimit = 998

    /// Why it must not be sent, nil when it may.
    func fault(limit: Int) -> String? {
        if !envelopeFrom.isEmpty && !Self.isAddress(envelopeFrom) { return "not an address: \(envelopeFrom)" }
        if !Self.isAddress(recipient) { return "not an address: \(recipient)" }
        if data.count > limit { return "the message has \(data.count) bytes, the limit is \(limit)" }
        return lineFault
    }

    /// A bare CR or LF is where servers disagree on what ends a line, which lets one message carry another.
    private var lineFault: String? {
        var length = 0
        var line = 1
        var isAfterCR = false
        for byte in data {
            switch (isAfterCR, byte) {
            case (true, UInt8(ascii: "\n")):
                line += 1
                length = 0
            case (true, _), (false, UInt8(ascii: "\n")): return "line \(line) of the message does not end in CRLF"
            case (false, UInt8(ascii: "\r")): break
            default: length += 1
            }
            isAfterCR = byte == UInt8(ascii: "\r")
            if length > Self.lineLimit { return "line \(line) of the message is longer than \(Self.lineLimit) bytes" }
        }
        return length > 0 || isAfterCR || data.isEmpty ? "the message does not end in CRLF" : nil
    }

    /// Not the whole of RFC 5321, which allows quoted spaces: what could break out of the command line is refused.
    private static func isAddress(_ text: String) -> Bool {
        text.utf8.count <= 254 && text.utf8.first != UInt8(ascii: "-")
            && text.utf8.contains(UInt8(ascii: "@"))
            && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "<") && $0 != UInt8(ascii: ">") }
    }
}

/// A server that takes mail, and how to speak to it.
public struct SMTPServer: Sendable, Equatable {
    /// How the connection is protected.
    public enum Security: String, Sendable {
        /// Not at all: allowed to loopback only.
        case none
        /// STARTTLS, and no mail without it (port 587).
        case startTLS
        /// TLS from the first byte (port 465).
        case tls
    }

    /// Who we are to the server.
    public struct Login: Sendable, Equatable {
        public var user: String
        public var password: String

        public init(user: String, password: String) {
            self.user = user
            self.password = password
        }
    }

    /// A host name or an address; the certificate must name it.
    public var host: String
    public var port: Int
    public var security: Security
    public var login: Login?
    /// A PEM file of certificate authorities to trust in place of the system's.
    public var certificateAuthorities: String?

    public init(
        host: String, port: Int, security: Security, login: Login? = nil, certificateAuthorities: String? = nil
    ) {
        self.host = host
        self.port = port
        self.security = security
        self.login = login
        self.certificateAuthorities = certificateAuthorities
    }

    /// IPv6 addresses take brackets in a URL.
    var urlHost: String { host.contains(":") && !host.hasPrefix("[") ? "[\(host)]" : host }

    /// Why it must not be spoken to, nil when it may.
    var fault: String? {
        guard let address = ServerAddress(url: "smtp://\(urlHost):\(port)/"), (1...65_535).contains(port) else {
            return "not a mail server: \(host), port \(port)"
        }
        guard security != .none || address.isLoopback else {
            return "mail without TLS is allowed to loopback only, not to \(host)"
        }
        return nil
    }
}
