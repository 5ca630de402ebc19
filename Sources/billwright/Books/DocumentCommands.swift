internal import Accounts
internal import BillingPorts
internal import BooksStore
internal import Commands
internal import Dates
internal import DocumentStorage
internal import Documents
internal import Foundation
internal import JSONText
internal import Typesetting

extension Commands.Command {
    static let invoicesPDF = pdf("invoices", .invoice, "an invoice", more: [.paymentLink])
    static let creditNotesPDF = pdf("credit-notes", .creditNote, "a credit note")
    static let receiptsPDF = pdf("receipts", .receipt, "the receipt of a payment, as ACME-0001-R1")
    static let documentsShow = Commands.Command(
        "documents show", "Tells where a document is kept, and makes a link to it that expires.",
        operands: ["NUMBER"],
        settings: [
            .database, .seller, Setting("--kind", "KIND", default: "invoice", help: "invoice, credit_note or receipt"),
            Setting("--link-for", "TIME", help: "also a link to it for so long, at most 7d; from S3 only"), .json,
        ] + Setting.documentStore,
        run: DocumentCommands.show)

    private static func pdf(
        _ noun: String, _ kind: DocumentReference.Kind, _ what: String, more: [Setting] = []
    ) -> Commands.Command {
        Commands.Command(
            "\(noun) pdf", "Writes \(what) as a PDF file.", operands: ["NUMBER"],
            settings: [
                .database, .seller, Setting("--output", "FILE", help: "where to; an existing file is replaced"),
            ] + more,
            discussion: "As the books and the seller's branding have it now. Made again it is the same file.",
            run: { try await DocumentCommands.pdf($0, kind, of: "\(noun) pdf") })
    }
}

extension Setting {
    fileprivate static let paymentLink = Setting(
        "--payment-link", "URL", help: "printed with a QR code, in place of the seller's own")
}

private enum DocumentCommands {
    static func pdf(_ arguments: Arguments, _ kind: DocumentReference.Kind, of command: String) async throws -> Int32 {
        let reference = DocumentReference(kind, try arguments.operand("a number", of: command))
        let output = try arguments.required("--output")
        let link = arguments.declares("--payment-link") ? try paymentLink(arguments) : nil
        return try await BooksDesk.run(arguments, as: "documents") { desk in
            let document = try await desk.inspection.document(reference, of: desk.seller.id, paymentLink: link)
            guard let document else { throw OperationFault(.notFound, "there is no \(reference)") }
            let (bytes, pages) = try await PDFPrinter().typeset(document)
            do { try Data(bytes).write(to: URL(filePath: output), options: .atomic) } catch {
                throw UsageError("--output: '\(output)' cannot be written: \(error.localizedDescription)")
            }
            Terminal.print("\(output): \(reference), \(pages) page\(pages == 1 ? "" : "s"), \(bytes.count) bytes")
            return 0
        }
    }

    private static func paymentLink(_ arguments: Arguments) throws(UsageError) -> String? {
        guard let link = arguments.text("--payment-link") else { return nil }
        guard link.hasPrefix("https://"), link.utf8.allSatisfy({ (0x21...0x7E).contains($0) }), link.utf8.count <= 300
        else { throw arguments.fault("--payment-link", link, "an https address of at most 300 characters") }
        return link
    }

    @Sendable static func show(_ arguments: Arguments) async throws -> Int32 {
        let kind = try arguments.choice("--kind", DocumentReference.Kind.self)
        let reference = DocumentReference(kind, try arguments.operand("a number", of: "documents show"))
        let time = arguments.text("--link-for") == nil ? nil : try arguments.duration("--link-for")
        let store = try arguments.documentStore()
        return try await BooksDesk.run(arguments, as: "documents") { desk in
            guard let found = try await desk.inspection.storedDocument(reference, of: desk.seller.id) else {
                throw OperationFault(.notFound, "no \(reference) is stored")
            }
            // A link is for somebody outside: its time is the wall clock's.
            let now = Instant(microseconds: Int64(Date().timeIntervalSince1970 * 1_000_000))
            var link: String?
            if let time {
                link = try store.link(to: found.key, as: "\(reference.number).pdf", for: time, now: now)
                guard link != nil else { throw UsageError("--link-for: a folder has no links; documents on S3 have") }
            }
            let digest = found.sha256.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
            if arguments.isOn("--json") {
                let json: JSONValue = .present([
                    "kind": .string(kind.rawValue), "number": .string(reference.number), "key": .text(found.key),
                    "sha256": .string(digest), "bytes": .integer(Int64(found.bytes)),
                    "rendered_at": .text(found.renderedAt), "link": link.map { .string($0) },
                ])
                Terminal.print(json.text())
                return 0
            }
            Terminal.print("\(reference)  \(found.bytes) bytes  \(found.renderedAt)")
            Terminal.print("key     \(found.key)")
            Terminal.print("sha256  \(digest)")
            if let link { Terminal.print("link    \(link)") }
            return 0
        }
    }
}
