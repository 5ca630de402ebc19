internal import Billing
public import BillingPorts
internal import Dates
public import Documents
internal import Threads

/// Makes PDFs of documents: fonts embedded, structure tagged, language and title told, the same bytes for the same
/// document on the same host.
///
/// One thread owns every handle of Pango and cairo, and sets one document after the other.
public actor PDFPrinter: DocumentRenderer {
    private let executor: ThreadExecutor
    /// This actor's own thread.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    /// Made with the first document: it reads what fonts there are.
    private var typesetter: Typesetter?
    /// A seller's documents come one after the other.
    private var lastLogo: (image: PNGImage, picture: Picture)?

    public init() { executor = ThreadExecutor(name: "typesetting") }

    deinit { executor.stop() }

    public func pdf(of document: Document) throws(TypesettingFault) -> [UInt8] {
        try typeset(document).bytes
    }

    /// The file and how many pages it has.
    public func typeset(_ document: Document) throws(TypesettingFault) -> (bytes: [UInt8], pages: Int) {
        let typesetter = typesetter ?? Typesetter()
        self.typesetter = typesetter
        let logo = try picture(document.look.logo)
        var composer = PageComposer(document, typesetter)
        try composer.compose(logo: logo.map { ($0.width, $0.height) })
        let canvas = PDFCanvas(width: composer.sheet.width, height: composer.sheet.height)
        let about = document.metadata
        canvas.describe(
            title: about.title, author: about.author, subject: about.subject, keywords: about.keywords,
            createdAt: about.createdAt.wholeSecond.description)
        canvas.begin("Document")
        for (place, page) in composer.pages.enumerated() {
            for mark in page { draw(mark, logo, on: canvas) }
            // Behind the last page it would begin another.
            if place == composer.pages.count - 1 { canvas.end("Document") }
            canvas.nextPage()
        }
        let file = try PDFCatalogEntry(language: about.language).added(to: canvas.finish())
        return (file, composer.pages.count)
    }

    private func draw(_ mark: Mark, _ logo: Picture?, on canvas: PDFCanvas) {
        switch mark {
        case .begin(let tag, let attributes): canvas.begin(tag, attributes: attributes)
        case .end(let tag): canvas.end(tag)
        case .text(let text, let x, let y, let ink): canvas.show(text, x: x, y: y, ink)
        case .fill(let boxes, let ink): canvas.fill(boxes, ink)
        case .logo(let box): if let logo { canvas.show(logo, in: box) }
        }
    }

    private func picture(_ image: PNGImage?) throws(TypesettingFault) -> Picture? {
        guard let image else { return nil }
        if let lastLogo, lastLogo.image == image { return lastLogo.picture }
        let picture = try Picture(png: image.bytes)
        lastLogo = (image, picture)
        return picture
    }
}

extension Instant {
    /// A PDF's dates have no fractions.
    fileprivate var wholeSecond: Instant { Instant(microseconds: seconds * 1_000_000) }
}
