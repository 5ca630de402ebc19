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
        guard let file = InputFile(name) else { throw arguments.fault(flag, name, InputFile.wanted) }
        self = file
    }

    /// Throws `UsageError` when there is no such file.
    init(named name: String) throws(UsageError) {
        guard let file = InputFile(name) else { throw UsageError("'\(name)' is not \(InputFile.wanted)") }
        self = file
    }

    private init?(_ name: String) {
        self.name = name
        if let shipped = Catalogues.file(name), !FileManager.default.fileExists(atPath: name) {
            bytes = shipped
        } else if let data = FileManager.default.contents(atPath: name) {
            bytes = Array(data)
        } else {
            return nil
        }
    }

    private static var wanted: String {
        "a readable file or a shipped one (\(Catalogues.names.joined(separator: ", ")))"
    }
}
