import FoundationEssentials
import Glibc
import Processes
import Testing

/// A new folder that is gone with the value. Others may enter it, as they may enter `/var/lib`.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/billwright-test.XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { throw CannotMake() }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard unsafe chmod(path, 0o755) == 0 else { throw CannotMake() }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ text: String, to name: String, mode: mode_t = 0o644) throws {
        guard FileManager.default.createFile(atPath: "\(path)/\(name)", contents: Data(text.utf8)),
            unsafe chmod("\(path)/\(name)", mode) == 0
        else { throw CannotMake() }
    }

    func makeFolder(_ name: String) throws {
        try FileManager.default.createDirectory(atPath: "\(path)/\(name)", withIntermediateDirectories: true)
    }

    struct CannotMake: Error {}
}

/// A folder that looks like a server's `bin` to whoever only looks.
func makeBinaries(_ folder: TemporaryFolder, _ name: String) throws {
    try folder.makeFolder(name)
    for program in ["initdb", "postgres"] { try folder.write("#!/bin/sh\n", to: "\(name)/\(program)", mode: 0o755) }
}
