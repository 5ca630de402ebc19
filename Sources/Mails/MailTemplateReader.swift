internal import Accounts
internal import BillingPorts
internal import Templates

/// Makes languages of files, `NAME.LANGUAGE.txt` and `NAME.LANGUAGE.html`, and gathers what is wrong on the way.
struct MailTemplateReader {
    private let files: [String: [UInt8]]
    private var faults: [MailTemplateFaults.Fault] = []

    init(files: [String: [UInt8]]) { self.files = files }

    mutating func languages() throws(MailTemplateFaults) -> [String: MailTemplates.Language] {
        var codes: Set<String> = []
        for name in files.keys { if let code = language(ofFile: name) { codes.insert(code) } }
        var languages: [String: MailTemplates.Language] = [:]
        for code in codes { languages[code] = language(code) }
        refuseDisagreement(languages)
        guard faults.isEmpty else {
            throw MailTemplateFaults(
                faults: faults.sorted { ($0.file, $0.line, $0.reason) < ($1.file, $1.line, $1.reason) })
        }
        return languages
    }

    private static let names = Mail.Template.allCases.map(\.rawValue) + ["layout"]

    /// Keeps a fault for a file that nothing would ever read.
    private mutating func language(ofFile name: String) -> String? {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3, ["txt", "html"].contains(parts[2]), Self.isLanguage(parts[1]) else {
            fault(name, 1, "must be called NAME.LANGUAGE.txt or NAME.LANGUAGE.html, as invoice_issued.en.txt")
            return nil
        }
        guard Self.names.contains(parts[0]) || (parts[0], parts[2]) == ("format", "txt") else {
            fault(name, 1, "there is no mail \"\(parts[0])\"; there are \(Self.names.joined(separator: ", ")), format")
            return nil
        }
        return parts[1]
    }

    private static func isLanguage(_ text: String) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false).map(\.utf8)
        return (1...2).contains(parts.count) && (2...3).contains(parts[0].count)
            && parts[0].allSatisfy { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) }
            && (parts.count == 1
                || parts[1].count == 2 && parts[1].allSatisfy { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) })
    }

    private mutating func language(_ code: String) -> MailTemplates.Language? {
        var found: [MailTemplateFaults.Fault] = []
        let formatName = "format.\(code).txt"
        let format = text(formatName).flatMap { text in
            MailFormat(text) { line, reason in found.append(.init(file: formatName, line: line, reason: reason)) }
        }
        faults += found
        let layout = pair("layout", code, .ofLayout)
        var mails: [Mail.Template: MailTemplates.Texts] = [:]
        for template in Mail.Template.allCases { mails[template] = texts(template, code) }
        guard let format, let layout else { return nil }
        return MailTemplates.Language(format: format, layout: layout, mails: mails)
    }

    private mutating func pair(_ name: String, _ code: String, _ vocabulary: Vocabulary) -> MailTemplates.Pair? {
        let text = text("\(name).\(code).txt").flatMap {
            parse($0, vocabulary, as: .text, file: "\(name).\(code).txt", firstLine: 1)
        }
        let html = html(name, code, vocabulary)
        guard let text, let html else { return nil }
        return MailTemplates.Pair(text: text, html: html)
    }

    private mutating func html(_ name: String, _ code: String, _ vocabulary: Vocabulary) -> Template? {
        let file = "\(name).\(code).html"
        return text(file).flatMap { parse($0, vocabulary, as: .html, file: file, firstLine: 1) }
    }

    /// A text file has its subject and its rule above a line of dashes.
    private mutating func texts(_ template: Mail.Template, _ code: String) -> MailTemplates.Texts? {
        let file = "\(template.rawValue).\(code).txt"
        let vocabulary = Vocabulary.of(template)
        let html = html(template.rawValue, code, vocabulary)
        guard let text = text(file) else { return nil }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard let end = lines.firstIndex(of: "---") else {
            fault(
                file, 1,
                "\"subject: …\", \"when unknown: resend\" or \"never twice\", and a line \"---\" must come first")
            return nil
        }
        var subject: Template?
        var rule: WhenUnknown?
        for (index, line) in lines[..<end].enumerated() {
            switch FrontMatter.pair(line) {
            case ("subject", let value)?:
                subject = parse(value, vocabulary, as: .text, file: file, firstLine: index + 1)
                if value.isEmpty { fault(file, index + 1, "the subject is empty") }
            case ("when unknown", let value)?:
                rule = WhenUnknown(rawValue: value)
                if rule == nil { fault(file, index + 1, "\"when unknown\" must be \"resend\" or \"never twice\"") }
            default: fault(file, index + 1, "must be \"subject: …\" or \"when unknown: …\"")
            }
        }
        let heads = lines[..<end].compactMap { FrontMatter.pair($0)?.key }
        for key in ["subject", "when unknown"] where !heads.contains(key) {
            fault(file, 1, "\"\(key): …\" is missing")
        }
        let body = parse(
            lines[(end + 1)...].joined(separator: "\n"), vocabulary, as: .text, file: file, firstLine: end + 2)
        guard let subject, let rule, let body, let html else { return nil }
        return MailTemplates.Texts(
            subject: subject, body: MailTemplates.Pair(text: body, html: html), whenUnknown: rule)
    }

    /// Whether a copy does harm does not depend on the language.
    private mutating func refuseDisagreement(_ languages: [String: MailTemplates.Language]) {
        for template in Mail.Template.allCases {
            let rules = languages.compactMapValues { $0.mails[template]?.whenUnknown }
            guard let rule = rules[MailTemplates.fallback] else { continue }
            for (code, other) in rules where other != rule {
                fault(
                    "\(template.rawValue).\(code).txt", 1,
                    "\"when unknown\" is \"\(other.rawValue)\" here and \"\(rule.rawValue)\" in \(MailTemplates.fallback)"
                )
            }
        }
    }

    private mutating func parse(
        _ source: String, _ vocabulary: Vocabulary, as form: Template.Form, file: String, firstLine: Int
    ) -> Template? {
        if !source.contains(where: { !$0.isWhitespace }) { fault(file, firstLine, "is empty") }
        do throws(TemplateFaults) {
            return try Template(parsing: source, vocabulary, as: form, firstLine: firstLine)
        } catch {
            for found in error.faults { fault(file, found.line, found.reason) }
            return nil
        }
    }

    private mutating func text(_ name: String) -> String? {
        guard let bytes = files[name] else {
            fault(name, 1, "is missing")
            return nil
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            fault(name, 1, "is not UTF-8")
            return nil
        }
        return text.replacing("\r\n", with: "\n")
    }

    private mutating func fault(_ file: String, _ line: Int, _ reason: String) {
        faults.append(.init(file: file, line: line, reason: reason))
    }
}
