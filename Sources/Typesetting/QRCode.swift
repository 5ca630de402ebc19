internal import CQREncode

/// A QR code of an address: which of its squares are dark.
struct QRCode {
    /// Squares a side.
    let size: Int
    private let dark: [Bool]

    /// Throws when the text is longer than a code can hold.
    init(_ text: String) throws(TypesettingFault) {
        let bytes = Array(text.utf8)
        // M: a seventh of it may be covered, and it is still small.
        guard let code = unsafe QRcode_encodeData(CInt(bytes.count), bytes, 0, QR_ECLEVEL_M) else {
            throw TypesettingFault("the payment link of \(bytes.count) characters is too long for a QR code")
        }
        defer { unsafe QRcode_free(code) }
        size = Int(unsafe code.pointee.width)
        let squares = unsafe UnsafeBufferPointer(start: code.pointee.data, count: size * size)
        dark = unsafe squares.map { $0 & 1 == 1 }
    }

    /// The dark squares, those that touch in a row as one, with the margin that readers need inside `box`.
    func boxes(in box: Box) -> [Box] {
        let margin = 3
        let side = box.width / Double(size + 2 * margin)
        var boxes: [Box] = []
        for row in 0..<size {
            var column = 0
            while column < size {
                let start = column
                while column < size, dark[row * size + column] { column += 1 }
                if column > start {
                    boxes.append(
                        Box(
                            x: box.x + Double(start + margin) * side, y: box.y + Double(row + margin) * side,
                            width: Double(column - start) * side, height: side))
                }
                column += 1
            }
        }
        return boxes
    }
}
