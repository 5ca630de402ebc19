/// A list of byte strings, some of them NULL, in one flat buffer: two allocations however many values there are.
struct PackedValues: Sendable {
    private(set) var bytes: [UInt8] = []
    /// Where each value ends in `bytes`. A NULL is empty and has its end stored as the complement, which is negative.
    private var ends: [Int] = []

    var count: Int { ends.count }

    mutating func reserve(values: Int, bytes byteCount: Int) {
        ends.reserveCapacity(values)
        bytes.reserveCapacity(byteCount)
    }

    mutating func appendNull() { ends.append(~bytes.count) }

    mutating func append(_ write: (inout [UInt8]) -> Void) {
        write(&bytes)
        ends.append(bytes.count)
    }

    mutating func append(contentsOf other: PackedValues) {
        let base = bytes.count
        bytes += other.bytes
        ends += other.ends.map { $0 < 0 ? $0 - base : $0 + base }
    }

    /// The place of a value in `bytes`; nil for NULL.
    func range(at index: Int) -> Range<Int>? {
        let end = ends[index]
        guard end >= 0 else { return nil }
        let before = index == 0 ? 0 : ends[index - 1]
        return (before < 0 ? ~before : before)..<end
    }
}

extension [UInt8] {
    /// Appends an integer in the byte order of the wire.
    mutating func append(bigEndian value: some FixedWidthInteger) {
        unsafe Swift.withUnsafeBytes(of: value.bigEndian) { unsafe append(contentsOf: $0) }
    }

    /// Appends what `write` writes, preceded by its length as a 32-bit integer; -1 and nothing when `isNull`.
    mutating func appendWithLength(isNull: Bool, _ write: (inout [UInt8]) -> Void) {
        guard !isNull else { return append(bigEndian: Int32(-1)) }
        let start = count
        append(bigEndian: Int32(0))
        write(&self)
        let length = UInt32(truncatingIfNeeded: count - start - 4)
        for byte in 0..<4 { self[start + byte] = UInt8(truncatingIfNeeded: length >> (24 - 8 * byte)) }
    }
}
