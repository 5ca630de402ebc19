/// A source file as the rules see it: words and signs by line, with comments apart and the insides of strings left out,
/// so that a rule about code is not broken by a sentence that mentions it.
struct SourceFile: Sendable {
    struct Line: Sendable {
        /// Words, raw identifiers with their backticks, `""` for a string, `try!` and `as!`, and single signs.
        var tokens: [String] = []
        /// What follows `//`; empty without a comment.
        var comment = ""

        /// Whether these tokens stand in the line, one after the other.
        func has(_ wanted: String...) -> Bool {
            guard tokens.count >= wanted.count else { return false }
            return (0...(tokens.count - wanted.count)).contains { start in
                wanted.indices.allSatisfy { tokens[start + $0] == wanted[$0] }
            }
        }
    }

    /// From the root of the tree, with slashes.
    let path: String
    let lines: [Line]

    init(path: String, text: String) {
        self.path = path
        var scanner = Scanner(text)
        lines = path.hasSuffix(".swift") ? scanner.scan() : []
    }

    /// The folder of the target it belongs to: `Sources/Money`, `Jobs/Renewals`; `nil` for anything else.
    func target(under root: String) -> String? {
        let parts = path.split(separator: "/")
        return parts.count > 2 && parts[0] == root ? String(parts[1]) : nil
    }
}

/// Cuts Swift text into tokens; knows just enough of the language to tell code, comments and strings apart.
private struct Scanner {
    private let bytes: [UInt8]
    private var position = 0
    private var lines: [SourceFile.Line] = [.init()]

    init(_ text: String) {
        bytes = Array(text.utf8)
    }

    mutating func scan() -> [SourceFile.Line] {
        while position < bytes.count { step() }
        if let last = lines.last, last.tokens.isEmpty, last.comment.isEmpty { lines.removeLast() }
        return lines
    }

    private func byte(_ offset: Int = 0) -> UInt8 {
        position + offset < bytes.count ? bytes[position + offset] : UInt8(ascii: "\n")
    }

    private mutating func step() {
        switch byte() {
        case UInt8(ascii: "\n"):
            lines.append(.init())
            position += 1
        case UInt8(ascii: "/") where byte(1) == UInt8(ascii: "/"):
            lines[lines.count - 1].comment = take(from: position + 2) { $0 != UInt8(ascii: "\n") }
        case UInt8(ascii: "`"):
            add("`" + take(from: position + 1) { $0 != UInt8(ascii: "`") && $0 != UInt8(ascii: "\n") } + "`")
            position += 1
        case UInt8(ascii: "\""), UInt8(ascii: "#"):
            let hashes = bytes[position...].prefix { $0 == UInt8(ascii: "#") }.count
            guard byte(hashes) == UInt8(ascii: "\"") else { return addSign() }
            add("\"\"")
            skipString(hashes: hashes)
        case let first where Self.isWord(first):
            let word = take(from: position) { Self.isWord($0) }
            // `try!` is one thing, and not the `try !` of a negation.
            let isForced = (word == "try" || word == "as") && byte() == UInt8(ascii: "!")
            add(isForced ? word + "!" : word)
            if isForced { position += 1 }
        case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"):
            position += 1
        default:
            addSign()
        }
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...:
            true
        default: false
        }
    }

    private mutating func add(_ token: String) {
        lines[lines.count - 1].tokens.append(token)
    }

    private mutating func addSign() {
        add(String(decoding: [byte()], as: UTF8.self))
        position += 1
    }

    private mutating func take(from start: Int, while belongs: (UInt8) -> Bool) -> String {
        let taken = bytes[start...].prefix(while: belongs)
        position = taken.endIndex
        return String(decoding: taken, as: UTF8.self)
    }

    /// Passes a string literal, with the strings inside its interpolations.
    private mutating func skipString(hashes: Int) {
        let quote = UInt8(ascii: "\"")
        position += hashes + 1
        let isLong = byte() == quote && byte(1) == quote
        if isLong { position += 2 }
        while position < bytes.count {
            if byte() == UInt8(ascii: "\\"), areHashes(at: 1, hashes) {
                position += 1 + hashes
                if byte() == UInt8(ascii: "(") { skipInterpolation() } else { position += 1 }
            } else if byte() == quote, !isLong || (byte(1) == quote && byte(2) == quote) {
                let length = isLong ? 3 : 1
                if areHashes(at: length, hashes) {
                    position += length + hashes
                    return
                }
                position += 1
            } else if byte() == UInt8(ascii: "\n") {
                // A short string ends with its line, whatever we made of it.
                if !isLong { return }
                lines.append(.init())
                position += 1
            } else {
                position += 1
            }
        }
    }

    private mutating func skipInterpolation() {
        var depth = 0
        while position < bytes.count {
            switch byte() {
            case UInt8(ascii: "\n"):
                lines.append(.init())
            case UInt8(ascii: "("):
                depth += 1
            case UInt8(ascii: ")"):
                depth -= 1
                if depth == 0 {
                    position += 1
                    return
                }
            case UInt8(ascii: "\""):
                skipString(hashes: 0)
                continue
            default:
                break
            }
            position += 1
        }
    }

    private func areHashes(at offset: Int, _ count: Int) -> Bool {
        (0..<count).allSatisfy { byte(offset + $0) == UInt8(ascii: "#") }
    }
}
