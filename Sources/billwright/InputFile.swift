internal import Catalogues
internal import Commands
internal import FoundationEssentials

/// A file that was named on the command line, or shipped under that name, read whole.
struct InputFile: Sendable {
    let name: String
    let bytes: [UInt8]

    /// Throws `UsageError` when there is no such file.
    init(_ arguments: Arguments, _ flag: String) throws(UsageError) {
        let name = try arguments.required(flag)
        self.name = name
        if let shipped = Catalogues.file(name), !FileManager.default.fileExists(atPath: name) {
            bytes = shipped
        } else if let data = FileManager.default.contents(atPath: name) {
            bytes = Array(data)
        } else {
            let shipped = Catalogues.names.joined(separator: ", ")
            throw arguments.fault(flag, name, "a readable file or a shipped one (\(shipped))")
        }
    }
}
