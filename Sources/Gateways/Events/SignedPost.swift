public import BillingPorts
internal import Crypto
internal import HTTPClient
internal import HTTPTypes

/// Sends events to addresses that sellers named: signed, to the public internet only, and to the very address that was
/// checked.
///
/// Whoever names an address could name ours, or have a name answer differently each time it is asked. So a name is looked
/// up once, every address behind it must be public, and the connection goes to the one that was checked, whatever the name
/// says by then. Nothing is redirected, and of an answer no more than 64 KiB is read.
public struct SignedPost: EventPost {
    /// The header of the signature, which is made as Stripe makes its own.
    public static let header = "Billwright-Signature"
    public static let answerLimit = 64 << 10

    private let client: HTTPClient
    private let book = AddressBook()
    private let allowsPrivate: Bool

    /// `allowsPrivate`: also `http`, and addresses of this machine and its network. For trying things out.
    public init(allowsPrivate: Bool, certificateAuthorities: String? = nil) {
        var settings = HTTPClient.Settings()
        settings.totalTimeout = .seconds(20)
        settings.connectTimeout = .seconds(10)
        settings.responseBodyLimit = Self.answerLimit
        settings.allowsPlainText = allowsPrivate
        settings.certificateAuthorities = certificateAuthorities
        client = HTTPClient(settings)
        self.allowsPrivate = allowsPrivate
    }

    /// The address to connect to, or why there is none.
    public func check(_ url: String) async -> Result<String, Refusal> {
        guard let target = URLTarget(url), ["https", "http"].contains(target.scheme) else {
            return .failure(Refusal("not an absolute https URL without user and password"))
        }
        guard target.scheme == "https" || allowsPrivate else {
            return .failure(Refusal("not https: what is told would be readable on the way"))
        }
        let addresses = await book.addresses(of: target.host)
        guard let first = addresses.first else { return .failure(Refusal("\(target.host) has no address")) }
        if !allowsPrivate, let inner = addresses.first(where: { !PublicAddress.isPublic($0) }) {
            return .failure(Refusal("\(target.host) is \(inner), which is no address of the public internet"))
        }
        return .success(first)
    }

    /// Why nothing is sent to a URL.
    public struct Refusal: Error, Sendable, Hashable, CustomStringConvertible {
        public let description: String

        init(_ description: String) { self.description = description }
    }

    public func post(_ body: [UInt8], to url: String, signedBy secrets: [String], now: Int64) async -> DeliveryAnswer {
        let address: String
        switch await check(url) {
        case .failure(let refusal): return DeliveryAnswer(status: nil, error: "not sent: \(refusal)")
        case .success(let checked): address = checked
        }
        var request = HTTPRequest(
            method: "POST", url: url,
            headers: [
                "Content-Type": "application/json; charset=utf-8", "User-Agent": "Billwright",
                Self.header: TimedSignature.sign(body, by: secrets, at: now),
            ], body: body)
        request.address = address
        do {
            let status = try await client.send(request).status
            switch status {
            case 200..<300: return DeliveryAnswer(status: status, error: nil)
            case 300..<400:
                return DeliveryAnswer(status: status, error: "answered \(status): redirects are not followed")
            default: return DeliveryAnswer(status: status, error: "answered \(status)")
            }
        } catch { return DeliveryAnswer(status: nil, error: "\(error)") }
    }
}

/// The secret of one endpoint.
public enum EndpointSecret {
    /// Nobody's before. Throws when the system has no randomness to give.
    public static func new() throws -> String { "whsec_" + Hex.encode(try randomBytes(32)) }
}
