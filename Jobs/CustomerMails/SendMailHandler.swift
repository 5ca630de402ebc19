internal import Accounts
public import BillingPorts
internal import Dates
public import JobKit

/// Sends a mail that was written down, once.
///
/// A mail server cannot be asked what it took, so each template says what holds after an outcome nobody knows: it is sent
/// again under the same Message-ID, whose copies receivers drop, or not again. To know that the latter were begun, their
/// sending is announced before it; for the others the mail's row is enough.
public struct SendMailHandler: JobHandler {
    public static let policy = JobPolicy(
        maxAttempts: 15, timeout: .seconds(180), backoff: Backoff(first: .seconds(5), longest: .seconds(3600)),
        whenExhausted: .hold, gateway: "mail")

    private let mailer: any Mailer
    private let writer: any MailWriter
    private let domain: String

    /// `domain`: the right-hand side of the Message-ID.
    public init(mailer: any Mailer, writer: any MailWriter, domain: String) {
        self.mailer = mailer
        self.writer = writer
        self.domain = domain
    }

    public func run(_ job: Job<SendMail>, in context: BillingContext) async throws -> JobOutcome {
        let step = try await context.transaction { work in
            try await nextStep(for: job.arguments.mail, of: job.arguments.customer, in: work)
        }
        switch step {
        case .nothing: return context.complete()
        case .send(let mail):
            let words = try writer.words(of: mail)
            let message = MailMessage(
                messageID: "\(mail.messageID)@\(domain)", recipient: mail.recipient, recipientName: mail.customerName,
                subject: words.subject, text: words.text, html: words.html, date: mail.at)
            return try await record(await mailer.send(message), of: mail, in: context)
        }
    }

    private enum Step: Sendable {
        /// It is settled; if not before, then by this.
        case nothing
        case send(MailRecord)
    }

    private func nextStep(
        for ordinal: Int, of customer: CustomerKey, in work: any BillingWork
    ) async throws -> Step {
        guard let mail = try await work.mail(ordinal, of: customer),
            mail.state == .intended || mail.state == .unknown
        else { return .nothing }
        if mail.isBounced {
            try await work.settle(mail, as: .suppressed, reply: "mail to \(mail.recipient) came back before")
            return .nothing
        }
        guard writer.whenUnknown(mail.template) == .neverTwice else { return .send(mail) }
        if mail.state == .unknown { return .nothing }
        switch try await work.announce(mail.sending) {
        case .new: return .send(mail)
        case .settled: return .nothing
        case .unresolved(let effect):
            // An attempt before this one may have sent it, and was lost.
            try await work.settle(effect, as: .unknown, result: Array("{}".utf8))
            try await work.settle(mail, as: .unknown, reply: "may have been sent by a worker that was lost")
            return .nothing
        }
    }

    private func record(
        _ outcome: MailOutcome, of mail: MailRecord, in context: BillingContext
    ) async throws -> JobOutcome {
        switch outcome {
        case .accepted(let reply):
            return try await context.complete { work in
                try await settle(mail, as: .sent, reply, effect: .confirmed, in: work)
            }
        case .refused(let code, let reply):
            return try await context.complete { work in
                try await settle(mail, as: .refused, "\(code) \(reply)", effect: .refused, in: work)
                if AddressRefusal.isOne(code: code, reply: reply) {
                    try await work.markBounced(
                        mail.recipient, of: mail.customer.seller, by: "mail server", why: "\(code) \(reply)")
                }
            }
        case .refusedForNow(let code, let reply): return try await tryAgain(mail, "\(code) \(reply)", in: context)
        case .notSent(let reason): return try await tryAgain(mail, reason, in: context)
        case .unknown(let reason):
            if writer.whenUnknown(mail.template) == .neverTwice {
                return try await context.complete { work in
                    try await settle(mail, as: .unknown, reason, effect: .unknown, in: work)
                }
            }
            try await context.transaction { work in try await work.settle(mail, as: .unknown, reply: reason) }
            throw MailNotSent(reason: "no answer after the message was sent: \(reason)")
        }
    }

    /// Certainly not sent: the next try is announced anew.
    private func tryAgain(
        _ mail: MailRecord, _ reason: String, in context: BillingContext
    ) async throws -> JobOutcome {
        try await context.transaction { work in
            try await settle(mail, as: mail.state, reason, effect: .refused, in: work)
        }
        throw MailNotSent(reason: reason)
    }

    private func settle(
        _ mail: MailRecord, as state: MailRecord.State, _ reply: String, effect: EffectState,
        in work: any BillingWork
    ) async throws {
        if writer.whenUnknown(mail.template) == .neverTwice,
            case .unresolved(let announced) = try await work.announce(mail.sending)
        {
            try await work.settle(announced, as: effect, result: Array("{}".utf8))
        }
        try await work.settle(mail, as: state, reply: reply)
    }
}

extension MailRecord {
    /// Each try is an effect of its own: one that was certainly not sent is over, and the next may be.
    fileprivate var sending: EffectRequest {
        EffectRequest(
            scope: "mail/\(customer)/\(ordinal)", name: "send \(tries + 1)", fingerprint: "\(messageID) \(recipient)")
    }
}

/// The mail server did not take the message; the job is tried again.
struct MailNotSent: Error, CustomStringConvertible {
    let reason: String
    var description: String { "mail not sent: \(reason)" }
}

/// Tells a refusal of the address from one of the message.
enum AddressRefusal {
    /// By the enhanced code of RFC 3463, if the server gives one: 5.1.x is about the addressed mailbox, but for the
    /// sender's own (.7, .8). Without one, by the codes that RFC 5321 has for mailboxes that are not there.
    static func isOne(code: Int, reply: String) -> Bool {
        let words = reply.split { $0 == " " || $0 == "-" }
        let enhanced = words.first { word in
            let parts = word.split(separator: ".", omittingEmptySubsequences: false)
            return parts.count == 3 && parts[0] == "5" && parts.allSatisfy { Int($0) != nil }
        }
        guard let enhanced else { return [550, 551, 553].contains(code) }
        return enhanced.hasPrefix("5.1.") && !["5.1.7", "5.1.8"].contains(enhanced)
    }
}
