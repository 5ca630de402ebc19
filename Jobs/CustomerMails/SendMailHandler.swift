internal import Accounts
public import BillingPorts
internal import Dates
public import JobKit

/// Sends mails that were written down, each once.
///
/// A mail server cannot be asked what it took. Every template here may be sent again after an unknown outcome: the copy
/// carries the same Message-ID and the receiver drops it.
public struct SendMailHandler: JobHandler {
    public static let policy = JobPolicy(
        maxAttempts: 15, timeout: .seconds(240), backoff: Backoff(first: .seconds(5), longest: .seconds(3600)),
        whenExhausted: .hold, gateway: "mail", callsPerAttempt: SendMail.most)

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
        let keys = job.arguments.mails
        let isAlone = keys.count == 1
        // What failed may be the fault of one of them: each by itself then.
        guard isAlone || job.attempt == 1 else {
            return try await context.complete { work in try await work.setAside(keys, until: nil) }
        }
        let mails = try await context.transaction { work in
            var mails: [MailRecord] = []
            for key in keys { if let mail = try await toSend(key, in: work) { mails.append(mail) } }
            return mails
        }
        guard !mails.isEmpty else { return context.complete() }
        let answers = await callEach(mails, atMost: Self.mailsAtATime, within: Self.mailsBeginWithin) { await send($0) }
        let answered = zip(mails, answers).map { mail, answer in
            (mail: mail, outcome: answer ?? .notSent(reason: "its turn did not come in time"))
        }
        if isAlone, let failure = answered[0].outcome.failure {
            try await context.transaction { work in try await record(answered[0].outcome, of: mails[0], in: work) }
            throw failure
        }
        return try await context.complete { work in
            for (mail, outcome) in answered { try await record(outcome, of: mail, in: work) }
            let failed = answered.filter { $0.outcome.failure != nil }
            let again = work.now + Self.policy.backoff.first
            try await work.setAside(
                failed.map { MailKey(customer: $0.mail.customer, mail: $0.mail.ordinal) }, until: again)
        }
    }

    private static var mailsAtATime: Int { 8 }
    /// With the server's own time-out after it, well within the attempt's.
    private static var mailsBeginWithin: Duration { .seconds(60) }

    private func toSend(_ key: MailKey, in work: any BillingWork) async throws -> MailRecord? {
        guard let mail = try await work.mail(key.mail, of: key.customer),
            mail.state == .intended || mail.state == .unknown
        else { return nil }
        return mail
    }

    private func send(_ mail: MailRecord) async -> MailOutcome {
        let words: MailWords
        do { words = MailWords(mail, date: try zones.rules(mail.timeZone).localDate(of: mail.at)) } catch {
            return .notSent(reason: "\(error)")
        }
        return await mailer.send(
            MailMessage(
                messageID: "\(mail.messageID)@\(domain)", recipient: mail.recipient, recipientName: mail.customerName,
                subject: words.subject, text: words.text, html: nil, date: mail.at))
    }

    /// Writes down what is known now.
    private func record(_ outcome: MailOutcome, of mail: MailRecord, in work: any BillingWork) async throws {
        switch outcome {
        case .accepted(let reply): try await work.settle(mail, as: .sent, reply: reply)
        case .refused(let code, let reply): try await work.settle(mail, as: .refused, reply: "\(code) \(reply)")
        case .unknown(let reason): try await work.settle(mail, as: .unknown, reply: reason)
        case .refusedForNow, .notSent: break
        }
    }
}

extension MailOutcome {
    /// Why it must be sent again; nil: it need not.
    fileprivate var failure: MailNotSent? {
        switch self {
        case .accepted, .refused: nil
        case .refusedForNow(let code, let reply): MailNotSent(reason: "\(code) \(reply)")
        case .notSent(let reason): MailNotSent(reason: reason)
        case .unknown(let reason): MailNotSent(reason: "no answer after the message was sent: \(reason)")
        }
    }
}

extension BillingWork {
    /// A job for each of these mails alone, which is tried again without keeping the others.
    fileprivate func setAside(_ mails: [MailKey], until due: Instant?) async throws {
        guard !mails.isEmpty else { return }
        try await enqueue(
            mails.map { try NewJob(SendMail(customer: $0.customer, mail: $0.mail), dueAt: due) })
    }
}

/// The mail server did not take the message; the job is tried again.
struct MailNotSent: Error, CustomStringConvertible {
    let reason: String
    var description: String { "mail not sent: \(reason)" }
}
