internal import Documents

/// What the table comes to, at the right, and how to pay it, at the left.
extension PageComposer {
    private static let totalsWidth = 248.0
    private static let codeSide = 92.0

    mutating func composeTotals() throws(TypesettingFault) {
        let left = sheet.right - Self.totalsWidth
        let rows = document.totals.map { total in
            let style: TextStyle = total.weight == .plain ? .body : .strong
            return (
                total.weight, label: typesetter.set(total.label, style, width: Self.totalsWidth * 0.58, lines: 3),
                value: typesetter.set(total.value, style, width: Self.totalsWidth * 0.42, lines: 2)
            )
        }
        let height = rows.reduce(0) { $0 + max($1.label.height, $1.value.height) + 10 }
        if !isRoom(for: max(height, document.payment == nil ? 0 : Self.codeSide + 30)) { beginPage() }
        let top = y
        for (weight, label, value) in rows {
            let height = max(label.height, value.height)
            switch weight {
            case .plain: break
            case .sum: rule(at: y, from: left)
            case .due: rule(at: y, from: left, accent, thickness: 1.2)
            }
            put(.begin("P"))
            put(label, x: left, y: y + 5, weight == .plain ? .quiet : .text)
            put(value, right: sheet.right, y: y + 5, weight == .due ? accentText : .text)
            put(.end("P"))
            y += height + 8
        }
        let bottom = y
        y = top
        try composePayment(width: sheet.content - Self.totalsWidth - 24)
        y = max(y, bottom) + 8
    }

    private mutating func composePayment(width: Double) throws(TypesettingFault) {
        guard let payment = document.payment else { return }
        y += 4
        let heading = typesetter.set(payment.heading, .heading, width: width)
        put(heading, x: sheet.left, y: y, as: "H2")
        y += heading.height + 4
        for line in payment.lines {
            let block = typesetter.set(line, .small, width: width, lines: 3)
            put(block, x: sheet.left, y: y, as: "P")
            y += block.height
        }
        guard let link = payment.link else { return }
        y += payment.lines.isEmpty ? 0 : 6
        let side = Self.codeSide
        let code = try QRCode(link)
        put(.begin("Figure"))
        put(.fill(code.boxes(in: Box(x: sheet.left - 4, y: y, width: side, height: side)), .black))
        put(.end("Figure"))
        let left = sheet.left + side + 6
        let label = typesetter.set(payment.linkLabel, .strong, width: width - side - 6)
        put(label, x: left, y: y + 8, as: "P")
        let text = typesetter.set(link, .fine, width: width - side - 6, lines: 5)
        put(.begin("Link", attributes: "uri='\(link.quotedForTag)'"))
        put(text, x: left, y: y + 10 + label.height, accentText)
        put(.end("Link"))
        y += side
    }
}

extension String {
    /// Inside the quotes of a tag's attribute.
    fileprivate var quotedForTag: String {
        replacing("\\", with: "%5C").replacing("'", with: "%27")
    }
}
