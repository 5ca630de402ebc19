package import JSONText

/// Single values of a customers file.
extension Field {
    /// Something before and after one `@`, without spaces or control characters; at most 254 bytes.
    package static func email(_ node: JSONNode) throws(JSONFault) -> String {
        let text = try node.string()
        let parts = text.utf8.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        // Printable ASCII only: what goes into a mail's header must not be able to end it.
        guard text.utf8.count <= 254, parts.count == 2, parts.allSatisfy({ !$0.isEmpty }),
            text.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else { throw node.fault("\"\(text.prefix(80))\" is not an e-mail address") }
        return text
    }

    /// Two capital letters.
    package static func country(_ node: JSONNode) throws(JSONFault) -> String {
        let text = try node.string()
        guard text.utf8.count == 2, text.utf8.allSatisfy({ (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) })
        else { throw node.fault("\"\(text.prefix(40))\" is not a country (two capital letters of ISO 3166)") }
        return text
    }

    /// A gateway's token: never digits alone, which could be a card number.
    static func token(_ node: JSONNode) throws(JSONFault) -> String {
        let text = try Field.code(node)
        guard text.contains(where: \.isLetter) else {
            throw node.fault("must be a gateway's token; card numbers are never taken")
        }
        return text
    }

    /// Text with one `%0Nd`.
    static func pattern(_ node: JSONNode) throws(JSONFault) -> String {
        let text = try Field.text(node)
        guard CustomerGenerator.parts(of: text) != nil else { throw node.fault("needs one number, as \"%04d\"") }
        return text
    }

    /// A code with one `%0Nd`.
    static func codePattern(_ node: JSONNode) throws(JSONFault) -> String {
        let text = try pattern(node)
        guard CustomerGenerator.fill(text, 1_000_000).utf8.allSatisfy(isCodeByte) else {
            throw node.fault("\"\(text)\" makes no codes (letters, digits, \".\", \"_\" or \"-\")")
        }
        return text
    }

    /// An address pattern in a domain that nobody can own (RFC 2606), for made-up customers must not be mailed.
    static func reservedEmailPattern(_ node: JSONNode) throws(JSONFault) -> String {
        let text = try pattern(node)
        _ = try email(node)
        let domain = text.split(separator: "@").last.map(String.init) ?? ""
        let labels = domain.lowercased().split(separator: ".")
        let isReserved =
            ["example", "test", "invalid"].contains(labels.last ?? "")
            || (labels.suffix(2).first == "example" && ["com", "net", "org"].contains(labels.last ?? ""))
        guard isReserved else { throw node.fault("\"\(domain)\" is not a reserved domain, as practice.example is") }
        return text
    }
}

extension FieldReader {
    /// Where a customer is; `nil` if the country is missing or wrong, and then the fault is kept.
    package mutating func address(_ node: JSONNode) -> Customer.Address? {
        guard check(node, keys: ["country", "region", "postal_code"]) else { return nil }
        let country = required(node, "country", Field.country)
        let region = optional(node, "region", Field.text)
        let postalCode = optional(node, "postal_code", Field.text)
        return country.map { Customer.Address(country: $0, region: region, postalCode: postalCode) }
    }
}
