internal import Accounts
public import BillingPorts
internal import Dates
public import JobKit

/// Sends mails that were written down, each once.
///
/// A mail server cannot be asked what it took, so each template says what holds after an outcome nobody knows: it is sent
/// again under the same Message-ID, whose copies receivers drop, or not again. To know that the latter were begun, their
/// sending is announced before it; for the others the mail's row is enough.
public struct SendMailHandler: JobHandler {
    public static let policy = JobPolicy(
        maxAttempts: 15, timeout: .seconds(240), backoff: Backoff(first: .seconds(5), longest: .seconds(3600)),
        whenExhausted: .hold, gateway: "mail", callsPerAttempt: SendMail.most)

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
        if isAlone, let failure = failure(of: answered[0].outcome, mails[0]) {
            try await context.transaction { work in try await record(answered[0].outcome, of: mails[0], in: work) }
            throw failure
        }
        return try await context.complete { work in
            for (mail, outcome) in answered { try await record(outcome, of: mail, in: work) }
            let failed = answered.filter { failure(of: $0.outcome, $0.mail) != nil }
            let again = work.now + Self.policy.backoff.first
            try await work.setAside(
                failed.map { MailKey(customer: $0.mail.customer, mail: $0.mail.ordinal) }, until: again)
        }
    }

    private static var mailsAtATime: Int { 8 }
    /// With the server's own time-out after it, well within the attempt's.
    private static var mailsBeginWithin: Duration { .seconds(60) }

    /// nil: it is settled; if not before, then by this.
    private func toSend(_ key: MailKey, in work: any BillingWork) async throws -> MailRecord? {
        guard let mail = try await work.mail(key.mail, of: key.customer),
            mail.state == .intended || mail.state == .unknown
        else { return nil }
        if mail.isBounced {
            try await work.settle(mail, as: .suppressed, reply: "mail to \(mail.recipient) came back before")
            return nil
        }
        guard writer.whenUnknown(mail.template) == .neverTwice else { return mail }
        if mail.state == .unknown { return nil }
        switch try await work.announce(mail.sending) {
        case .new: return mail
        case .settled: return nil
        case .unresolved(let effect):
            // An attempt before this one may have sent it, and was lost.
            try await work.settle(effect, as: .unknown, result: Array("{}".utf8))
            try await work.settle(mail, as: .unknown, reply: "may have been sent by a worker that was lost")
            return nil
        }
    }

    private func send(_ mail: MailRecord) async -> MailOutcome {
        do {
            let words = try writer.words(of: mail)
            return await mailer.send(
                MailMessage(
                    messageID: "\(mail.messageID)@\(domain)", recipient: mail.recipient,
                    recipientName: mail.customerName, subject: words.subject, text: words.text, html: words.html,
                    date: mail.at))
        } catch { return .notSent(reason: "\(error)") }
    }

    /// Writes down what is known now. What was certainly not sent is announced anew by the next try.
    private func record(_ outcome: MailOutcome, of mail: MailRecord, in work: any BillingWork) async throws {
        switch outcome {
        case .accepted(let reply): try await settle(mail, as: .sent, reply, effect: .confirmed, in: work)
        case .refused(let code, let reply):
            try await settle(mail, as: .refused, "\(code) \(reply)", effect: .refused, in: work)
            if AddressRefusal.isOne(code: code, reply: reply) {
                try await work.markBounced(
                    mail.recipient, of: mail.customer.seller, by: "mail server", why: "\(code) \(reply)")
            }
        case .unknown(let reason): try await settle(mail, as: .unknown, reason, effect: .unknown, in: work)
        case .refusedForNow(let code, let reply):
            try await settle(mail, as: mail.state, "\(code) \(reply)", effect: .refused, in: work)
        case .notSent(let reason): try await settle(mail, as: mail.state, reason, effect: .refused, in: work)
        }
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

    /// Why it must be sent again; nil: it need not.
    private func failure(of outcome: MailOutcome, _ mail: MailRecord) -> MailNotSent? {
        switch outcome {
        case .accepted, .refused: nil
        case .refusedForNow(let code, let reply): MailNotSent(reason: "\(code) \(reply)")
        case .notSent(let reason): MailNotSent(reason: reason)
        case .unknown(let reason):
            writer.whenUnknown(mail.template) == .neverTwice
                ? nil : MailNotSent(reason: "no answer after the message was sent: \(reason)")
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
