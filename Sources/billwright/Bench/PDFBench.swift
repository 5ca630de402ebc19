internal import Accounts
internal import Billing
internal import Commands
internal import Dates
internal import Documents
internal import Foundation
internal import Money
internal import Typesetting

extension Commands.Command {
    static let benchPDF = Commands.Command(
        "bench pdf", "Measures how many pages of documents one core makes.",
        settings: [
            Setting("--documents", "N", default: "1000", help: "invoices of one page"),
            Setting("--lines", "N", default: "300", help: "lines of the long invoice that is measured too"),
            Setting("--folder", "FOLDER", help: "leave one of each there, to be looked at"), .json,
        ],
        discussion: """
            Invoices with logo, taxes, explanations and a QR code, made on one thread from accounts in memory: what is
            measured is the layout and the file. The first document, which finds the fonts, is told by itself. Use a
            release build.
            """,
        run: PDFBench.run)
}

private enum PDFBench {
    @Sendable static func run(_ arguments: Arguments) async throws -> Int32 {
        let count = try arguments.integer("--documents", in: 1...1_000_000)
        let lines = try arguments.integer("--lines", in: 1...100_000)
        let printer = PDFPrinter()
        let first = try await measure([try document(1)], by: printer)
        let short = try await measure(try (1...count).map { try document($0) }, by: printer)
        let long = try await measure([try document(1, lines: lines)], by: printer, times: max(1, 3000 / lines))
        if let folder = arguments.text("--folder") {
            for (name, document) in [("short", try document(1)), ("long", try document(1, lines: lines))] {
                try Data(try await printer.typeset(document).bytes).write(to: URL(filePath: "\(folder)/\(name).pdf"))
            }
        }
        let figures: [(String, Double)] = [
            ("pdf_first_document_ms", first.seconds * 1000), ("pdf_pages_per_s", Double(short.pages) / short.seconds),
            ("pdf_pages", Double(short.pages)), ("pdf_bytes_per_document", Double(short.bytes) / Double(count)),
            ("pdf_\(lines)_lines_pages_per_s", Double(long.pages) / long.seconds),
        ]
        if arguments.isOn("--json") {
            Terminal.print("{" + figures.map { "\"\($0.0)\":\(text($0.1))" }.joined(separator: ",") + "}")
        } else {
            for figure in figures { Terminal.print("ours \(figure.0) \(text(figure.1))") }
        }
        return 0
    }

    private static func measure(
        _ documents: [Document], by printer: PDFPrinter, times: Int = 1
    ) async throws -> (seconds: Double, pages: Int, bytes: Int) {
        var (pages, bytes) = (0, 0)
        let start = ContinuousClock.now
        for _ in 0..<times {
            for document in documents {
                let made = try await printer.typeset(document)
                pages += made.pages
                bytes += made.bytes.count
            }
        }
        return (start.duration(to: .now) / .seconds(1), pages, bytes)
    }

    /// One decimal.
    private static func text(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }

    /// An invoice of a subscription with two prices, or of so many lines.
    private static func document(_ number: Int, lines: Int = 0) throws -> Document {
        let plan = Plan(
            code: "team", name: "Team", currency: .eur, interval: .month,
            prices: [
                Price(code: "base", model: .flat(amount: Money(minorUnits: 4900, .eur))),
                Price(code: "seats", model: .perUnit(unit: "seat", amount: Rational(900), included: Rational(3))),
            ])
        var account = Account(
            code: "customer-\(number)", currency: .eur, zone: .utc, sellerZone: .utc,
            settings: BillingSettings(
                currency: .eur, netDays: 14, taxRates: [TaxRate(country: "FR", percent: Rational(20))]),
            catalogue: Catalogue(currency: .eur, plans: [plan]), email: "customer-\(number)@bench.example",
            address: Customer.Address(country: "FR", postalCode: "75001"))
        let now = try Instant(parsing: "2026-06-01T00:00:00Z")
        if lines == 0 {
            try account.perform(
                .subscribe(Accounts.Operation.Subscribe(code: "s\(number)", plan: "team", quantities: ["seat": 17])),
                at: now)
            let code = account.code
            _ = try account.invoice(at: now) { $0.number(1, customer: code) }
        } else {
            try account.perform(
                .invoice(
                    (1...lines).map {
                        Accounts.Operation.OneOffLine(
                            code: "item-\($0)", amount: Money(minorUnits: Int64($0) * 117, .eur))
                    }), at: now)
        }
        var branding = Branding()
        branding.address = ["1 Main Street", "75001 Paris"]
        branding.taxIDs = [Branding.TaxID(name: "VAT ID", value: "FR00123456789")]
        branding.paymentLink = "https://pay.bench.example/i/{number}?t=5b1c7c0e8d4f"
        branding.payment = ["Bench Bank, IBAN FR76 3000 6000 0112 3456 7890 189"]
        branding.footer = "Payable within 14 days."
        branding.locale = .british
        let writer = DocumentWriter(
            account, customerName: "Customer \(number)", sellerName: "Bench", branding: branding)
        guard let invoice = account.invoices.first,
            let document = try writer.document(DocumentReference(.invoice, invoice.number))
        else { preconditionFailure("the bench has an invoice") }
        return document
    }
}
