internal import Billing
public import BillingPorts
internal import Dates
public import JobKit

/// Mails the receipt of a payment, once.
///
/// A mail server cannot be asked what it took. This template may be sent again after an unknown outcome: the copy carries
/// the same Message-ID and the receiver drops it.
public struct SendReceiptHandler: JobHandler {
    public static let policy = JobPolicy(
        maxAttempts: 15, timeout: .seconds(180), backoff: Backoff(first: .seconds(5), longest: .seconds(3600)),
        whenExhausted: .hold, gateway: "mail")
    static let template = "payment_receipt"

    private let mailer: any Mailer
    private let zones: any TimeZones
    private let domain: String

    /// `domain`: the right-hand side of the Message-ID.
    public init(mailer: any Mailer, zones: any TimeZones, domain: String) {
        self.mailer = mailer
        self.zones = zones
        self.domain = domain
    }

    public func run(_ job: Job<SendReceipt>, in context: BillingContext) async throws -> JobOutcome {
        let customer = job.arguments.customer
        let found = try await context.transaction { work -> (ReceiptFacts, MailRecord)? in
            guard let facts = try await work.receipt(of: job.arguments.payment, for: customer) else { return nil }
            let mail = try await work.mail(
                SendReceiptHandler.template, about: "payment/\(job.arguments.payment)", to: facts.customer.email,
                for: customer)
            return (facts, mail)
        }
        guard let (facts, mail) = found, mail.state == .intended || mail.state == .unknown else {
            return context.complete()
        }
        let receivedOn = try zones.rules(facts.customer.timeZone).localDate(of: facts.receivedAt)
        let receipt = Receipt(facts, receivedOn: receivedOn)
        let message = MailMessage(
            messageID: "\(mail.messageID)@\(domain)", recipient: facts.customer.email,
            recipientName: facts.customer.name, subject: receipt.subject, text: receipt.text, html: nil,
            date: facts.receivedAt)
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
    var description: String { "receipt not sent: \(reason)" }
}
