public import Billing
public import BillingPorts
public import Dates
internal import Money
internal import Postgres
public import QueueStore

extension PostgresWork: InvoiceBooks {
    public func accountToInvoice(_ customer: CustomerKey) async throws -> AccountToInvoice? {
        // Each statement sees what was committed when it began, and the first does not end before the lock is ours.
        let answers = try await transaction.pipeline([
            CustomerSQL.lockedRecord(customer), SubscriptionsSQL.all(of: customer),
            InvoicesSQL.billedLines(of: customer),
        ])
        guard let first = answers[0].first else { return nil }
        let record = try CustomerRecord(first)
        var plans = PlanReader()
        let items = try answers[1].map { row in try BillingAccount.Item(row, &plans) }
        return AccountToInvoice(
            customer: record,
            account: BillingAccount(customer: customer.customer, currency: record.currency, items: items),
            lines: try answers[2].map { row in try ExistingLine(row) })
    }

    public func issue(
        _ draft: DraftInvoice, for account: AccountToInvoice, on date: LocalDate
    ) async throws -> IssuedInvoice {
        let customer = account.customer
        precondition(draft.customer == customer.key.customer, "a draft for another customer")
        let settings = customer.invoices
        let series =
            switch settings.numbering.scheme {
            case .customer: "customer/\(customer.code)"
            case .seller: "seller"
            }
        let sequence = try await transaction.query(InvoicesSQL.takeNumber(in: series, of: customer.key.seller))
            .only(Int64.self)
        let invoice = draft.finalising(
            number: settings.numbering.number(sequence, customer: customer.code), on: date, netDays: settings.netDays)
        var state = try InvoiceState.draft.moving(to: .open, because: .finalised).to
        if invoice.total.isZero { state = try state.moving(to: .paid, because: .paid).to }

        var statements = [InvoicesSQL.insert(invoice, state: state, for: customer.key, at: now)]
        if let entry = try invoice.issueEntry() {
            statements.append(LedgerSQL.record(entry, for: customer.key, at: now))
        }
        let id = try await transaction.pipeline(statements)[0].only(Invoice.ID.self)
        return IssuedInvoice(id: id, invoice: invoice, state: state)
    }
}

extension BillingAccount.Item {
    /// A row of `SubscriptionsSQL.all`.
    fileprivate init(_ row: Row, _ plans: inout PlanReader) throws {
        let (
            id, customer, state, start, trialEnd, end, cause, blocked, billingDay, quantities, planID, currency,
            definition
        ) = try row.decode(
            Subscription.ID.self, Customer.ID.self, String.self, LocalDate.self, LocalDate?.self, LocalDate?.self,
            String?.self, LocalDate?.self, Int32?.self, PostgresJSON.self, Plan.ID.self, String.self, PostgresJSON.self)
        let stored = StoredSubscription(
            id: id, customer: customer, state: state, start: start, trialEnd: trialEnd, end: end, endCause: cause,
            blockedFrom: blocked, billingDay: billingDay, quantities: quantities)
        self.init(try stored.subscription(), try plans.plan(planID, definition, currency: currency))
    }
}

extension ExistingLine {
    /// A row of `InvoicesSQL.billedLines`.
    fileprivate init(_ row: Row) throws {
        let (invoice, position, subscription, code, kind, start, end, amount, currency, number) = try row.decode(
            Invoice.ID.self, Int32.self, Subscription.ID.self, String.self, String.self, LocalDate.self,
            LocalDate.self, Int64.self, String.self, String.self)
        let stored = Stored("invoice_lines", "\(invoice)/\(position)")
        let period = try stored.period(start, end)
        self.init(
            key: InvoiceLine.Key(
                subscription: subscription, price: code, start: period.start,
                kind: try stored.choice(InvoiceLine.Kind.self, kind)),
            period: period, amount: try stored.money(amount, currency), invoice: number)
    }
}
