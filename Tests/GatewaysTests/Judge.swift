import Foundation
import Testing

/// Programs of others that judge what we send. They run where `BILLWRIGHT_JUDGES` names a Python that has `stripe`,
/// `localstripe` and `aiosmtpd`.
enum Judge {
    static let python = ProcessInfo.processInfo.environment["BILLWRIGHT_JUDGES"]

    static let isHere = ConditionTrait.enabled(if: python != nil, "BILLWRIGHT_JUDGES names no Python")

    private static func process(_ script: String) throws -> Process {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let process = Process()
        process.executableURL = URL(filePath: try #require(python))
        process.arguments = ["-B", folder.appending(path: "Judges/\(script)").path()]
        return process
    }

    /// What the judge says of `input`, whatever its exit status.
    static func verdict(of script: String, on input: [UInt8]) throws -> String {
        let process = try process(script)
        let (stdin, stdout) = (Pipe(), Pipe())
        process.standardInput = stdin
        process.standardOutput = stdout
        process.standardError = stdout
        try process.run()
        try stdin.fileHandleForWriting.write(contentsOf: input)
        try stdin.fileHandleForWriting.close()
        let output = try stdout.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return String(decoding: output, as: UTF8.self)
    }

    /// A server that prints its port once it listens and ends with its standard input, so with this process at the
    /// latest.
    final class Server {
        let port: Int
        private let process: Process
        private let stdin = Pipe()
        private let stdout = Pipe()

        init(_ script: String) throws {
            process = try Judge.process(script)
            process.standardInput = stdin
            process.standardOutput = stdout
            try process.run()
            port = try #require(Int(Self.line(stdout)), "\(script) did not start")
        }

        /// The server's next line; empty when it has ended.
        func line() -> String { Self.line(stdout) }

        private static func line(_ pipe: Pipe) -> String {
            var bytes = Data()
            while let byte = try? pipe.fileHandleForReading.read(upToCount: 1), byte.first != UInt8(ascii: "\n"),
                !byte.isEmpty
            {
                bytes += byte
            }
            return String(decoding: bytes, as: UTF8.self)
        }

        func stop() {
            try? stdin.fileHandleForWriting.close()
            process.waitUntilExit()
        }
    }
}
