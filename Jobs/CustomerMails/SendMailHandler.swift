internal import Accounts
public import BillingPorts
internal import Dates
public import JobKit

/// Sends a mail that was written down, once.
///
/// A mail server cannot be asked what it took. Every template here may be sent again after an unknown outcome: the copy
/// carries the same Message-ID and the receiver drops it.
public struct SendMailHandler: JobHandler {
    public static let policy = JobPolicy(
        maxAttempts: 15, timeout: .seconds(180), backoff: Backoff(first: .seconds(5), longest: .seconds(3600)),
        whenExhausted: .hold, gateway: "mail")

    private let mailer: any Mailer
    private let zones: any TimeZones
    private let domain: String

    /// `domain`: the right-hand side of the Message-ID.
    public init(mailer: any Mailer, zones: any TimeZones, domain: String) {
        self.mailer = mailer
        self.zones = zones
        self.domain = domain
    }

    public func run(_ job: Job<SendMail>, in context: BillingContext) async throws -> JobOutcome {
        let found = try await context.transaction { work in
            try await work.mail(job.arguments.mail, of: job.arguments.customer)
        }
        guard let mail = found, mail.state == .intended || mail.state == .unknown else { return context.complete() }
        let words = MailWords(mail, date: try zones.rules(mail.timeZone).localDate(of: mail.at))
        let message = MailMessage(
            messageID: "\(mail.messageID)@\(domain)", recipient: mail.recipient, recipientName: mail.customerName,
            subject: words.subject, text: words.text, html: nil, date: mail.at)
        return try await record(await mailer.send(message), of: mail, in: context)
    }

    private func record(
        _ outcome: MailOutcome, of mail: MailRecord, in context: BillingContext
    ) async throws -> JobOutcome {
        switch outcome {
        case .accepted(let reply):
            return try await context.complete { work in try await work.settle(mail, as: .sent, reply: reply) }
        case .refused(let code, let reply):
            return try await context.complete { work in
                try await work.settle(mail, as: .refused, reply: "\(code) \(reply)")
            }
        case .refusedForNow(let code, let reply): throw MailNotSent(reason: "\(code) \(reply)")
        case .notSent(let reason): throw MailNotSent(reason: reason)
        case .unknown(let reason):
            try await context.transaction { work in try await work.settle(mail, as: .unknown, reply: reason) }
            throw MailNotSent(reason: "no answer after the message was sent: \(reason)")
        }
    }
}

/// The mail server did not take the message; the job is tried again.
struct MailNotSent: Error, CustomStringConvertible {
    let reason: String
    var description: String { "mail not sent: \(reason)" }
}
