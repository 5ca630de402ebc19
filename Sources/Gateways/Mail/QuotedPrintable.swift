/// The encoding of RFC 2045, section 6.7: any UTF-8 text as lines of at most 76 seven-bit characters.
enum QuotedPrintable {
    private static let lineLimit = 76

    /// Line ends of every kind become CRLF, and the last line gets one.
    static func encode(_ text: String) -> String {
        var output: [UInt8] = []
        var bytes = text.utf8.makeIterator()
        var line: [UInt8] = []
        var isAfterCR = false
        while let byte = bytes.next() {
            if byte == UInt8(ascii: "\n") && isAfterCR {
                isAfterCR = false
                continue
            }
            isAfterCR = byte == UInt8(ascii: "\r")
            if isAfterCR || byte == UInt8(ascii: "\n") {
                write(line, to: &output)
                line = []
            } else {
                line.append(byte)
            }
        }
        if !line.isEmpty || output.isEmpty { write(line, to: &output) }
        return String(decoding: output, as: UTF8.self)
    }

    /// Two upper-case digits.
    static func hex(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16, uppercase: true)
        return digits.utf8.count == 1 ? "0\(digits)" : digits
    }

    private static func write(_ line: [UInt8], to output: inout [UInt8]) {
        var column = 0
        for (index, byte) in line.enumerated() {
            let isLast = index == line.count - 1
            let isBlank = byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
            // A blank at the end of a line is lost on the way.
            let isPlain = isBlank ? !isLast : ASCII.isPrintable(byte) && byte != UInt8(ascii: "=")
            let encoded = isPlain ? [byte] : Array("=\(hex(byte))".utf8)
            // The soft break takes one place itself; the last character of a line needs none behind it.
            if column + encoded.count > (isLast ? lineLimit : lineLimit - 1) {
                output += Array("=\r\n".utf8)
                column = 0
            }
            output += encoded
            column += encoded.count
        }
        output += Array("\r\n".utf8)
    }
}
