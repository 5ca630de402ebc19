public import Billing
public import BillingPorts
public import Dates
internal import Money
internal import Postgres
public import QueueStore

extension PostgresWork: PaymentBooks {
    public func paymentMethod(
        _ id: PaymentMethod.ID, of customer: CustomerKey
    ) async throws -> PaymentMethodRecord? {
        let answers = try await transaction.pipeline([
            CustomerSQL.lockedRecord(customer), PaymentsSQL.lockMethod(id, of: customer),
        ])
        guard let record = answers[0].first, let (token, state) = try answers[1].first(String.self, String.self) else {
            return nil
        }
        return PaymentMethodRecord(
            id: id, customer: try CustomerRecord(record), token: token,
            state: try Stored("payment_methods", id).choice(PaymentMethodRecord.State.self, state))
    }

    public func recordGatewayCustomer(_ reference: String, of customer: CustomerKey) async throws {
        try await transaction.query(PaymentsSQL.recordGatewayCustomer(reference, of: customer))
            .requireOne("the gateway's id of customer \(customer)")
    }

    public func activate(
        _ method: PaymentMethod.ID, of customer: CustomerKey, reference: String
    ) async throws -> [Invoice.ID] {
        let answers = try await transaction.pipeline([
            CustomerSQL.lock(customer), PaymentsSQL.removeActive(except: method, of: customer),
            PaymentsSQL.activate(method, of: customer, reference: reference),
            PaymentsSQL.openInvoices(of: customer),
        ])
        try answers[2].requireOne("payment method \(method)")
        return try answers[3].decode(Invoice.ID.self)
    }

    public func refuse(_ method: PaymentMethod.ID, of customer: CustomerKey, reason: String) async throws {
        try await transaction.pipeline([
            CustomerSQL.lock(customer), PaymentsSQL.refuse(method, of: customer, reason: reason),
        ])[1].requireOne("payment method \(method)")
    }

    public func invoiceToCollect(_ id: Invoice.ID, of customer: CustomerKey) async throws -> InvoiceToCollect? {
        let answers = try await transaction.pipeline([
            CustomerSQL.lockedRecord(customer), PaymentsSQL.invoice(id, of: customer),
            PaymentsSQL.activeMethod(of: customer), PaymentsSQL.pendingAttempt(at: id, of: customer),
            PaymentsSQL.declined(id, of: customer),
        ])
        guard let record = answers[0].first,
            let (number, state, total, paid, currency, dueOn) = try answers[1].first(
                String.self, String.self, Int64.self, Int64.self, String.self, LocalDate.self)
        else { return nil }
        let stored = Stored("invoices", id)
        let method = try answers[2].first(PaymentMethod.ID.self, String.self)
        return InvoiceToCollect(
            id: id, customer: try CustomerRecord(record), number: number,
            state: try stored.choice(InvoiceState.self, state),
            amountDue: try stored.money(total, currency) - stored.money(paid, currency),
            dueOn: try stored.date(dueOn),
            method: method.map { ActivePaymentMethod(id: $0.0, reference: $0.1) },
            methodWasDeclined: try answers[4].only(Bool.self),
            pendingAttempt: try answers[3].first.map { try PaymentAttemptRecord($0, at: id, of: customer) })
    }

    public func openAttempt(
        at invoice: InvoiceToCollect, with method: ActivePaymentMethod
    ) async throws -> PaymentAttemptRecord {
        let (id, number) = try await transaction.pipeline([
            CustomerSQL.lock(invoice.customer.key), PaymentsSQL.openAttempt(at: invoice, with: method.id, at: now),
        ])[1].only(PaymentAttempt.ID.self, Int32.self)
        return PaymentAttemptRecord(
            id: id, customer: invoice.customer.key, invoice: invoice.id, number: Int(number),
            amount: invoice.amountDue, method: method, state: .sent, sentAt: now)
    }

    public func move(_ attempt: PaymentAttemptRecord, to move: PaymentMove) async throws {
        _ = try attempt.state.moving(to: move.state, because: move.cause)
        try await transaction.pipeline([
            CustomerSQL.lock(attempt.customer), PaymentsSQL.move(attempt, to: move, at: now),
        ])[1].requireOne("payment attempt \(attempt.id)")
    }

    public func receivePayment(
        from attempt: PaymentAttemptRecord, for invoice: InvoiceToCollect, on date: LocalDate
    ) async throws -> Payment.ID {
        precondition(attempt.invoice == invoice.id, "an attempt at another invoice")
        // Money that came for an invoice which can no longer become paid has come all the same, and is booked.
        let settles = try !(invoice.amountDue - attempt.amount).isPositive
        let state = settles ? (try? invoice.state.moving(to: .paid)) ?? invoice.state : invoice.state
        let answers = try await transaction.pipeline([
            CustomerSQL.lock(attempt.customer), PaymentsSQL.insertPayment(from: attempt, at: now),
            PaymentsSQL.credit(attempt, to: invoice, becoming: state, at: now),
        ])
        try answers[2].requireOne("invoice \(invoice.number)")
        let payment = try answers[1].only(Payment.ID.self)
        // An invoice may be paid in parts, so the entry names the payment.
        let entry = try Invoice.paymentEntry(reference: "payment/\(payment)", amount: attempt.amount, on: date)
        _ = try await transaction.query(LedgerSQL.record(entry, for: attempt.customer, at: now))
        return payment
    }
}

extension PaymentAttemptRecord {
    /// A row of `PaymentsSQL.pendingAttempt`.
    fileprivate init(_ row: Row, at invoice: Invoice.ID, of customer: CustomerKey) throws {
        let (id, number, amount, currency, method, reference, state, sentAt) = try row.decode(
            PaymentAttempt.ID.self, Int32.self, Int64.self, String.self, PaymentMethod.ID.self, String?.self,
            String.self, Instant.self)
        let stored = Stored("payment_attempts", id)
        guard let reference else { throw stored.fault("payment method \(method) was never made chargeable") }
        self.init(
            id: id, customer: customer, invoice: invoice, number: Int(number),
            amount: try stored.money(amount, currency),
            method: ActivePaymentMethod(id: method, reference: reference),
            state: try stored.choice(PaymentState.self, state), sentAt: sentAt)
    }
}
