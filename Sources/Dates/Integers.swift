/// Division that rounds down, also below zero, so days before 1970 count like those after it.
func floorDivide<Integer: BinaryInteger>(_ value: Integer, _ divisor: Integer) -> Integer {
    let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? quotient - 1 : quotient
}

/// The remainder of `floorDivide`: 0 up to but not including `divisor`.
func floorModulo<Integer: BinaryInteger>(_ value: Integer, _ divisor: Integer) -> Integer {
    let remainder = value % divisor
    return remainder < 0 ? remainder + divisor : remainder
}

/// At least `width` digits.
func padded(_ value: some BinaryInteger, _ width: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
}

/// Reads fixed ASCII forms from the front of a text; every step says whether it found what it looked for.
struct ASCIIScanner {
    private let bytes: [UInt8]
    private var index = 0

    init(_ text: some StringProtocol) { bytes = Array(text.utf8) }
    init(_ bytes: some Sequence<UInt8>) { self.bytes = Array(bytes) }

    var isAtEnd: Bool { index == bytes.count }
    var next: UInt8? { index < bytes.count ? bytes[index] : nil }

    mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard let next, UInt32(next) == character.value else { return false }
        index += 1
        return true
    }

    /// Exactly `count` digits.
    mutating func digits(_ count: Int) -> Int? {
        let start = index
        guard let value = digits(upTo: count), index - start == count else { return nil }
        return value
    }

    /// One digit at least, `limit` at most.
    mutating func digits(upTo limit: Int) -> Int? {
        var value = 0
        let start = index
        while let next, next >= 0x30, next <= 0x39, index - start < limit {
            value = value * 10 + Int(next - 0x30)
            index += 1
        }
        return index > start ? value : nil
    }

    /// Passes over the bytes for which `holds` is true and says how many there were.
    mutating func run(while holds: (UInt8) -> Bool) -> Int {
        let start = index
        while let next, holds(next) { index += 1 }
        return index - start
    }
}
