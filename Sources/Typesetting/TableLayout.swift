internal import Documents

/// A table with its texts broken into lines: words to the left, figures to the right, as wide as the widest of their
/// column.
private struct SetTable {
    struct SetRow {
        let words: [(text: TextBlock, ink: Ink)]
        let figures: [TextBlock]

        var height: Double {
            max(words.reduce(0) { $0 + $1.text.height }, figures.map(\.height).max() ?? 0)
        }
    }

    let header: SetRow
    let rows: [SetRow]
    /// Of the columns of figures.
    let widths: [Double]

    static let gap = 14.0
    /// No column of figures takes more than this from the words.
    private static let widest = 104.0

    init(_ table: Document.Table, _ typesetter: Typesetter, width: Double) {
        func figures(_ texts: [String], _ style: TextStyle, lines: Int) -> [TextBlock] {
            texts.map { typesetter.set($0, style, width: Self.widest, alignment: .right, lines: lines) }
        }
        let heads = figures(Array(table.columns.dropFirst()), .small, lines: 2)
        let cells = table.rows.map { figures($0.figures, .body, lines: 2) }
        var widths = heads.map(\.width)
        for row in cells {
            for (column, cell) in row.enumerated() { widths[column] = max(widths[column], cell.width) }
        }
        let words = width - widths.reduce(0) { $0 + $1 + Self.gap }
        func lines(_ row: Document.Row) -> [(text: TextBlock, ink: Ink)] {
            [(typesetter.set(row.title, .strong, width: words), .text)]
                + row.details.map { (typesetter.set($0, .small, width: words), .quiet) }
                + [row.explanation].compactMap { $0 }.map {
                    (typesetter.set($0, .fine, width: words, lines: 12), .quiet)
                }
        }
        header = SetRow(
            words: [(typesetter.set(table.columns.first ?? "", .small, width: words, lines: 2), .quiet)], figures: heads
        )
        rows = zip(table.rows, cells).map { SetRow(words: lines($0), figures: $1) }
        self.widths = widths
    }
}

extension PageComposer {
    private static let padding = 5.5

    /// Its head is repeated on each page that it goes on to.
    mutating func composeTable(_ table: Document.Table) {
        let set = SetTable(table, typesetter, width: sheet.content)
        let first = set.rows.first?.height ?? 12
        if !isRoom(for: set.header.height + first + 24) { beginPage() }
        begin(set)
        for row in set.rows {
            if !isRoom(for: row.height + 2 * Self.padding) {
                put(.end("Table"))
                beginPage()
                begin(set)
            }
            y += Self.padding
            place(row, of: set, "TD")
            y += row.height + Self.padding
            rule(at: y)
        }
        put(.end("Table"))
        if set.rows.isEmpty {
            let text = typesetter.set(table.empty, .body, width: sheet.content)
            put(text, x: sheet.left, y: y + Self.padding, .quiet, as: "P")
            y += text.height + 2 * Self.padding
        }
        y += 12
    }

    private mutating func begin(_ table: SetTable) {
        put(.begin("Table"))
        place(table.header, of: table, "TH")
        y += table.header.height + 4
        rule(at: y, accent, thickness: 1.2)
        y += 1.2
    }

    private mutating func place(_ row: SetTable.SetRow, of table: SetTable, _ tag: String) {
        put(.begin("TR"))
        put(.begin(tag))
        var top = y
        for (text, ink) in row.words {
            put(text, x: sheet.left, y: top, ink)
            top += text.height
        }
        put(.end(tag))
        var right = sheet.right - table.widths.dropFirst().reduce(0) { $0 + $1 + SetTable.gap }
        for (column, figure) in row.figures.enumerated() {
            put(figure, right: right, y: y, tag == "TH" ? .quiet : .text, as: tag)
            if column + 1 < table.widths.count { right += table.widths[column + 1] + SetTable.gap }
        }
        put(.end("TR"))
    }

    /// A small table, whole on one page where it fits on one.
    mutating func composeSummary(_ table: Document.Table) {
        let set = SetTable(table, typesetter, width: sheet.content)
        let heading = typesetter.set(table.heading, .heading, width: sheet.content)
        let height = set.rows.reduce(heading.height + set.header.height + 20) { $0 + $1.height + 2 * Self.padding }
        y += 10
        if !isRoom(for: height), height < sheet.bottom - 80 { beginPage() }
        put(heading, x: sheet.left, y: y, as: "H2")
        y += heading.height + 8
        composeTable(table)
    }
}
