public import Accounts
internal import Billing
public import BillingPorts
public import Dates
internal import Money
internal import Templates

/// Words for mails, by templates: in the customer's language if there is one, else the seller's, else English.
public struct TemplateMailWriter: MailWriter {
    /// The address of the page on which an invoice can be paid, of a mail of that instant; `nil`: there is none.
    public typealias PayLink = @Sendable (CustomerKey, _ invoice: Int, _ at: Instant) -> String?

    private let templates: MailTemplates
    private let zones: any TimeZones
    private let payLink: PayLink

    public init(_ templates: MailTemplates, zones: any TimeZones, payLink: @escaping PayLink = { _, _, _ in nil }) {
        self.templates = templates
        self.zones = zones
        self.payLink = payLink
    }

    public func whenUnknown(_ template: Mail.Template) -> WhenUnknown { templates.whenUnknown(template) }

    public func words(of mail: MailRecord) throws -> MailWords { try words(of: mail, in: nil) }

    /// `wanted`: a language before the customer's own.
    public func words(of mail: MailRecord, in wanted: String?) throws -> MailWords {
        let languages = (wanted.map { [$0] } ?? []) + mail.languages
        guard let language = templates.language(languages), let texts = language.mails[mail.template] else {
            preconditionFailure("templates without \(mail.template) were read without a fault")
        }
        var values = try values(of: mail, language.format)
        let subject = try texts.subject.rendered(with: values)
        let text = try texts.body.text.rendered(with: values)
        let html = try texts.body.html.rendered(with: values)
        values.texts["content"] = text.withoutLastLineEnds
        let whole = try language.layout.text.rendered(with: values)
        values.texts["content"] = html.withoutLastLineEnds
        return MailWords(
            subject: subject.asHeader, text: whole, html: try language.layout.html.rendered(with: values))
    }

    private func values(of mail: MailRecord, _ format: MailFormat) throws -> TemplateValues {
        let date = try zones.rules(mail.timeZone).localDate(of: mail.at)
        var values = TemplateValues(texts: [
            "customer.name": mail.customerName, "customer.code": mail.customerCode, "seller.name": mail.sellerName,
            "seller.code": mail.sellerCode, "mail.date": format.text(date),
        ])
        switch mail.template.topic {
        case .invoice:
            guard let invoice = mail.invoice else { throw MailWithoutSubject(mail: mail, noun: "invoice") }
            tell(invoice, of: mail, format, &values)
        case .subscription:
            guard let subscription = mail.subscription else {
                throw MailWithoutSubject(mail: mail, noun: "subscription")
            }
            values.texts["subscription.code"] = mail.subject
            values.texts["subscription.plan"] = subscription.plan
            values.texts["subscription.ends"] = subscription.endsOn.map(format.text)
            values.texts["trial.ends"] = subscription.trialEnd.map(format.text)
            values.texts["term.ends"] = subscription.termEnd.map(format.text)
            if mail.template == .winBack { values.texts["coupon.code"] = subscription.winBackCoupon }
        case .creditNote:
            guard let note = mail.note else { throw MailWithoutSubject(mail: mail, noun: "credit note") }
            values.texts["note.number"] = mail.subject
            values.texts["note.date"] = format.text(note.issuedOn)
            values.texts["note.total"] = format.text(note.total)
            values.texts["note.invoice"] = note.invoice
        case .metric: values.texts["metric.code"] = mail.subject
        }
        return values
    }

    private func tell(
        _ invoice: MailRecord.InvoiceFacts, of mail: MailRecord, _ format: MailFormat, _ values: inout TemplateValues
    ) {
        values.texts["invoice.number"] = mail.subject
        values.texts["invoice.date"] = format.text(invoice.issuedOn)
        values.texts["invoice.due_date"] = format.text(invoice.dueOn)
        values.texts["invoice.subtotal"] = format.text(invoice.subtotal)
        values.texts["invoice.total"] = format.text(invoice.total)
        if !invoice.tax.isZero { values.texts["invoice.tax"] = format.text(invoice.tax) }
        if invoice.paid.isPositive { values.texts["invoice.paid"] = format.text(invoice.paid) }
        if invoice.due.isPositive {
            values.texts["invoice.due"] = format.text(invoice.due)
            values.texts["pay.url"] = payLink(mail.customer, invoice.ordinal, mail.at)
            if let end = invoice.graceEnd {
                values.texts[end.final == .suspend ? "suspension.date" : "cancellation.date"] = format.text(end.date)
            }
        }
        if invoice.omittedLines > 0 { values.texts["more_lines"] = "\(invoice.omittedLines)" }
        values.lists["lines"] = invoice.lines.map { line in
            var texts = [
                "line.kind": format.text(line.kind), "line.code": line.code, "line.amount": format.amount(line.amount),
            ]
            if let period = line.period {
                texts["line.period"] = "\(format.text(period.start)) – \(format.text(period.lastDay))"
            }
            if let quantity = line.quantity, quantity != "1" { texts["line.quantity"] = quantity }
            return texts
        }
    }
}

/// A mail names something that the books do not have: nothing can be said about it.
struct MailWithoutSubject: Error, CustomStringConvertible {
    let mail: MailRecord
    let noun: String

    var description: String {
        "mail \(mail.customer)/\(mail.ordinal) (\(mail.template.rawValue)): there is no \(noun) \(mail.subject)"
    }
}

extension Period {
    fileprivate var lastDay: LocalDate { end.adding(days: -1) }
}

extension String {
    /// What blocks leave behind when there is nothing to say.
    fileprivate var withoutLastLineEnds: String {
        var text = self[...]
        while text.last == "\n" { text = text.dropLast() }
        return String(text)
    }

    /// On one line: a name with a line's end in it must not keep its owner's mails from going out.
    fileprivate var asHeader: String {
        String(unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7f ? " " : Character($0) })
    }
}
