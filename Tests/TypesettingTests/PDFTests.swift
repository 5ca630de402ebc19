import Accounts
import Billing
import Dates
import Documents
import Foundation
import JudgeSupport
import Money
import Processes
import Testing
import Typesetting

/// PDFs as other programs read them: poppler for text, fonts and structure, zbar for the QR code.
@Suite(.timeLimit(.minutes(15))) struct PDFTests {
    /// A PDF in a file of its own.
    private struct File {
        let folder: TemporaryFolder
        var path: String { folder.path("a.pdf") }
        let pages: Int

        init(_ document: Document) async throws {
            folder = try TemporaryFolder()
            let (bytes, pages) = try await PDFPrinter().typeset(document)
            self.pages = pages
            try Data(bytes).write(to: URL(filePath: path))
        }

        /// What a program prints of it.
        func ask(_ program: String, _ words: String...) async throws -> [String] {
            let (status, lines) = try await ChildProcess.run(
                Processes.Command("/usr/bin/\(program)", words.map { $0 == "FILE" ? path : $0 }))
            #expect(status == .code(0), "\(program): \(lines)")
            return lines
        }

        func text(page: Int? = nil) async throws -> String {
            let only = page.map { "\($0)" } ?? ""
            let lines =
                page == nil
                ? try await ask("pdftotext", "-layout", "FILE", "-")
                : try await ask("pdftotext", "-layout", "-f", only, "-l", only, "FILE", "-")
            return lines.joined(separator: "\n").replacing("\u{A0}", with: " ")
        }
    }

    @Test func `a page says what its document says`() async throws {
        let document = try Sample.document()
        let file = try await File(document)
        let text = try await file.text()
        for wanted in [
            "Invoice", "ACME-0001", "Jun 15, 2026", "Bill to", "Acme GmbH", "billing@acme.example", "Amount due",
            "€74.40", "Team – Seats", "9.00 x 3 = 27.00", "Jun 1, 2026 – Jun 30, 2026", "Tax summary", "62.00",
            "IBAN FR76 3000", "Scan to pay", "VAT ID GB123456789", "Payable within 14 days.", "Page 1 of 1",
        ] { #expect(text.contains(wanted), "\(wanted) in \(text)") }
        #expect(file.pages == 1)
    }

    @Test func `fonts are embedded, and no other than two are used for Latin`() async throws {
        let lines = try await File(Sample.document()).ask("pdffonts", "FILE").dropFirst(2)
        #expect(lines.count == 2, "\(lines)")
        #expect(lines.allSatisfy { $0.contains(" yes yes yes ") && $0.contains("OpenSans") }, "\(lines)")
    }

    @Test func `title, author, dates, tags and language are told`() async throws {
        let file = try await File(Sample.document())
        let info = try await file.ask("pdfinfo", "-isodates", "FILE")
        for wanted in [
            "Title:           Invoice ACME-0001", "Author:          Shop Software Ltd",
            "Keywords:        ACME-0001, acme, EUR", "CreationDate:    2026-06-01T00:00:00Z", "Tagged:          yes",
            "Subject:         Invoice ACME-0001, Acme GmbH, Jun 1, 2026",
        ] { #expect(info.contains(wanted), "\(wanted) in \(info)") }
        let structure = try await file.ask("pdfinfo", "-struct", "FILE").map { $0.trimmingCharacters(in: .whitespaces) }
        #expect(
            structure.prefix(2) == ["Document", "H1 (block)"] && structure.contains("Table (block)")
                && structure.contains("Link (inline)"), "\(structure)")
        #expect(structure.count { $0 == "TH" } == 5 + 4 && structure.count { $0 == "TR" } == 3 + 2)
        let bytes = try String(decoding: Data(contentsOf: URL(filePath: file.path)), as: UTF8.self)
        #expect(bytes.contains("/Lang (en-US)"))
    }

    @Test func `the QR code is the payment link, and the link can be followed`() async throws {
        let file = try await File(Sample.document())
        _ = try await file.ask("pdftoppm", "-r", "120", "-png", "-singlefile", "FILE", file.folder.path("page"))
        let (_, lines) = try await ChildProcess.run(
            Processes.Command("/usr/bin/zbarimg", ["--quiet", "--raw", file.folder.path("page.png")]))
        #expect(lines.contains("https://pay.example/i/ACME-0001?t=abc'%7E"), "\(lines)")
        let bytes = try String(decoding: Data(contentsOf: URL(filePath: file.path)), as: UTF8.self)
        #expect(bytes.contains("https://pay.example/i/ACME-0001?t=abc%27%7E"))
    }

    @Test func `three hundred lines break into pages, each with the table's head and its number`() async throws {
        let file = try await File(Sample.document(lines: 300))
        #expect(file.pages > 5)
        for page in 1...file.pages {
            let text = try await file.text(page: page)
            #expect(text.contains("Description") && text.contains("Amount (EUR)"), "page \(page)")
            #expect(text.contains("Page \(page) of \(file.pages)"))
            #expect(text.contains("Invoice") && text.contains("ACME-0001"))
        }
        let all = try await file.text()
        for line in 1...300 { #expect(all.contains("Item-\(line) ") || all.contains("Item-\(line)\n"), "line \(line)") }
        let totals = try await file.text(page: file.pages)
        #expect(totals.contains("Amount due") && !totals.contains("Page 1 of"))
    }

    @Test func `the same document is the same file, whoever makes it`() async throws {
        let document = try Sample.document(logo: true)
        let printer = PDFPrinter()
        let first = try await printer.pdf(of: document)
        _ = try await printer.pdf(of: Sample.document(lines: 40))
        #expect(try await printer.pdf(of: document) == first)
        #expect(try await PDFPrinter().pdf(of: document) == first)
    }

    @Test(arguments: [
        "شركة المثال للتجارة", "חברה לדוגמה בע\"מ", "株式会社サンプル商事", "示例有限公司", "ООО «Пример»", "Пример 🦊 \u{202E}abc",
        String(repeating: "Donaudampfschifffahrtsgesellschaft", count: 8), "a\u{0}b\nc\u{2028}d\t\u{7F}", "",
        "\u{FFFE}",
        "e\u{301}\u{302}\u{303}", "<b>&amp;",
    ])
    func `a name in any script, of any length, is set on one page`(name: String) async throws {
        let file = try await File(Sample.document(name: name))
        #expect(file.pages == 1)
        let text = try await file.text()
        #expect(text.contains("Amount due"))
        if name.hasPrefix("株") { #expect(text.contains("株式会社サンプル商事")) }
        if name.hasPrefix("Donau") { #expect(!text.contains("-\n")) }
        if name.hasPrefix("<") { #expect(text.contains("<b>&amp;")) }
    }

    @Test func `a logo stands in its place, however large it was`() async throws {
        let file = try await File(Sample.document(logo: true))
        let images = try await file.ask("pdfimages", "-list", "FILE").dropFirst(2)
        #expect(images.count >= 1, "\(images)")
    }

    @Test func `a logo that cannot be decoded says what to do`() async throws {
        // Sound by its checksums, and of a colour type that there is not.
        let fault = await #expect(throws: TypesettingFault.self) {
            try await PDFPrinter().pdf(of: Sample.document(image: Sample.png(colourType: 1)))
        }
        #expect(fault?.description.contains("logo") == true)
    }

    @Test(arguments: [(Branding.Paper.a4, "595.276 x 841.89"), (.letter, "612 x 792")])
    func `the paper is the seller's`(paper: Branding.Paper, size: String) async throws {
        let info = try await File(Sample.document(paper: paper)).ask("pdfinfo", "FILE")
        #expect(info.contains { $0.hasPrefix("Page size:") && $0.contains(size) }, "\(info)")
    }

    @Test(arguments: DocumentLocale.allCases) func `every language is set`(locale: DocumentLocale) async throws {
        let document = try Sample.document(locale: locale)
        let text = try await File(document).text()
        for total in document.totals {
            #expect(text.contains(total.label.replacing("\u{A0}", with: " ")), "\(total.label) in \(text)")
        }
        #expect(text.contains(document.pageLabel.text(page: 1, of: 1)))
    }

    @Test func `a credit note and a receipt are set`() async throws {
        var account = try Sample.account()
        let june = try Instant(parsing: "2026-06-02T00:00:00Z")
        try account.perform(.pay(invoice: 1, amount: Money(minorUnits: 3000, .eur)), at: june)
        try account.perform(.pay(invoice: 1, amount: nil), at: june)
        let part = Operation.CreditNoteAmount.amount(Money(minorUnits: 1000, .eur))
        try account.perform(.creditNote(invoice: 1, part, as: .refund), at: june)
        var branding = Branding()
        branding.locale = .british
        let writer = DocumentWriter(account, customerName: "Acme GmbH", sellerName: "Shop", branding: branding)
        for (reference, wanted) in [
            (
                DocumentReference(.creditNote, "ACME-CN-0001"),
                ["Credit note", "For invoice", "Paid back to you", "12.00"]
            ),
            (.receipt(ofInvoice: "ACME-0001", payment: 2), ["Receipt", "Received before", "€44.40", "Still due"]),
        ] {
            let text = try await File(#require(try writer.document(reference))).text()
            for wanted in wanted { #expect(text.contains(wanted), "\(wanted) in \(text)") }
        }
    }

    @Test func `other programs find nothing to mend`() async throws {
        let file = try await File(Sample.document(lines: 60, logo: true))
        let (status, lines) = try await ChildProcess.run(
            Processes.Command("/usr/bin/pdftotext", [file.path, file.folder.path("text")]))
        #expect(status == .code(0) && lines.isEmpty, "\(lines)")
    }
}
