internal import Accounts
internal import BillingPorts
internal import BooksStore
internal import Dates
internal import HTML
internal import Mails
internal import Money

/// What a customer sees of an invoice, and how it can be paid.
struct InvoicePage {
    let invoice: PayableInvoice
    let facts: MailRecord.InvoiceFacts
    let language: String
    let format: MailFormat
    /// Of this page; its forms go there.
    let address: String
    /// Of the forms; `nil`: nothing can be done now.
    let nonce: String?
    /// What went before.
    let alert: String?

    private var words: PageWords { PageWords.of(language) }

    var body: [HTML] {
        [
            .p(.class("seller"), content: HTML(invoice.facts.sellerName)),
            .h1("\(words.invoice) \(invoice.facts.subject)"),
            .p(.class("facts"), content: HTML(invoice.facts.customerName)),
            .p(
                .class("facts"),
                content: HTML(
                    "\(words.issued) \(format.text(facts.issuedOn)) · \(words.due) \(format.text(facts.dueOn))")),
            notice, lines, forms,
        ]
    }

    private var notice: HTML {
        guard let alert else { return .nothing }
        return .p(.class("alert"), .role("status"), content: HTML(alert))
    }

    private var lines: HTML {
        let rows = facts.lines.map { line in
            let quantity = line.quantity.flatMap { $0 == "1" ? nil : " × \($0)" } ?? ""
            let period = line.period.map {
                HTML.small("\(format.text($0.start)) – \(format.text($0.end.adding(days: -1)))")
            }
            return row(
                .group([HTML("\(format.text(line.kind)): \(line.code)\(quantity)"), period ?? .nothing]),
                format.amount(line.amount))
        }
        let more = facts.omittedLines > 0 ? [row(HTML("… \(facts.omittedLines) \(words.moreLines)"), "")] : []
        var sums: [HTML] = [row(HTML(words.total), format.text(facts.total))]
        if facts.paid.isPositive { sums.append(row(HTML(words.paid), format.text(facts.paid))) }
        sums.append(row(.strong(HTML(words.toPay)), format.text(facts.due), isStrong: true))
        let head = HTML.element(
            "tr", [],
            [
                .element("th", [.scope("col")], [HTML(words.line)]),
                .element("th", [.scope("col"), .class("amount")], [HTML(words.amount)]),
            ])
        return .element(
            "table", [],
            [.element("thead", [], [head]), .element("tbody", [], rows + more), .element("tfoot", [], sums)])
    }

    private func row(_ what: HTML, _ amount: String, isStrong: Bool = false) -> HTML {
        .element(
            "tr", [],
            [
                .element("td", [], [what]),
                .element("td", [.class("amount")], [isStrong ? .strong(HTML(amount)) : HTML(amount)]),
            ])
    }

    /// The first is what most likely helps.
    private var forms: HTML {
        guard let nonce else { return .nothing }
        let other: (PaymentWish, String) = (.card, words.payOther)
        let wishes: [(PaymentWish, String)] =
            switch (invoice.isChargeable, invoice.lastAttempt?.outcome) {
            case (false, _): [(.card, words.payCard)]
            case (true, .requiresAction): [(.confirm, words.confirm), other]
            case (true, .cardDeclined), (true, .insufficientFunds), (true, .expiredCard), (true, .lostCard):
                [other, (.charge, words.payStored)]
            case (true, _): [(.charge, words.payStored), other]
            }
        return .group(
            wishes.enumerated().map { place, wish in
                .element(
                    "form", [.method("post"), .action(address)],
                    [
                        .void("input", .type("hidden"), .name("key"), .value(nonce)),
                        .void("input", .type("hidden"), .name("wish"), .value(wish.0.rawValue)),
                        .element(
                            "button", [.type("submit"), place == 0 ? .class("first") : .class("other")], [HTML(wish.1)]),
                    ])
            })
    }
}

/// The frame of every page.
enum PageFrame {
    static let style = """
        :root { color-scheme: light dark; --text: #1b1d21; --faint: #5a6069; --ground: #f4f5f7; --sheet: #ffffff;
                --line: #d9dce1; --accent: #1a56b0; --on-accent: #ffffff; --alert: #fff3d6; }
        @media (prefers-color-scheme: dark) {
          :root { --text: #e8eaed; --faint: #a5acb8; --ground: #131519; --sheet: #1d2026; --line: #363b45;
                  --accent: #8ab4f8; --on-accent: #10131a; --alert: #3b3217; }
        }
        * { box-sizing: border-box; }
        body { margin: 0; padding: 24px 16px; background: var(--ground); color: var(--text);
               font: 16px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
        main { max-width: 40rem; margin: 0 auto; padding: 24px; background: var(--sheet); border: 1px solid var(--line);
               border-radius: 8px; overflow-wrap: anywhere; }
        h1 { margin: 0 0 8px; font-size: 1.5rem; line-height: 1.25; }
        .seller { margin: 0 0 4px; color: var(--faint); font-weight: 600; }
        .facts, small { color: var(--faint); }
        small { display: block; }
        .alert { padding: 12px; background: var(--alert); border-radius: 6px; }
        table { width: 100%; margin: 16px 0 24px; border-collapse: collapse; }
        th { padding: 4px 0; color: var(--faint); font-weight: 600; text-align: left; border-bottom: 1px solid var(--line); }
        td { padding: 8px 0; vertical-align: top; border-bottom: 1px solid var(--line); }
        .amount { padding-left: 12px; text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
        form { margin: 12px 0 0; }
        button, .go { display: block; width: 100%; padding: 12px 16px; border: 1px solid var(--accent); border-radius: 6px;
                      background: transparent; color: var(--accent); font: inherit; font-weight: 600; text-align: center;
                      text-decoration: none; cursor: pointer; }
        button.first, .go { background: var(--accent); color: var(--on-accent); }
        button:focus-visible, a:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
        @media (max-width: 480px) { body { padding: 0; } main { border: 0; border-radius: 0; min-height: 100vh; } }
        @media print { form { display: none; } body { background: none; } main { border: 0; } }

        """

    /// `refresh`: after so many seconds the browser goes to that address.
    static func page(
        _ title: String, language: String, refresh: (seconds: Int, address: String)? = nil, _ body: [HTML]
    ) -> String {
        var head: [HTML] = [
            .void("meta", .charset("utf-8")), .element("title", [], [HTML(title)]),
            .void("meta", .name("viewport"), .content("width=device-width, initial-scale=1")),
            .void("meta", .name("robots"), .content("noindex")),
            .void("link", .rel("stylesheet"), .href("/pay/style.css")),
        ]
        if let refresh {
            head.append(.void("meta", .httpEquiv("refresh"), .content("\(refresh.seconds); url=\(refresh.address)")))
        }
        return HTML.document(language: language, head: head, body: [.element("main", [], body)])
    }
}
