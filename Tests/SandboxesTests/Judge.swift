import Foundation
import Testing

/// Runs a program of `Tests/Judges` with the Python that `BILLWRIGHT_JUDGES` names.
enum Judge {
    static let python = ProcessInfo.processInfo.environment["BILLWRIGHT_JUDGES"]
    static var isPresent: Bool { python != nil }
    static let absence: Comment =
        "set BILLWRIGHT_JUDGES to the python of a venv with Tests/Judges/requirements.txt to run the judges"

    static var directory: URL {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(path: "Judges")
    }

    /// The exit status and all that was printed, once the program has ended.
    static func run(_ program: String, _ arguments: [String]) async throws -> (status: Int32, output: String) {
        let process = try Process.prepared(program, arguments)
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        return try await withCheckedThrowingContinuation { continuation in
            process.terminationHandler = { process in
                // Judges print less than a pipe holds.
                let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
                continuation.resume(returning: (process.terminationStatus, output))
            }
            do { try process.run() } catch { continuation.resume(throwing: error) }
        }
    }
}

extension Process {
    static func prepared(_ program: String, _ arguments: [String]) throws -> Process {
        let process = Process()
        process.executableURL = URL(filePath: try #require(Judge.python))
        process.arguments = ["-u", Judge.directory.appending(path: program).path] + arguments
        return process
    }
}

/// A folder of a test's own, gone with it.
final class TemporaryFolder {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "billwright-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    func path(_ name: String) -> String { url.appending(path: name).path }

    deinit { try? FileManager.default.removeItem(at: url) }
}
