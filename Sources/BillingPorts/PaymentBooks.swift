public import Billing
public import Dates
public import Money

/// Payment methods, attempts and payments.
public protocol PaymentBooks: Sendable {
    /// A payment method and its customer, both locked; nil: no such method.
    func paymentMethod(_ id: PaymentMethod.ID, of customer: CustomerKey) async throws -> PaymentMethodRecord?

    /// Stores the gateway's id of a customer.
    func recordGatewayCustomer(_ reference: String, of customer: CustomerKey) async throws

    /// Makes a method the one that is charged, in place of any other, and returns the customer's open invoices.
    func activate(_ method: PaymentMethod.ID, of customer: CustomerKey, reference: String) async throws -> [Invoice.ID]

    /// The gateway will not have it.
    func refuse(_ method: PaymentMethod.ID, of customer: CustomerKey, reason: String) async throws

    /// An invoice with all that collecting it needs, its customer locked; nil: no such invoice.
    func invoiceToCollect(_ id: Invoice.ID, of customer: CustomerKey) async throws -> InvoiceToCollect?

    /// Opens the next attempt at an invoice, state `sent`: the call follows once this has committed.
    /// While another attempt is pending there can be none; the schema refuses it.
    func openAttempt(at invoice: InvoiceToCollect, with method: ActivePaymentMethod) async throws
        -> PaymentAttemptRecord

    /// Stores an attempt's move. Throws `IllegalTransition` where the table has none.
    func move(_ attempt: PaymentAttemptRecord, to move: PaymentMove) async throws

    /// Stores the payment an attempt brought: payment, what the invoice has been paid, journal entry.
    func receivePayment(
        from attempt: PaymentAttemptRecord, for invoice: InvoiceToCollect, on date: LocalDate
    ) async throws -> Payment.ID
}

/// A payment method as it was given to us: a token of the gateway's.
public struct PaymentMethodRecord: Sendable {
    public enum State: String, CaseIterable, Sendable { case pending, active, refused, removed }

    public let id: PaymentMethod.ID
    public let customer: CustomerRecord
    public let token: String
    public let state: State

    public init(id: PaymentMethod.ID, customer: CustomerRecord, token: String, state: State) {
        self.id = id
        self.customer = customer
        self.token = token
        self.state = state
    }
}

/// What is charged for a customer, by the gateway's ids.
public struct ActivePaymentMethod: Sendable, Hashable {
    public let id: PaymentMethod.ID
    public let reference: String

    public init(id: PaymentMethod.ID, reference: String) {
        self.id = id
        self.reference = reference
    }
}

/// An invoice in the hands of whoever collects it.
public struct InvoiceToCollect: Sendable {
    public let id: Invoice.ID
    public let customer: CustomerRecord
    public let number: String
    public let state: InvoiceState
    /// What is left to pay.
    public let amountDue: Money
    public let dueOn: LocalDate
    public let method: ActivePaymentMethod?
    /// The method has been declined for this invoice; only a schedule or the customer decides to try it again.
    public let methodWasDeclined: Bool
    /// The attempt that is under way or whose outcome is unknown, with the method it charges.
    public let pendingAttempt: PaymentAttemptRecord?

    public init(
        id: Invoice.ID, customer: CustomerRecord, number: String, state: InvoiceState, amountDue: Money,
        dueOn: LocalDate, method: ActivePaymentMethod?, methodWasDeclined: Bool, pendingAttempt: PaymentAttemptRecord?
    ) {
        self.id = id
        self.customer = customer
        self.number = number
        self.state = state
        self.amountDue = amountDue
        self.dueOn = dueOn
        self.method = method
        self.methodWasDeclined = methodWasDeclined
        self.pendingAttempt = pendingAttempt
    }
}

/// One try at collecting an invoice, as stored.
public struct PaymentAttemptRecord: Sendable, Hashable {
    public let id: PaymentAttempt.ID
    public let customer: CustomerKey
    public let invoice: Invoice.ID
    /// Counted from 1 for each invoice.
    public let number: Int
    public let amount: Money
    public let method: ActivePaymentMethod
    public let state: PaymentState
    /// When the gateway was, or was to be, called last.
    public let sentAt: Instant

    public init(
        id: PaymentAttempt.ID, customer: CustomerKey, invoice: Invoice.ID, number: Int, amount: Money,
        method: ActivePaymentMethod, state: PaymentState, sentAt: Instant
    ) {
        self.id = id
        self.customer = customer
        self.invoice = invoice
        self.number = number
        self.amount = amount
        self.method = method
        self.state = state
        self.sentAt = sentAt
    }
}

/// A move of a payment attempt and what came with it.
public struct PaymentMove: Sendable, Hashable {
    public let state: PaymentState
    public let cause: PaymentState.Cause
    /// The gateway's id of the charge, once there is one.
    public let reference: String?
    /// The gateway's code and what it means, when it declined.
    public let declineCode: String?
    public let decline: Decline?

    public init(
        to state: PaymentState, because cause: PaymentState.Cause, reference: String? = nil,
        declineCode: String? = nil, decline: Decline? = nil
    ) {
        self.state = state
        self.cause = cause
        self.reference = reference
        self.declineCode = declineCode
        self.decline = decline
    }
}
