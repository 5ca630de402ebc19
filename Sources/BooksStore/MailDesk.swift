public import Accounts
public import Billing
public import BillingPorts
public import Dates
internal import JobKit
internal import Postgres
internal import QueueStore

/// A mail in a list.
public struct MailEntry: Hashable, Sendable {
    public let customer: CustomerKey
    public let customerCode: String
    /// Its place among the customer's.
    public let ordinal: Int
    public let template: Mail.Template
    public let subject: String
    public let at: Instant
    public let recipient: String
    public let state: MailRecord.State
    public let tries: Int
    /// What the mail server said last, or why it was not asked.
    public let reply: String?
    public let settledAt: Instant?
    /// The local part of its Message-ID.
    public let messageID: String
}

extension BooksInspection {
    /// Mails in the order in which their customers were loaded and they were written, those behind `place`; of one
    /// customer, or in one of these states only, where that is asked.
    public func mails(
        of seller: Seller.ID, customer: CustomerKey? = nil, states: [MailRecord.State]? = nil,
        after place: (customer: CustomerKey, ordinal: Int)? = nil, limit: Int
    ) async throws -> [MailEntry] {
        try await read(seller) { transaction in
            try await transaction.query(
                MailDeskSQL.list(
                    of: seller, customer?.customer, states?.map(\.rawValue),
                    after: place.map { ($0.customer.customer, $0.ordinal) },
                    limit: limit)
            ).decode(
                Customer.ID.self, String.self, Int.self, String.self, String.self, Instant.self, String.self,
                String.self, Int.self, String?.self, Instant?.self, String.self
            ).map { id, code, ordinal, template, subject, at, recipient, state, tries, reply, settledAt, messageID in
                let stored = Stored("mails", Place(customer: id, ordinal: ordinal))
                return MailEntry(
                    customer: CustomerKey(seller: seller, customer: id), customerCode: code, ordinal: ordinal,
                    template: try stored.choice(Mail.Template.self, template), subject: subject, at: at,
                    recipient: recipient, state: try stored.choice(MailRecord.State.self, state), tries: tries,
                    reply: reply, settledAt: settledAt, messageID: messageID)
            }
        }
    }

    /// A mail of that template as it would be written now: about what is named, otherwise about the customer's newest
    /// invoice that is open, subscription, credit note or metric. `nil`: it has no such thing.
    public func unwrittenMail(
        _ template: Mail.Template, about subject: String?, of customer: CustomerKey, at now: Instant
    ) async throws -> MailRecord? {
        try await read(customer.seller) { transaction in
            var about = subject
            if about == nil {
                about = try await transaction.query(MailDeskSQL.newest(template.topic, of: customer)).first(String.self)
            }
            guard let about else { return nil }
            return try await mailReader(transaction).mail(template, about: about, of: customer, at: now)
        }
    }
}

// What people do about mails.
extension PostgresBooks {
    /// Sends a mail that did not arrive once more, to the address that its customer has now. Whoever may have the first
    /// copy gets one of another Message-ID only where a server took that: it was asked for. Throws `OperationFault`.
    public func resendMail(
        _ ordinal: Int, of customer: CustomerKey, by person: String, why reason: String
    ) async throws {
        guard let mail = try await mail(ordinal, of: customer) else {
            throw OperationFault(.notFound, "there is no mail \(ordinal) of that customer")
        }
        guard mail.state != .intended else {
            throw OperationFault(.illegalTransition, "that mail is still to be sent")
        }
        guard let address = try await transaction.query(MailDeskSQL.address(of: customer)).first(String?.self) ?? nil
        else {
            throw OperationFault(.illegalTransition, "the customer has no address for mail")
        }
        if try await !transaction.query(MailDeskSQL.isMarked(address, of: customer.seller)).isEmpty {
            throw OperationFault(
                .illegalTransition,
                "mail to \(address) came back: give the customer another address, or billwright mail unbounce \(address)"
            )
        }
        try await transaction.query(MailDeskSQL.resend(mail, to: address)).require(1, "mail \(ordinal) of \(customer)")
        _ = try await transaction.query(
            MailDeskSQL.record("resend", on: ordinal, of: customer, by: person, why: reason, at: now))
        try await enqueue(SendMail(customer: customer, mail: ordinal))
    }

    /// A mail came back: it is marked, and its address. Returns that; `nil`: there is no such mail of that seller, or it
    /// was never sent. `messageID`: with or without its right-hand side.
    public func bounceMail(
        _ messageID: String, of seller: Seller.ID, by person: String, why reason: String
    ) async throws -> String? {
        let local = String(messageID.prefix { $0 != "@" })
        guard
            let (customer, ordinal, address) = try await transaction.query(
                MailDeskSQL.bounce(local, of: seller, why: reason, at: now)
            ).first(Customer.ID.self, Int.self, String.self)
        else { return nil }
        _ = try await transaction.query(
            MailDeskSQL.record(
                "bounce", on: ordinal, of: CustomerKey(seller: seller, customer: customer), by: person, why: reason,
                at: now))
        try await markBounced(address, of: seller, by: person, why: reason)
        return address
    }

