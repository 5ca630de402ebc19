internal import BillingPorts
internal import Commands
internal import Foundation
internal import Gateways
internal import HTTPClient
internal import Typesetting

extension Arguments {
    /// The payment gateway and mail server that the settings name. Throws `UsageError` for what cannot be.
    func counterparts() throws(UsageError) -> Counterparts {
        let from = try required("--mail-from")
        guard let at = from.lastIndex(of: "@"), at > from.startIndex, from.index(after: at) < from.endIndex else {
            throw fault("--mail-from", from, "a mail address")
        }
        let limits = CallLimits()
        let stripe = try stripe { await limits.heed($0) }
        return Counterparts(
            gateway: stripe, news: stripe, refunds: stripe, setups: stripe, events: try eventPost(), limits: limits,
            mailer: try mailer(from: from), writer: try mailWriter(),
            mailDomain: String(from[from.index(after: at)...]), reconcileAfter: try duration("--reconcile-after"),
            links: try payLinks(), printer: PDFPrinter(), documents: try documentStore())
    }

    private func stripe(
        limited: @escaping @Sendable (Duration) async -> Void
    ) throws(UsageError) -> StripeGateway {
        let key = try required("--stripe-key")
        let url = try required("--stripe-url")
        let isLive = try yesOrNo("--stripe-live")
        let isMinimal = try yesOrNo("--stripe-minimal")
        var settings = HTTPClient.Settings()
        // A call must be over, one way or the other, well before the gateway is asked what became of it.
        let patience = try duration("--reconcile-after")
        guard patience >= .seconds(3) else { throw fault("--reconcile-after", "\(patience)", "3s or more") }
        settings.totalTimeout = min(.seconds(60), patience / 3)
        do throws(StripeSettingsFault) {
            return try StripeGateway(
                secretKey: key, apiBase: url, allowsLive: isLive, minimalParameters: isMinimal,
                client: HTTPClient(settings), limited: limited)
        } catch {
            throw UsageError("--stripe-key, --stripe-url: \(error)")
        }
    }

    /// The way to sellers' endpoints.
    func eventPost() throws(UsageError) -> SignedPost {
        SignedPost(allowsPrivate: try yesOrNo("--private-endpoints"))
    }

    private enum Answer: String, CaseIterable { case yes, no }

    private func yesOrNo(_ flag: String) throws(UsageError) -> Bool { try choice(flag, Answer.self) == .yes }

    private func mailer(from: String) throws(UsageError) -> SMTPMailer {
        let url = try required("--smtp-url")
        guard let server = SMTPServer(url: url) else {
            throw fault("--smtp-url", "…", "smtp://[USER:PASSWORD@]HOST:PORT or smtps://[USER:PASSWORD@]HOST:PORT")
        }
        return SMTPMailer(server: server, client: SMTPClient(), sender: Mailbox(name: "", address: from))
    }
}

extension SMTPServer {
    /// `smtp://` asks for STARTTLS, except on loopback; `smtps://` is TLS from the first byte. Nil: neither.
    fileprivate init?(url: String) {
        let parts = url.split(separator: "://", maxSplits: 1).map(String.init)
        guard parts.count == 2, parts[0] == "smtp" || parts[0] == "smtps" else { return nil }
        var rest = Substring(parts[1])
        if rest.hasSuffix("/") { rest = rest.dropLast() }
        var login: Login?
        if let at = rest.lastIndex(of: "@") {
            let words = rest[..<at].split(separator: ":", maxSplits: 1).map { String($0).removingPercentEncoding ?? "" }
            guard words.count == 2 else { return nil }
            login = Login(user: words[0], password: words[1])
            rest = rest[rest.index(after: at)...]
        }
        guard let colon = rest.lastIndex(of: ":"), let port = Int(rest[rest.index(after: colon)...]),
            (1...65_535).contains(port)
        else { return nil }
        let host = String(rest[..<colon])
        let isLoopback = ["127.0.0.1", "[::1]", "localhost"].contains(host)
        let security: Security = parts[0] == "smtps" ? .tls : isLoopback ? .none : .startTLS
        self.init(host: host, port: port, security: security, login: login)
    }
}
