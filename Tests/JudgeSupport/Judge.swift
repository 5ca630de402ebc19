internal import Foundation
public import Testing

/// Programs in `Tests/Judges` that use what others wrote to judge what we send and serve. They run where
/// `BILLWRIGHT_JUDGES` names a Python that has `Tests/Judges/requirements.txt`.
public enum Judge {
    private static let python = ProcessInfo.processInfo.environment["BILLWRIGHT_JUDGES"]

    /// Skips a test, visibly, where there is no such Python.
    public static let isHere = ConditionTrait.enabled(if: python != nil, "BILLWRIGHT_JUDGES names no Python")

    private static func process(_ script: String, _ arguments: [String]) throws -> Process {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let process = Process()
        process.executableURL = URL(filePath: try #require(python))
        process.arguments = ["-B", folder.appending(path: "Judges/\(script)").path()] + arguments
        return process
    }

    /// What the judge says of `input`, and its exit status. It blocks a thread until the judge is done.
    public static func verdict(
        of script: String, _ arguments: String..., on input: [UInt8] = []
    ) throws -> (text: String, status: Int32) {
        let process = try process(script, arguments)
        let (stdin, stdout) = (Pipe(), Pipe())
        process.standardInput = stdin
        process.standardOutput = stdout
        process.standardError = stdout
        try process.run()
        try stdin.fileHandleForWriting.write(contentsOf: input)
        try stdin.fileHandleForWriting.close()
        let output = try stdout.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (String(decoding: output, as: UTF8.self), process.terminationStatus)
    }

    /// A server that prints its port once it listens and ends with its standard input, so with this process at the
    /// latest.
    public final class Server {
        /// On 127.0.0.1.
        public let port: Int
        private let process: Process
        private let stdin = Pipe()
        private let stdout = Pipe()

        public init(_ script: String, _ arguments: String...) throws {
            process = try Judge.process(script, arguments)
            process.standardInput = stdin
            process.standardOutput = stdout
            try process.run()
            port = try #require(Int(Self.line(stdout)), "\(script) did not start")
        }

        /// The server's next line; empty when it has ended.
        public func line() -> String { Self.line(stdout) }

        private static func line(_ pipe: Pipe) -> String {
            var bytes = Data()
            while let byte = try? pipe.fileHandleForReading.read(upToCount: 1), byte.first != UInt8(ascii: "\n"),
                !byte.isEmpty
            {
                bytes += byte
            }
            return String(decoding: bytes, as: UTF8.self)
        }

        public func stop() {
            try? stdin.fileHandleForWriting.close()
            process.waitUntilExit()
        }
    }
}
