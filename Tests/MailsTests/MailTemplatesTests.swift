import Accounts
import Billing
import BillingPorts
import Dates
import Mails
import Money
import Testing

@Suite struct MailTemplatesTests {
    private struct Zones: TimeZones {
        func rules(_ name: String) -> TimeZoneRules { .utc }
    }

    private func record(
        _ template: Mail.Template = .invoiceIssued, languages: [String] = [], name: String = "Ada & Co"
    ) throws -> MailRecord {
        let date = try LocalDate(parsing: "2026-03-01")
        func money(_ cents: Int64) -> Money { Money(minorUnits: cents, .usd) }
        return MailRecord(
            customer: CustomerKey(seller: Seller.ID(1), customer: Customer.ID(2)), ordinal: 0, template: template,
            subject: "ADA-0001", at: try Instant(parsing: "2026-03-01T12:00:00Z"), messageID: "id", state: .intended,
            recipient: "ada@customers.example", customerName: name, customerCode: "ada", sellerName: "Practice",
            sellerCode: "practice", languages: languages, timeZone: "UTC",
            invoice: MailRecord.InvoiceFacts(
                ordinal: 0, issuedOn: date, subtotal: money(123_456_789), tax: money(0), total: money(123_456_789),
                paid: money(0), due: money(123_456_789), dueOn: date.adding(days: 14),
                lines: [
                    .init(
                        kind: .recurring, code: "base", period: Period(start: date, end: date.adding(days: 31)),
                        quantity: "3", amount: money(123_456_789))
                ], graceEnd: .init(date: date.adding(days: 29), final: .suspend)),
            subscription: .init(plan: "team", endsOn: nil),
            note: .init(invoice: "ADA-0001", issuedOn: date, total: money(100)))
    }

    private func writer(_ files: [String: String] = [:]) throws -> TemplateMailWriter {
        TemplateMailWriter(
            try MailTemplates(files: files.mapValues { Array($0.utf8) }), zones: Zones(),
            payLink: { customer, invoice, _ in "https://pay.example/\(customer)/\(invoice)?a=1&b=2" })
    }

    private func faults(_ files: [String: String]) -> String {
        let error = #expect(throws: MailTemplateFaults.self) { try writer(files) }
        return error?.description ?? ""
    }

    @Test func `a mail is written in the customer's language, else the seller's, else English`() throws {
        let writer = try writer()
        #expect(try writer.words(of: record(languages: ["de", "en"])).subject == "Rechnung ADA-0001")
        #expect(try writer.words(of: record(languages: ["de-AT"])).subject == "Rechnung ADA-0001")
        #expect(try writer.words(of: record(languages: ["fr", "de"])).subject == "Rechnung ADA-0001")
        #expect(try writer.words(of: record(languages: ["fr"])).subject == "Invoice ADA-0001")
        #expect(try writer.words(of: record()).subject == "Invoice ADA-0001")
    }

    @Test func `dates and amounts are written as the language has them`() throws {
        let english = try writer().words(of: record()).text
        #expect(english.contains("1,234,567.89 USD are to be paid by 15 March 2026."))
        #expect(english.contains("Subscription: base × 3, 1 March 2026 – 31 March 2026: 1,234,567.89\n"))
        let german = try writer().words(of: record(languages: ["de"])).text
        #expect(german.contains("1.234.567,89 USD sind bis zum 15. März 2026 zu zahlen."))
    }

    @Test(arguments: Mail.Template.allCases, ["en", "de"])
    func `every mail has all its words in every language`(template: Mail.Template, language: String) throws {
        let words = try writer().words(of: record(template, languages: [language]))
        for text in [words.subject, words.text, words.html] {
            #expect(!text.contains("{{") && !text.contains("\n\n\n") && !text.isEmpty)
        }
        #expect(words.text.contains("Ada & Co,\n\n") && words.html.contains("Ada &amp; Co,"))
        #expect(words.html.contains("lang=\"\(language)\""))
    }

    @Test func `what asks for money says until when and where it can be paid`() throws {
        for template in [Mail.Template.dunningUrgent, .dunningFinal, .paymentMethodNeeded] {
            let words = try writer().words(of: record(template))
            #expect(words.text.contains("we will suspend your subscription on 30 March 2026"))
            #expect(words.text.contains("https://pay.example/1/2/0?a=1&b=2"))
            #expect(words.html.contains("href=\"https://pay.example/1/2/0?a=1&amp;b=2\""))
        }
    }

    @Test func `no name begins another header or becomes markup`() throws {
        let files = ["invoice_issued.en.txt": "subject: Hello {{customer.name}}\nwhen unknown: resend\n---\nx\n"]
        let evil = "Ada\r\nBcc: all@customers.example<script>"
        let words = try writer(files).words(of: record(name: evil))
        #expect(words.subject == "Hello Ada  Bcc: all@customers.example<script>")
        #expect(!words.html.contains("<script>"))
    }

    @Test func `all faults of all files are told, with file, line, and what there is`() {
        let told = faults([
            "invoice_issued.en.txt":
                "subject: {{invoice.nmuber}}\nwhen unknown: maybe\nfrom: x\n---\n{{#if invoice.due}}\n",
            "payment_receipt.en.html": "<p>{{subscription.code}}</p>",
            "dunning_friendly.en.txt": "no front matter",
            "invoice_isued.en.txt": "x", "notes.md": "x",
        ])
        #expect(
            told.contains("invoice_issued.en.txt:1: unknown variable \"invoice.nmuber\"; there are cancellation.date, ")
        )
        #expect(told.contains("invoice_issued.en.txt:2: \"when unknown\" must be \"resend\" or \"never twice\""))
        #expect(told.contains("invoice_issued.en.txt:3: must be \"subject: …\" or \"when unknown: …\""))
        #expect(told.contains("invoice_issued.en.txt:5: {{#if invoice.due}} is never closed"))
        #expect(told.contains("payment_receipt.en.html:1: unknown variable \"subscription.code\""))
        #expect(told.contains("dunning_friendly.en.txt:1: "))
        #expect(told.contains("invoice_isued.en.txt:1: there is no mail \"invoice_isued\"; there are invoice_issued, "))
        #expect(told.contains("notes.md:1: must be called NAME.LANGUAGE.txt"))
    }

    @Test func `a language is there whole or not at all`() {
        let told = faults(["usage_80.fr.txt": "subject: a\nwhen unknown: never twice\n---\nb\n"])
        for missing in ["usage_80.fr.html", "usage_90.fr.txt", "layout.fr.html", "format.fr.txt"] {
            #expect(told.contains("\(missing):1: is missing"))
        }
    }

    @Test func `languages agree on what holds after an unknown outcome`() {
        let told = faults(["usage_80.de.txt": "subject: a\nwhen unknown: resend\n---\nb\n"])
        #expect(told == "usage_80.de.txt:1: \"when unknown\" is \"resend\" here and \"never twice\" in en")
    }
}
