internal import BillingPorts
internal import Commands
internal import FoundationEssentials
internal import Mails
internal import PayLinks

/// A folder with mail templates that a person edits.
struct TemplateFolder {
    private let path: String

    init(_ path: String) { self.path = path }

    /// Its files by their names; what is no template is left out only if it is hidden.
    func files() throws(UsageError) -> [String: [UInt8]] {
        let names: [String]
        do { names = try FileManager.default.contentsOfDirectory(atPath: path) } catch {
            throw UsageError("--mail-templates: \(path) is not a readable folder")
        }
        var files: [String: [UInt8]] = [:]
        for name in names where !name.hasPrefix(".") {
            guard let data = FileManager.default.contents(atPath: "\(path)/\(name)") else {
                throw UsageError("--mail-templates: \(path)/\(name) is not a readable file")
            }
            files[name] = Array(data)
        }
        return files
    }

    /// Writes the program's own and returns how many there are. Throws before it would write over anything.
    func writeShipped() throws -> Int {
        let files = MailTemplates.shippedFiles
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        if let taken = files.keys.sorted().first(where: { FileManager.default.fileExists(atPath: "\(path)/\($0)") }) {
            throw UsageError("\(path)/\(taken) is there already; nothing was written")
        }
        for (name, bytes) in files { try Data(bytes).write(to: URL(filePath: "\(path)/\(name)")) }
        return files.count
    }
}

extension Arguments {
    /// The program's templates with those of the folder that the settings name. Throws `UsageError` with every fault.
    func mailTemplates() throws(UsageError) -> MailTemplates {
        guard let folder = text("--mail-templates") else { return .shipped }
        let files = try TemplateFolder(folder).files()
        do throws(MailTemplateFaults) { return try MailTemplates(files: files) } catch { throw UsageError("\(error)") }
    }

    func mailWriter() throws(UsageError) -> TemplateMailWriter {
        let links = try payLinks()
        return TemplateMailWriter(try mailTemplates(), zones: HostTimeZones()) { customer, invoice, instant in
            links?.link(customer, invoice: invoice, at: instant)
        }
    }

    /// Nil: neither of their settings is there.
    func payLinks() throws(UsageError) -> PayLinks? {
        let (url, secrets) = (text("--web-url"), text("--link-keys"))
        if url == nil, secrets == nil { return nil }
        guard let url, let secrets else { throw UsageError("--web-url and --link-keys need each other") }
        guard url.hasPrefix("https://") || url.hasPrefix("http://127.0.0.1:") || url.hasPrefix("http://localhost:")
        else {
            throw fault("--web-url", url, "https://HOST, or http:// on loopback")
        }
        guard let keys = LinkKeys(secrets) else {
            throw fault("--link-keys", "…", "secrets of 32 characters or more, apart by commas")
        }
        return PayLinks(keys: keys, base: url)
    }
}
