public import Billing
public import BillingPorts
internal import Dates
internal import Money
internal import Postgres
public import QueueStore

extension PostgresWork: MailBooks {
    public func receipt(of payment: Payment.ID, for customer: CustomerKey) async throws -> ReceiptFacts? {
        let answers = try await transaction.pipeline([
            CustomerSQL.record(customer), MailsSQL.receipt(of: payment, for: customer),
        ])
        guard let record = answers[0].first,
            let (number, amount, currency, receivedAt, due) = try answers[1].first(
                String.self, Int64.self, String.self, Instant.self, Int64.self)
        else { return nil }
        let stored = Stored("payments", payment)
        return ReceiptFacts(
            customer: try CustomerRecord(record), invoiceNumber: number, amount: try stored.money(amount, currency),
            receivedAt: receivedAt, amountDue: try stored.money(due, currency))
    }

    public func mail(
        _ template: String, about reference: String, to recipient: String, for customer: CustomerKey
    ) async throws -> MailRecord {
        let answers = try await transaction.pipeline([
            MailsSQL.store(template, about: reference, to: recipient, for: customer, at: now),
            MailsSQL.find(template, about: reference, for: customer),
        ])
        let (id, messageID, state) = try answers[1].only(Int64.self, String.self, String.self)
        return MailRecord(
            id: id, customer: customer, messageID: messageID,
            state: try Stored("mails", id).choice(MailRecord.State.self, state))
    }

    public func settle(_ mail: MailRecord, as state: MailRecord.State, reply: String) async throws {
        precondition(mail.state != .sent, "a mail that was sent stays sent")
        try await transaction.query(MailsSQL.settle(mail, as: state, reply: reply, at: now))
            .requireOne("mail \(mail.id)")
    }
}
