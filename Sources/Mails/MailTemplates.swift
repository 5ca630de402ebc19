public import Accounts
public import BillingPorts
internal import MailTexts
internal import Templates

/// Every mail of the program in every language there is, read and checked: a mail that can be written at all finds its
/// words here.
public struct MailTemplates: Sendable {
    let languages: [String: Language]

    /// One language: what it calls things, the frame of its mails, and a text for each.
    struct Language: Sendable {
        let format: MailFormat
        let layout: Pair
        let mails: [Mail.Template: Texts]
    }

    struct Pair: Sendable {
        let text: Template
        let html: Template
    }

    struct Texts: Sendable {
        let subject: Template
        let body: Pair
        let whenUnknown: WhenUnknown
    }

    /// What every mail falls back to.
    static let fallback = "en"

    /// The program's own templates.
    public static let shipped: MailTemplates = {
        do throws(MailTemplateFaults) { return try MailTemplates(files: [:]) } catch {
            // In the binary since its tests have read them.
            preconditionFailure("the program's own mail templates are wrong: \(error)")
        }
    }()

    /// The program's own, with these files in the place of those of the same name. A language that the program does not
    /// have must be there whole. Throws everything that is wrong with any of them.
    public init(files: [String: [UInt8]]) throws(MailTemplateFaults) {
        var reader = MailTemplateReader(files: MailTexts.files.merging(files) { _, own in own })
        languages = try reader.languages()
    }

    /// Of every language there is.
    public var codes: [String] { languages.keys.sorted() }

    /// The first of those asked for that there is. `de-AT` is content with `de`.
    func language(_ wanted: [String]) -> Language? {
        for code in wanted.flatMap({ [$0, String($0.prefix { $0 != "-" })] }) + [Self.fallback] {
            if let language = languages[code] { return language }
        }
        return nil
    }

    /// How the first of those asked for that there is writes things, and its code.
    public func format(_ wanted: [String]) -> (code: String, MailFormat) {
        for code in wanted.flatMap({ [$0, String($0.prefix { $0 != "-" })] }) + [Self.fallback] {
            if let language = languages[code] { return (code, language.format) }
        }
        preconditionFailure("templates without \(Self.fallback) were read without a fault")
    }

    /// What is to be done when nobody knows whether such a mail was sent.
    public func whenUnknown(_ template: Mail.Template) -> WhenUnknown {
        languages[Self.fallback]?.mails[template]?.whenUnknown ?? .neverTwice
    }

    /// The program's own files by their names: what a person copies to edit.
    public static var shippedFiles: [String: [UInt8]] { MailTexts.files }
}

/// Everything that is wrong with mail templates, in the order of their files and lines.
public struct MailTemplateFaults: Error, Hashable, Sendable, CustomStringConvertible {
    public struct Fault: Hashable, Sendable {
        public let file: String
        public let line: Int
        public let reason: String
    }

    public let faults: [Fault]
    public var description: String { faults.map { "\($0.file):\($0.line): \($0.reason)" }.joined(separator: "\n") }
}
