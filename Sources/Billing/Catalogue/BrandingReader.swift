public import JSONText

extension Branding {
    /// Reads the `branding` of a seller's block. What is wrong with it is added to the reader's faults.
    static func reading(_ node: JSONNode, _ fields: inout FieldReader) -> Branding {
        fields.check(
            node,
            keys: [
                "legal_name", "address", "email", "phone", "website", "tax_ids", "logo", "colour", "locale", "paper",
                "payment", "payment_link", "footer", "explanations", "render",
            ])
        var branding = Branding()
        branding.legalName = fields.optional(node, "legal_name", Field.text)
        branding.address = fields.optional(node, "address", Field.textLines) ?? []
        branding.email = fields.optional(node, "email", Field.email)
        branding.phone = fields.optional(node, "phone", Field.text)
        branding.website = fields.optional(node, "website", Field.text)
        branding.taxIDs = fields.list(node, "tax_ids").compactMap { TaxID.reading($0, &fields) }
        branding.logo = fields.optional(node, "logo", Field.png)
        if let colour = fields.optional(node, "colour", Field.colour) { branding.colour = colour }
        if let locale = fields.optional(node, "locale", Field.choice(DocumentLocale.self)) { branding.locale = locale }
        branding.paper = fields.optional(node, "paper", Field.choice(Paper.self))
        branding.payment = fields.optional(node, "payment", Field.textLines) ?? []
        branding.paymentLink = fields.optional(node, "payment_link", Field.paymentLink)
        branding.footer = fields.optional(node, "footer", Field.longText)
        branding.explanations = fields.optional(node, "explanations", Field.bool)
        if let rendering = fields.optional(node, "render", Field.choice(Rendering.self)) {
            branding.rendering = rendering
        }
        return branding
    }

    /// Reads back what `json` wrote.
    public init(reading node: JSONNode) throws(JSONFault) {
        var fields = FieldReader()
        self = Branding.reading(node, &fields)
        if let fault = fields.faults.faults.first { throw fault }
    }

    /// As a catalogue writes it.
    public var json: JSONValue {
        .present([
            "legal_name": legalName.map { .string($0) }, "address": .lines(address), "email": email.map { .string($0) },
            "phone": phone.map { .string($0) }, "website": website.map { .string($0) },
            "tax_ids": taxIDs.isEmpty
                ? nil : .array(taxIDs.map { ["name": .string($0.name), "value": .string($0.value)] }),
            "logo": logo.map { .string(Base64.encode($0.bytes)) }, "colour": .string(colour.text),
            "locale": .string(locale.rawValue), "paper": paper.map { .string($0.rawValue) }, "payment": .lines(payment),
            "payment_link": paymentLink.map { .string($0) }, "footer": footer.map { .string($0) },
            "explanations": explanations.map { .bool($0) }, "render": .string(rendering.rawValue),
        ])
    }
}

extension JSONValue {
    fileprivate static func lines(_ lines: [String]) -> JSONValue? {
        lines.isEmpty ? nil : .array(lines.map { .string($0) })
    }
}

extension Branding.TaxID {
    fileprivate static func reading(_ node: JSONNode, _ fields: inout FieldReader) -> Self? {
        fields.check(node, keys: ["name", "value"])
        let name = fields.required(node, "name", Field.text)
        let value = fields.required(node, "value", Field.text)
        guard let name, let value else { return nil }
        return Self(name: name, value: value)
    }
}

extension Branding.Colour {
    /// `#1F3A5F`.
    var text: String {
        "#"
            + [red, green, blue].map { byte in
                let digits = String(byte, radix: 16, uppercase: true)
                return digits.utf8.count == 2 ? digits : "0" + digits
            }.joined()
    }
}

extension Field {
    /// At most six lines for people.
    static func textLines(_ node: JSONNode) throws(JSONFault) -> [String] {
        let lines = try node.array()
        guard lines.count <= 6 else { throw node.fault("has \(lines.count) lines; at most 6 are printed") }
        var texts: [String] = []
        for line in lines { texts.append(try text(line)) }
        return texts
    }

    /// At most 2000 bytes; it may have several lines.
    static func longText(_ node: JSONNode) throws(JSONFault) -> String {
        let text = try node.string()
        guard (1...2000).contains(text.utf8.count) else { throw node.fault("must have 1 to 2000 bytes") }
        return text
    }

    static func colour(_ node: JSONNode) throws(JSONFault) -> Branding.Colour {
        let text = try node.string()
        guard text.utf8.count == 7, text.hasPrefix("#"), !text.contains("+"),
            let value = UInt32(text.dropFirst(), radix: 16)
        else { throw node.fault("\"\(text.prefix(40))\" is not a colour such as \"#1F3A5F\"") }
        return Branding.Colour(
            red: UInt8(value >> 16), green: UInt8(value >> 8 & 0xFF), blue: UInt8(value & 0xFF))
    }

    /// Base64 of a PNG file.
    static func png(_ node: JSONNode) throws(JSONFault) -> PNGImage {
        let text = try node.string()
        guard let bytes = Base64.decode(text) else {
            throw node.fault("must be a PNG file in base64 (base64 -w0 FILE)")
        }
        do throws(PNGFault) { return try PNGImage(bytes) } catch { throw node.fault("the image \(error)") }
    }

    /// `https://` and no more than a QR code can be scanned of.
    static func paymentLink(_ node: JSONNode) throws(JSONFault) -> String {
        let text = try node.string()
        let isAddress = text.hasPrefix("https://") && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
        guard isAddress, (12...300).contains(text.utf8.count) else {
            throw node.fault(
                "must be an https address of at most 300 characters, with {number} for the invoice's number")
        }
        return text
    }
}
