internal import JSONText

/// A PNG file, whole and undamaged by its checksums.
public struct PNGImage: Hashable, Sendable {
    public let bytes: [UInt8]
    public let width: Int
    public let height: Int

    /// Enough for a logo in print; more would be carried by every document.
    public static let byteLimit = 256 * 1024
    private static let pixelLimit = 4000

    /// Throws why it is none.
    public init(_ bytes: [UInt8]) throws(PNGFault) {
        guard bytes.count <= Self.byteLimit else { throw PNGFault("has more than \(Self.byteLimit / 1024) KiB") }
        guard bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) else {
            throw PNGFault("is no PNG file")
        }
        var at = 8
        var size: (width: Int, height: Int)?
        var isEnded = false
        while at < bytes.count, !isEnded {
            let chunk = try Chunk(bytes, at: at)
            if size == nil {
                guard chunk.name == "IHDR", chunk.data.count == 13 else { throw PNGFault("does not say its size") }
                size = (Self.number(chunk.data.prefix(4)), Self.number(chunk.data.dropFirst(4).prefix(4)))
            }
            isEnded = chunk.name == "IEND"
            at += chunk.data.count + 12
        }
        guard isEnded, let size else { throw PNGFault("is cut off") }
        guard (1...Self.pixelLimit).contains(size.width), (1...Self.pixelLimit).contains(size.height) else {
            throw PNGFault("is \(size.width) x \(size.height) pixels; at most \(Self.pixelLimit) either way")
        }
        self.bytes = bytes
        (width, height) = size
    }

    fileprivate static func number(_ bytes: some Sequence<UInt8>) -> Int { bytes.reduce(0) { $0 << 8 | Int($1) } }

    private struct Chunk {
        let name: String
        let data: ArraySlice<UInt8>

        init(_ bytes: [UInt8], at start: Int) throws(PNGFault) {
            guard bytes.count - start >= 12 else { throw PNGFault("is cut off") }
            let length = PNGImage.number(bytes[start..<start + 4])
            guard length <= bytes.count - start - 12 else { throw PNGFault("is cut off") }
            let end = start + 8 + length
            guard PNGImage.number(bytes[end..<end + 4]) == Int(Self.checksum(bytes[start + 4..<end])) else {
                throw PNGFault("is damaged")
            }
            name = String(decoding: bytes[start + 4..<start + 8], as: UTF8.self)
            data = bytes[start + 8..<end]
        }

        /// CRC-32 as PNG has it.
        private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
            ~bytes.reduce(~0) { sum, byte in table[Int((sum ^ UInt32(byte)) & 0xFF)] ^ (sum >> 8) }
        }

        private static let table: [UInt32] = (0..<256).map { (first: UInt32) in
            (0..<8).reduce(first) { value, _ in value & 1 == 1 ? 0xEDB8_8320 ^ (value >> 1) : value >> 1 }
        }
    }
}

/// Why bytes are no PNG image that can be printed.
public struct PNGFault: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}

/// Bytes as text holds them: RFC 4648, with padding.
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let values: [UInt8: UInt32] = Dictionary(
        uniqueKeysWithValues: alphabet.enumerated().map { ($1, UInt32($0)) })

    static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let part = bytes[start..<min(start + 3, bytes.count)]
            let bits = part.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - part.count))
            for place in 0..<4 {
                text.append(place <= part.count ? alphabet[bits >> (18 - 6 * place) & 63] : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// `nil` for what is none.
    static func decode(_ text: String) -> [UInt8]? {
        var digits = Array(text.utf8)
        guard digits.count.isMultiple(of: 4) else { return nil }
        var padding = 0
        while padding < 2, digits.last == UInt8(ascii: "=") {
            digits.removeLast()
            padding += 1
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count / 4 * 3 + 3)
        for start in stride(from: 0, to: digits.count, by: 4) {
            var bits: UInt32 = 0
            let part = digits[start..<min(start + 4, digits.count)]
            for digit in part {
                guard let value = values[digit] else { return nil }
                bits = bits << 6 | value
            }
            bits <<= UInt32(6 * (4 - part.count))
            for place in 0..<(part.count - 1) {
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(16 - 8 * place)))
            }
        }
        return bytes
    }
}