    /// Mail may go to that address again. Returns whether it might not.
    public func liftBounce(_ address: String, of seller: Seller.ID, by person: String) async throws -> Bool {
        try await transaction.query(MailDeskSQL.lift(address, of: seller, by: person, at: now)).affectedRows == 1
    }
}

private enum MailDeskSQL {
    static func list(
        of seller: Seller.ID, _ customer: Customer.ID?, _ states: [String]?, after place: (Customer.ID, Int)?,
        limit: Int
    ) -> SQL {
        let ofCustomer: SQL = customer.map { "AND mail.customer_id = \($0)" } ?? ""
        let inStates: SQL = states.map { "AND mail.state = ANY (\($0))" } ?? ""
        let behind: SQL = place.map { "AND (mail.customer_id, mail.ordinal) > (\($0.0), \($0.1))" } ?? ""
        return """
            SELECT mail.customer_id, customer.code, mail.ordinal, mail.template, mail.subject, mail.at, mail.recipient,
                   mail.state, mail.tries, mail.reply, mail.settled_at, mail.message_id
              FROM books.mails AS mail
              JOIN books.customers AS customer USING (seller_id, customer_id)
             WHERE mail.seller_id = \(seller) \(ofCustomer) \(inStates) \(behind)
             ORDER BY mail.customer_id, mail.ordinal
             LIMIT \(limit)
            """
    }

    static func newest(_ topic: Mail.Template.Topic, of key: CustomerKey) -> SQL {
        let place: SQL = "seller_id = \(key.seller) AND customer_id = \(key.customer)"
        switch topic {
        case .invoice:
            return """
                SELECT number FROM books.invoices WHERE \(place)
                 ORDER BY state = 'open' DESC, ordinal DESC LIMIT 1
                """
        case .subscription: return "SELECT code FROM books.subscriptions WHERE \(place) ORDER BY ordinal DESC LIMIT 1"
        case .creditNote: return "SELECT number FROM books.credit_notes WHERE \(place) ORDER BY ordinal DESC LIMIT 1"
        case .metric: return "SELECT metric FROM books.usage_events WHERE \(place) ORDER BY ordinal DESC LIMIT 1"
        }
    }

    static func address(of key: CustomerKey) -> SQL {
        """
        SELECT email FROM books.customers WHERE seller_id = \(key.seller) AND customer_id = \(key.customer)
        """
    }

    static func isMarked(_ address: String, of seller: Seller.ID) -> SQL {
        """
        SELECT reason FROM books.bounced_addresses
         WHERE seller_id = \(seller) AND address = lower(\(address)) AND lifted_at IS NULL
        """
    }

    /// What a server has taken gets a Message-ID of its own: the copy would be dropped by the old one.
    static func resend(_ mail: MailRecord, to address: String) -> SQL {
        """
        UPDATE books.mails
           SET state = 'intended', recipient = \(address), settled_at = NULL,
               message_id = CASE WHEN state IN ('sent', 'bounced') THEN gen_random_uuid()::text ELSE message_id END
         WHERE seller_id = \(mail.customer.seller) AND customer_id = \(mail.customer.customer)
           AND ordinal = \(mail.ordinal) AND state = \(mail.state.rawValue)
        """
    }

    static func bounce(_ messageID: String, of seller: Seller.ID, why reason: String, at now: Instant) -> SQL {
        """
        UPDATE books.mails SET state = 'bounced', reply = \(reason), settled_at = \(now)
         WHERE message_id = \(messageID) AND seller_id = \(seller) AND state IN ('sent', 'unknown')
        RETURNING customer_id, ordinal, recipient
        """
    }

    static func record(
        _ act: String, on ordinal: Int, of key: CustomerKey, by person: String, why reason: String, at now: Instant
    ) -> SQL {
        """
        INSERT INTO books.mail_acts (seller_id, customer_id, mail, act, person, reason, at)
        VALUES (\(key.seller), \(key.customer), \(ordinal), \(act), \(person), \(reason), \(now))
        """
    }

    static func lift(_ address: String, of seller: Seller.ID, by person: String, at now: Instant) -> SQL {
        """
        UPDATE books.bounced_addresses SET lifted_by = \(person), lifted_at = \(now)
         WHERE seller_id = \(seller) AND address = lower(\(address)) AND lifted_at IS NULL
        """
    }
}
