internal import Accounts
public import Billing
public import BillingPorts
internal import Dates
internal import JSONText
internal import Money
internal import Postgres
internal import QueueStore

extension PostgresBooks {
    public func mail(_ ordinal: Int, of customer: CustomerKey) async throws -> MailRecord? {
        try await MailReader(zones: context.zones, transaction: transaction).mail(ordinal, of: customer)
    }

    public func settle(_ mail: MailRecord, as state: MailRecord.State, reply: String) async throws {
        precondition(mail.state == .intended || mail.state == .unknown, "a mail that is settled stays so")
        try await transaction.query(MailsSQL.settle(mail, as: state, reply: reply, at: now))
            .require(1, "mail \(mail.ordinal) of \(mail.customer)")
    }

    public func markBounced(
        _ address: String, of seller: Seller.ID, by actor: String, why reason: String
    ) async throws {
        _ = try await transaction.query(
            MailsSQL.markBounced(address, of: seller, by: actor, why: reason, at: now))
    }
}

/// Reads a mail with what it can tell, in one round trip.
struct MailReader {
    let zones: any TimeZones
    let transaction: Transaction

    func mail(_ ordinal: Int, of customer: CustomerKey) async throws -> MailRecord? {
        try await mail(
            ordinal, of: customer, MailsSQL.mail(ordinal, of: customer), MailsSQL.subject(ordinal, of: customer))
    }

    /// One that was never written down.
    func mail(
        _ template: Mail.Template, about subject: String, of customer: CustomerKey, at now: Instant
    ) async throws -> MailRecord? {
        try await mail(
            0, of: customer, MailsSQL.unwritten(template, about: subject, of: customer, at: now),
            MailsSQL.subject(subject, of: customer))
    }

    private func mail(
        _ ordinal: Int, of customer: CustomerKey, _ mail: SQL, _ subject: SQL
    ) async throws -> MailRecord? {
        let answers = try await transaction.pipeline([
            mail, MailsSQL.invoice(subject), MailsSQL.lines(subject), MailsSQL.subscription(subject),
            MailsSQL.note(subject),
        ])
        guard let row = answers[0].first else { return nil }
        let (
            template, subject, at, messageID, state, tries, recipient, isBounced, name, code, language, timeZone,
            sellerName, sellerCode, sellerLanguage
        ) = try row.decode(
            String.self, String.self, Instant.self, String.self, String.self, Int.self, String.self, Bool.self,
            String.self, String.self, String?.self, String.self, String.self, String.self, String?.self)
        let stored = Stored("mails", "\(customer)/\(ordinal)")
        return MailRecord(
            customer: customer, ordinal: ordinal, template: try stored.choice(Mail.Template.self, template),
            subject: subject, at: at, messageID: messageID, state: try stored.choice(MailRecord.State.self, state),
            tries: tries, recipient: recipient, isBounced: isBounced, customerName: name, customerCode: code,
            sellerName: sellerName, sellerCode: sellerCode, languages: [language, sellerLanguage].compactMap(\.self),
            timeZone: timeZone,
            invoice: try answers[1].first.map { row in
                try invoice(row, lines: answers[2], timeZone: timeZone, stored)
            },
            subscription: try answers[3].first(
                String.self, LocalDate?.self, LocalDate?.self, LocalDate?.self, String?.self
            ).map {
                MailRecord.SubscriptionFacts(
                    plan: $0, endsOn: try stored.date($1), trialEnd: try stored.date($2), termEnd: try stored.date($3),
                    winBackCoupon: $4)
            },
            note: try answers[4].first(String.self, LocalDate.self, Int64.self, String.self).map {
                MailRecord.NoteFacts(
                    invoice: $0, issuedOn: try stored.date($1), total: try stored.money($2, $3))
            })
    }

    private func invoice(
        _ row: Row, lines: Rows, timeZone: String, _ stored: Stored
    ) throws -> MailRecord.InvoiceFacts {
        let (
            ordinal, issuedOn, dueOn, code, subtotal, tax, total, paid, due, lineCount, dunning, isPaused, settings
        ) = try row.decode(
            Int.self, LocalDate.self, LocalDate.self, String.self, Int64.self, Int64.self, Int64.self, Int64.self,
            Int64.self, Int.self, PostgresJSON?.self, Bool.self, PostgresJSON.self)
        let currency = try stored.currency(code)
        func money(_ minorUnits: Int64) -> Money { Money(minorUnits: minorUnits, currency) }
        let shown = try lines.decode(
            String.self, String.self, LocalDate?.self, LocalDate?.self, String?.self, Int64.self
        ).map { kind, code, start, end, quantity, amount in
            MailRecord.Line(
                kind: try stored.choice(InvoiceLine.Kind.self, kind), code: code,
                period: try stored.period(start, end), quantity: quantity, amount: money(amount))
        }
        return MailRecord.InvoiceFacts(
            ordinal: ordinal, issuedOn: try stored.date(issuedOn), subtotal: money(subtotal), tax: money(tax),
            total: money(total), paid: money(paid), due: money(due), dueOn: try stored.date(dueOn), lines: shown,
            omittedLines: lineCount - shown.count,
            graceEnd: isPaused ? nil : try dunning.flatMap { try graceEnd($0, settings, timeZone: timeZone, stored) })
    }

    /// `nil`: grace is over.
    private func graceEnd(
        _ dunning: PostgresJSON, _ settings: PostgresJSON, timeZone: String, _ stored: Stored
    ) throws -> MailRecord.GraceEnd? {
        let dunning = try stored.reading(dunning) { (node) throws(JSONFault) in try DunningCase(reading: node) }
        guard !dunning.isOver else { return nil }
        let rules = try stored.reading(settings) { (node) throws(JSONFault) in try BillingSettings(reading: node) }
            .dunning
        let zone = try zones.rules(timeZone)
        return MailRecord.GraceEnd(date: zone.localDate(of: dunning.graceEnd(rules, in: zone)), final: rules.final)
    }
}
