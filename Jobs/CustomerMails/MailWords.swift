internal import Accounts
internal import BillingPorts
internal import Dates
internal import Money

/// The words of a mail.
struct MailWords {
    private let mail: MailRecord
    private let date: LocalDate

    /// `date`: that of the mail, in the customer's zone.
    init(_ mail: MailRecord, date: LocalDate) {
        self.mail = mail
        self.date = date
    }

    var subject: String {
        switch mail.template {
        case .invoiceIssued: "Invoice \(mail.subject)"
        case .paymentReceipt: "Receipt for invoice \(mail.subject)"
        case .dunningFriendly: "Reminder: invoice \(mail.subject) is unpaid"
        case .dunningUrgent: "Please pay invoice \(mail.subject)"
        case .dunningFinal: "Last reminder of invoice \(mail.subject)"
        case .paymentMethodNeeded: "A new payment method is needed for invoice \(mail.subject)"
        case .paymentActionRequired: "Please confirm the payment of invoice \(mail.subject)"
        case .subscriptionSuspended: "Your subscription \(mail.subject) is suspended"
        case .subscriptionRestored: "Your subscription \(mail.subject) is active again"
        case .subscriptionCancelled: "Your subscription \(mail.subject) is cancelled"
        case .trialEnding: "Your trial of \(mail.subject) ends \(ahead)"
        case .trialExpired: "Your trial of \(mail.subject) has ended"
        case .renewalReminder: "The term of \(mail.subject) ends \(ahead)"
        case .creditNoteIssued: "Credit note \(mail.subject)"
        case .refundIssued: "Refund of invoice \(mail.subject)"
        case .usage80: "You have used 80 % of your allowance of \(mail.subject)"
        case .usage90: "You have used 90 % of your allowance of \(mail.subject)"
        case .usage100: "You have used all of your allowance of \(mail.subject)"
        case .winBack: "You are welcome back at \(mail.sellerName)"
        }
    }

    var text: String {
        """
        Dear \(mail.customerName),

        \(body)

        Thank you,
        \(mail.sellerName)

        """
    }

    private var body: String {
        switch mail.template {
        case .invoiceIssued:
            mail.invoice.map { "invoice \(mail.subject) of \(date) comes to \($0.total).\n\(owed($0))" }
                ?? "we have issued invoice \(mail.subject)."
        case .paymentReceipt:
            "we received your payment for invoice \(mail.subject) on \(date)."
                + (mail.invoice.map { "\n\(owed($0))" } ?? "")
        case .dunningFriendly, .dunningUrgent, .dunningFinal:
            "invoice \(mail.subject) has not been paid yet." + (mail.invoice.map { "\n\(owed($0))" } ?? "")
        case .paymentMethodNeeded:
            "we could not charge your payment method for invoice \(mail.subject). Please give us another."
        case .paymentActionRequired: "your bank asks you to confirm the payment of invoice \(mail.subject)."
        case .subscriptionSuspended: "subscription \(mail.subject) is suspended until what is overdue has been paid."
        case .subscriptionRestored: "subscription \(mail.subject) is active again."
        case .subscriptionCancelled: "subscription \(mail.subject) has been cancelled."
        case .trialEnding: "your trial of \(mail.subject) ends \(ahead)."
        case .trialExpired: "your trial of \(mail.subject) has ended. Give us a payment method to go on."
        case .renewalReminder: "the term of \(mail.subject) ends \(ahead)."
        case .creditNoteIssued: "we have issued credit note \(mail.subject)."
        case .refundIssued: "we have paid back what was paid too much of invoice \(mail.subject)."
        case .usage80, .usage90, .usage100: "\(subject)."
        case .winBack:
            "it is some time since \(mail.subject) ended, and you are welcome back."
                + (mail.coupon.map { "\nHand in coupon \($0) with your new subscription." } ?? "")
        }
    }

    private var ahead: String {
        switch mail.daysAhead {
        case nil: "soon"
        case 1: "tomorrow"
        case let days?: "in \(days) days"
        }
    }

    private func owed(_ invoice: MailRecord.InvoiceFacts) -> String {
        invoice.due.isPositive
            ? "\(invoice.due) are to be paid by \(invoice.dueOn)." : "The invoice is paid in full."
    }
}
