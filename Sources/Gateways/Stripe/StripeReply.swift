internal import HTTPClient
internal import HTTPTypes

/// What Stripe answered: status, body and the two headers that matter.
struct StripeAnswer: Sendable, Hashable {
    let status: Int
    let requestID: String?
    /// What Stripe itself says of sending the call again, where it says anything.
    let shouldRetry: Bool?
    let body: [UInt8]
    /// In seconds, where it says so.
    var retryAfter: Int?

    /// Longer than Stripe ever asks for; whoever stands in for it may say anything.
    private static let longestPause = 60

    /// How long nobody is to call, when the account has called too often; nil: it has not. A locked object is told by the
    /// same status and is nobody else's affair.
    var pause: Duration? {
        let fault = fault
        guard status == 429 || fault.code == "rate_limit", fault.code != "lock_timeout" else { return nil }
        return .seconds(min(max(retryAfter ?? 1, 1), Self.longestPause))
    }

    /// The error object of the body, all parts empty if there is none.
    var fault: StripeFault { StripeFault(body: body) }

    /// For people: status, Stripe's words, and the id its support asks for.
    var summary: String {
        let request = requestID.map { " (request \($0))" } ?? ""
        return "Stripe answered \(status)\(fault.summary)\(request)"
    }
}

/// One try of one call.
enum StripeExchange: Sendable, Hashable {
    case answer(StripeAnswer)
    /// Certainly nothing was sent. `isPassing`: the next moment may be better.
    case notSent(reason: String, isPassing: Bool)
    /// The request cannot be sent as it is written.
    case unsendable(reason: String)
    case noAnswer(reason: String)

    enum Advice { case keep, again, underWay }

    /// Whether sending the same key and bytes again is harmless and may help.
    var advice: Advice {
        switch self {
        case .notSent(_, let isPassing): isPassing ? .again : .keep
        case .unsendable, .noAnswer: .keep
        case .answer(let answer) where answer.shouldRetry == false: .keep
        case .answer(let answer) where answer.status == 409 && answer.fault.code == "idempotency_key_in_use": .underWay
        case .answer(let answer): answer.shouldRetry == true && answer.status >= 300 ? .again : .keep
        }
    }

    /// Why this try, or one before it, may have acted; nil when neither can have.
    var doubt: String? {
        switch self {
        case .answer(let answer) where answer.status == 409 || answer.status >= 500: answer.summary
        case .noAnswer(let reason): reason
        case .answer, .notSent, .unsendable: nil
        }
    }

    /// Stripe masks keys in its error messages; others that stand in for it may not.
    func without(_ secret: String) -> StripeExchange {
        guard case .answer(let answer) = self, answer.status >= 400 else { return self }
        let body = answer.body.replacing(Array(secret.utf8), with: Array("***".utf8))
        return .answer(
            StripeAnswer(
                status: answer.status, requestID: answer.requestID, shouldRetry: answer.shouldRetry, body: body,
                retryAfter: answer.retryAfter))
    }
}

extension StripeExchange {
    init(_ request: HTTPRequest, by client: HTTPClient) async {
        do {
            let response = try await client.send(request)
            self = .answer(
                StripeAnswer(
                    status: response.status, requestID: response.headers["Request-Id"],
                    shouldRetry: response.headers["Stripe-Should-Retry"].flatMap { Bool($0) }, body: response.body,
                    retryAfter: response.headers["Retry-After"].flatMap { Int($0) }))
        } catch let error where error.kind == .invalidRequest {
            self = .unsendable(reason: error.description)
        } catch let error where error.mayHaveReachedServer {
            self = .noAnswer(reason: error.description)
        } catch {
            let isPassing = [.connect, .nameResolution, .connectionLost].contains(error.kind)
            self = .notSent(reason: error.description, isPassing: isPassing)
        }
    }
}

/// How a call ended, all its tries together.
struct StripeReply: Sendable, Hashable {
    let last: StripeExchange
    /// Why a try before the last may have acted; nil when none can have.
    let doubt: String?

    init(_ last: StripeExchange, doubt: String? = nil) {
        self.last = last
        self.doubt = doubt
    }
}
