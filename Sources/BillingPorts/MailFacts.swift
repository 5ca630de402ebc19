public import Accounts
public import Billing
public import Dates
public import Money

extension MailRecord {
    /// Of the invoice that a mail is about, as it stands now.
    public struct InvoiceFacts: Sendable, Hashable {
        /// Its place among the customer's.
        public let ordinal: Int
        public let issuedOn: LocalDate
        public let subtotal: Money
        public let tax: Money
        public let total: Money
        public let paid: Money
        public let due: Money
        public let dueOn: LocalDate
        /// The first of its lines; the others are counted.
        public let lines: [Line]
        public let omittedLines: Int
        /// What happens and when unless it is paid; `nil`: nothing threatens.
        public let graceEnd: GraceEnd?

        public init(
            ordinal: Int, issuedOn: LocalDate, subtotal: Money, tax: Money, total: Money, paid: Money, due: Money,
            dueOn: LocalDate, lines: [Line] = [], omittedLines: Int = 0, graceEnd: GraceEnd? = nil
        ) {
            self.ordinal = ordinal
            self.issuedOn = issuedOn
            self.subtotal = subtotal
            self.tax = tax
            self.total = total
            self.paid = paid
            self.due = due
            self.dueOn = dueOn
            self.lines = lines
            self.omittedLines = omittedLines
            self.graceEnd = graceEnd
        }
    }

    public struct Line: Sendable, Hashable {
        public let kind: InvoiceLine.Kind
        public let code: String
        public let period: Period?
        /// Exact: `7`, `0.5` or `1/3`.
        public let quantity: String?
        public let amount: Money

        public init(kind: InvoiceLine.Kind, code: String, period: Period?, quantity: String?, amount: Money) {
            self.kind = kind
            self.code = code
            self.period = period
            self.quantity = quantity
            self.amount = amount
        }
    }

    public struct GraceEnd: Sendable, Hashable {
        public let date: LocalDate
        public let final: Dunning.Final

        public init(date: LocalDate, final: Dunning.Final) {
            self.date = date
            self.final = final
        }
    }

    public struct SubscriptionFacts: Sendable, Hashable {
        /// The code of the plan it is on.
        public let plan: String
        /// The first day that is not billed.
        public let endsOn: LocalDate?
        /// The first day after its trial, and after its present term, if it has one.
        public let trialEnd: LocalDate?
        public let termEnd: LocalDate?
        /// The coupon with which its seller invites back, if it does.
        public let winBackCoupon: String?

        public init(
            plan: String, endsOn: LocalDate?, trialEnd: LocalDate? = nil, termEnd: LocalDate? = nil,
            winBackCoupon: String? = nil
        ) {
            self.plan = plan
            self.endsOn = endsOn
            self.trialEnd = trialEnd
            self.termEnd = termEnd
            self.winBackCoupon = winBackCoupon
        }
    }

    public struct NoteFacts: Sendable, Hashable {
        /// The number of the invoice of which it gives something back.
        public let invoice: String
        public let issuedOn: LocalDate
        public let total: Money

        public init(invoice: String, issuedOn: LocalDate, total: Money) {
            self.invoice = invoice
            self.issuedOn = issuedOn
            self.total = total
        }
    }
}

extension Mail.Template {
    /// What a mail's subject names.
    public enum Topic: Sendable { case invoice, subscription, creditNote, metric }

    public var topic: Topic {
        switch self {
        case .invoiceIssued, .paymentReceipt, .dunningFriendly, .dunningUrgent, .dunningFinal, .paymentMethodNeeded,
            .paymentActionRequired, .refundIssued:
            .invoice
        case .subscriptionSuspended, .subscriptionRestored, .subscriptionCancelled, .trialEnding, .trialExpired,
            .renewalReminder, .winBack:
            .subscription
        case .creditNoteIssued: .creditNote
        case .usage80, .usage90, .usage100: .metric
        }
    }
}
