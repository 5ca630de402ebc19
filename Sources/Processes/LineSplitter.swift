/// Cuts a stream of bytes into lines, however the reads happened to cut it.
///
/// A line longer than `limit` comes out in pieces, so a child that never writes a newline cannot fill our memory.
/// Bytes that are no UTF-8 are repaired: what a child prints is for people.
struct LineSplitter {
    private let limit: Int
    private var pending: [UInt8] = []

    init(limit: Int = 64 * 1024) {
        self.limit = limit
    }

    /// The lines that these bytes complete, without their newlines.
    mutating func add(_ bytes: some Sequence<UInt8>) -> [String] {
        var lines: [String] = []
        for byte in bytes {
            if byte != UInt8(ascii: "\n") { pending.append(byte) }
            if byte == UInt8(ascii: "\n") || pending.count == limit { lines.append(take()) }
        }
        return lines
    }

    /// What the stream ended with, if it did not end with a newline.
    mutating func finish() -> String? {
        pending.isEmpty ? nil : take()
    }

    private mutating func take() -> String {
        defer { pending.removeAll(keepingCapacity: true) }
        return String(decoding: pending, as: UTF8.self)
    }
}
