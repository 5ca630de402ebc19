/// Rows as a person reads them: columns as wide as their widest cell, two spaces apart, nothing behind the last one.
struct TextTable {
    private(set) var lines: [String] = []

    init(_ rows: [[String]], indent: String = "") {
        let count = rows.map(\.count).max() ?? 0
        let widths = (0..<count).map { column in rows.map { $0.count > column ? $0[column].count : 0 }.max() ?? 0 }
        for row in rows {
            let cells = zip(row, widths).map { cell, width in cell + String(repeating: " ", count: width - cell.count) }
            let text = indent + cells.joined(separator: "  ")
            lines.append(String(text.reversed().drop { $0 == " " }.reversed()))
        }
    }

    func print() { for line in lines { Terminal.print(line) } }
}
