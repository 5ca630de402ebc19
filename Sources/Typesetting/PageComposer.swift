internal import Billing
internal import Documents

/// Something at a place on a page.
enum Mark {
    /// A part of the document's structure, as readers for the blind go through it. Parts of one page close on it.
    case begin(String, attributes: String = "")
    case end(String)
    case text(TextBlock, x: Double, y: Double, Ink)
    case fill([Box], Ink)
    case logo(Box)
}

/// Lays a document out: which piece stands where on which page. Pages come out whole, so that each can say how many
/// there are.
struct PageComposer {
    let document: Document
    let typesetter: Typesetter
    let sheet: Sheet
    let accent: Ink
    private(set) var pages: [[Mark]] = [[]]
    /// Where the next piece goes.
    var y: Double

    /// The paper and its margins.
    struct Sheet {
        let width, height: Double
        let margin = 50.0
        /// Below it is the footer.
        let footer = 52.0

        var left: Double { margin }
        var right: Double { width - margin }
        var content: Double { width - 2 * margin }
        var bottom: Double { height - footer - 8 }

        init(_ paper: Branding.Paper) {
            switch paper {
            case .a4: (width, height) = (595.276, 841.89)
            case .letter: (width, height) = (612, 792)
            }
        }
    }

    init(_ document: Document, _ typesetter: Typesetter) {
        self.document = document
        self.typesetter = typesetter
        sheet = Sheet(document.look.paper)
        let colour = document.look.colour
        accent = Ink(red: Double(colour.red) / 255, green: Double(colour.green) / 255, blue: Double(colour.blue) / 255)
        y = 44
    }

    /// Letters in the seller's colour, where they can be read.
    var accentText: Ink { accent.isReadable ? accent : .text }

    /// `logo`: its width and height, where there is one.
    mutating func compose(logo: (width: Double, height: Double)?) throws(TypesettingFault) {
        put(.fill([Box(x: 0, y: 0, width: sheet.width, height: 6)], accent))
        composeHead(logo)
        composeParties()
        composeHeadline()
        composeTable(document.table)
        try composeTotals()
        if let taxes = document.taxes { composeSummary(taxes) }
        composeClosing()
        composeFooters()
    }

    // MARK: Pieces

    mutating func put(_ mark: Mark) { pages[pages.count - 1].append(mark) }

    /// As one part of the structure, if it is one.
    mutating func put(_ text: TextBlock, x: Double, y: Double, _ ink: Ink = .text, as tag: String? = nil) {
        if let tag { put(.begin(tag)) }
        put(.text(text, x: x, y: y, ink))
        if let tag { put(.end(tag)) }
    }

    /// Against a right edge.
    mutating func put(_ text: TextBlock, right: Double, y: Double, _ ink: Ink = .text, as tag: String? = nil) {
        put(text, x: right - text.width, y: y, ink, as: tag)
    }

    mutating func rule(at y: Double, from left: Double? = nil, _ ink: Ink = .hairline, thickness: Double = 0.6) {
        let left = left ?? sheet.left
        put(.fill([Box(x: left, y: y, width: sheet.right - left, height: thickness)], ink))
    }

    func isRoom(for height: Double) -> Bool { y + height <= sheet.bottom }

    mutating func beginPage() {
        pages.append([])
        y = 30
        let name = typesetter.set(document.metadata.title, .small, width: sheet.content / 2, lines: 1)
        let recipient = typesetter.set(document.recipient.name, .small, width: sheet.content / 2 - 10, lines: 1)
        put(name, x: sheet.left, y: y, .quiet, as: "P")
        put(recipient, right: sheet.right, y: y, .quiet, as: "P")
        y += name.height + 5
        rule(at: y)
        y += 12
    }

    private mutating func composeFooters() {
        for page in pages.indices {
            var marks: [Mark] = []
            let top = sheet.height - sheet.footer
            marks.append(
                .fill([Box(x: sheet.left, y: top, width: sheet.content, height: 0.6)], .hairline))
            let label = typesetter.set(
                document.pageLabel.text(page: page + 1, of: pages.count), .fine, width: 110, lines: 1)
            let text = typesetter.set(document.footer, .fine, width: sheet.content - 120, lines: 2)
            for (block, x) in [(text, sheet.left), (label, sheet.right - label.width)] {
                marks += [.begin("P"), .text(block, x: x, y: top + 8, .quiet), .end("P")]
            }
            pages[page] += marks
        }
    }

    private mutating func composeClosing() {
        guard !document.closing.isEmpty else { return }
        y += 14
        for paragraph in document.closing {
            let block = typesetter.set(paragraph, .small, width: sheet.content, lines: 30)
            if !isRoom(for: block.height) { beginPage() }
            put(block, x: sheet.left, y: y, .quiet, as: "P")
            y += block.height + 3
        }
    }
}
