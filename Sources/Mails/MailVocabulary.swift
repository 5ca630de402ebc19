internal import Accounts
internal import BillingPorts
internal import Templates

extension Vocabulary {
    /// What every mail can tell.
    static let ofEveryMail = Vocabulary(
        texts: ["customer.name", "customer.code", "seller.name", "seller.code", "mail.date"])

    /// What a layout can tell, and where the mail stands in it.
    static let ofLayout: Vocabulary = {
        var vocabulary = ofEveryMail
        vocabulary.content = "content"
        return vocabulary
    }()

    /// What the mails of a template can tell.
    static func of(_ template: Mail.Template) -> Vocabulary {
        var vocabulary = ofEveryMail
        switch template.topic {
        case .invoice:
            vocabulary.texts.formUnion(
                ["invoice.number", "invoice.date", "invoice.due_date", "invoice.subtotal", "invoice.total"])
            vocabulary.optional = [
                "invoice.tax", "invoice.paid", "invoice.due", "pay.url", "suspension.date", "cancellation.date",
                "more_lines",
            ]
            vocabulary.links = ["pay.url"]
            vocabulary.lists = [
                "lines": Item(
                    texts: ["line.kind", "line.code", "line.amount"], optional: ["line.period", "line.quantity"])
            ]
        case .subscription:
            vocabulary.texts.formUnion(["subscription.code", "subscription.plan"])
            vocabulary.optional = ["subscription.ends", "trial.ends", "term.ends", "coupon.code"]
        case .creditNote: vocabulary.texts.formUnion(["note.number", "note.date", "note.total", "note.invoice"])
        case .metric: vocabulary.texts.insert("metric.code")
        }
        return vocabulary
    }
}
