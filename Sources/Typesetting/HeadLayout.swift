internal import Documents

/// The upper part of the first page: who, to whom, which, how much.
extension PageComposer {
    private static let logoRoom = (width: 170.0, height: 48.0)

    mutating func composeHead(_ logo: (width: Double, height: Double)?) {
        let half = sheet.content / 2
        let title = typesetter.set(title, .title, width: half - 10, lines: 2)
        put(title, right: sheet.right, y: y - 8, accentText, as: "H1")
        let top = y
        if let logo {
            let factor = min(Self.logoRoom.width / logo.width, Self.logoRoom.height / logo.height)
            put(.begin("Figure"))
            put(.logo(Box(x: sheet.left, y: y, width: logo.width * factor, height: logo.height * factor)))
            put(.end("Figure"))
            y += logo.height * factor + 8
        }
        let name = typesetter.set(
            document.seller.name, logo == nil ? .headline : .strong, width: half - 10, lines: 3)
        put(name, x: sheet.left, y: logo == nil ? y - 3 : y, logo == nil ? accentText : .text, as: "P")
        y += name.height + 2
        for line in document.seller.lines {
            let block = typesetter.set(line, .small, width: half - 10, lines: 2)
            put(block, x: sheet.left, y: y, .quiet, as: "P")
            y += block.height
        }
        y = max(y, top + title.height) + 24
    }

    /// Without its number, which stands among the facts.
    private var title: String {
        let title = document.metadata.title
        let number = document.reference.number
        return title.hasSuffix(" " + number) ? String(title.dropLast(number.count + 1)) : title
    }

    mutating func composeParties() {
        let top = y
        let half = sheet.content / 2
        let recipient = document.recipient
        let heading = typesetter.set(recipient.heading, .small, width: half - 20, lines: 1)
        put(heading, x: sheet.left, y: y, .quiet, as: "H2")
        y += heading.height + 2
        let name = typesetter.set(recipient.name, .heading, width: half - 20, lines: 4)
        put(name, x: sheet.left, y: y, as: "P")
        y += name.height + 1
        for line in recipient.lines {
            let block = typesetter.set(line, .body, width: half - 20, lines: 2)
            put(block, x: sheet.left, y: y, as: "P")
            y += block.height
        }
        let bottom = y
        y = top
        let left = sheet.left + half + 10
        for fact in document.facts {
            let label = typesetter.set(fact.label, .body, width: half / 2, lines: 2)
            let value = typesetter.set(fact.value, .strong, width: half / 2 + 10, lines: 3)
            put(.begin("P"))
            put(label, x: left, y: y, .quiet)
            put(value, right: sheet.right, y: y)
            put(.end("P"))
            y += max(label.height, value.height) + 3
        }
        y = max(y, bottom) + 18
    }

    mutating func composeHeadline() {
        let headline = document.headline
        let label = typesetter.set(headline.label, .body, width: sheet.content * 0.28, lines: 2)
        let value = typesetter.set(headline.value, .headline, width: sheet.content * 0.4, lines: 2)
        let note = typesetter.set(headline.note, .strong, width: sheet.content * 0.4, lines: 2)
        let height = max(label.height, value.height, note.height) + 20
        put(.fill([Box(x: sheet.left, y: y, width: sheet.content, height: height)], accent.tint(0.07)))
        put(.fill([Box(x: sheet.left, y: y, width: 3, height: height)], accent))
        put(.begin("P"))
        put(label, x: sheet.left + 16, y: y + (height - label.height) / 2, .quiet)
        put(value, x: sheet.left + 28 + label.width, y: y + (height - value.height) / 2, accentText)
        put(note, right: sheet.right - 16, y: y + (height - note.height) / 2)
        put(.end("P"))
        y += height + 22
    }
}
