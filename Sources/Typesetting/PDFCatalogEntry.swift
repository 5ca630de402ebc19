/// Adds to a finished PDF what cairo cannot say: that its structure is tagged, its language, and that its title is to be
/// shown in place of its file's name. By an incremental update, as PDF has it: the file stays as it is and a new version of one object follows.
struct PDFCatalogEntry {
    let language: String

    func added(to file: [UInt8]) throws(TypesettingFault) -> [UInt8] {
        let end = file[max(0, file.count - 2048)...]
        guard let mark = end.last("startxref"), let trailer = end.last("trailer"),
            let table = file.number(after: mark + "startxref".utf8.count),
            let root = end.first("/Root", from: trailer).flatMap({ file.number(after: $0 + "/Root".utf8.count) }),
            let size = end.first("/Size", from: trailer).flatMap({ file.number(after: $0 + "/Size".utf8.count) }),
            let info = end.first("/Info", from: trailer).flatMap({ file.number(after: $0 + "/Info".utf8.count) }),
            let offset = offset(of: root, table: table, size: size, in: file),
            let close = file[offset...].first("endobj", from: offset).flatMap({ file[offset..<$0].last(">>") })
        else { throw TypesettingFault("the PDF has another shape than cairo 1.16 gives it") }
        var bytes = file
        let start = bytes.count
        bytes += file[offset..<close]
        bytes += Array(
            """
               /MarkInfo << /Marked true >>
               /Lang (\(language))
               /ViewerPreferences << /DisplayDocTitle true >>
            >>
            endobj

            """.utf8)
        let newTable = bytes.count
        bytes += Array(
            """
            xref
            \(root) 1
            \(padded(start)) 00000 n \ntrailer
            << /Size \(size)
               /Root \(root) 0 R
               /Info \(info) 0 R
               /Prev \(table)
            >>
            startxref
            \(newTable)
            %%EOF

            """.utf8)
        return bytes
    }

    /// Where an object begins, by the table of all objects, whose entries have twenty bytes.
    private func offset(of object: Int, table: Int, size: Int, in file: [UInt8]) -> Int? {
        let head = Array("xref\n0 \(size)\n".utf8)
        guard object < size, file.indices.contains(table), file[table...].starts(with: head) else { return nil }
        let entry = table + head.count + 20 * object
        guard entry + 20 <= file.count, let offset = file.number(after: entry) else { return nil }
        return file.indices.contains(offset) ? offset : nil
    }

    private func padded(_ number: Int) -> String {
        let digits = "\(number)"
        return String(repeating: "0", count: max(0, 10 - digits.utf8.count)) + digits
    }
}

extension ArraySlice<UInt8> {
    fileprivate func first(_ text: String, from start: Int) -> Int? {
        let wanted = Array(text.utf8)
        guard endIndex - start >= wanted.count else { return nil }
        return (start...(endIndex - wanted.count)).first { self[$0...].starts(with: wanted) }
    }

    fileprivate func last(_ text: String) -> Int? {
        let wanted = Array(text.utf8)
        guard count >= wanted.count else { return nil }
        return (startIndex...(endIndex - wanted.count)).last { self[$0...].starts(with: wanted) }
    }
}

extension [UInt8] {
    /// The number that stands there, behind white space.
    fileprivate func number(after position: Int) -> Int? {
        let rest = self[position...].drop { $0 == 0x20 || $0 == 0x0A || $0 == 0x0D }
        return Int(String(decoding: rest.prefix { (0x30...0x39).contains($0) }.prefix(18), as: UTF8.self))
    }
}
