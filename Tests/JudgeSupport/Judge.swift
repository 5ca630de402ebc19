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

    /// What the judge says of `input`, and its exit status.
    public static func verdict(
        of script: String, _ arguments: String..., on input: [UInt8] = []
    ) async throws -> (text: String, status: Int32) {
        try await onThread {
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
    }

    /// Runs `work`, which waits for a process, on a thread of its own: the cooperative pool has few, and the server that
    /// the judge is talking to needs them.
    private static func onThread<Result: Sendable>(
        _ work: @escaping @Sendable () throws -> Result
    ) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: .init(catching: work)) }
        }
    }

    /// A server that ends with its standard input, so with this process at the latest.
    public final class Server: Sendable {
        /// On 127.0.0.1.
        public let port: Int
        private let process: Process
        private let stdin: Pipe
        private let stdout: Pipe

        private init(_ process: Process, _ stdin: Pipe, _ stdout: Pipe, port: Int) {
            self.process = process
            self.stdin = stdin
            self.stdout = stdout
            self.port = port
        }

        /// Starts the script, which prints its port once it listens.
        public static func start(_ script: String, _ arguments: String...) async throws -> Server {
            try await onThread {
                let process = try Judge.process(script, arguments)
                let (stdin, stdout) = (Pipe(), Pipe())
                process.standardInput = stdin
                process.standardOutput = stdout
                try process.run()
                let port = try #require(Int(readLine(stdout)), "\(script) did not start")
                return Server(process, stdin, stdout, port: port)
            }
        }

        /// The server's next line; empty when it has ended.
        public func line() async throws -> String { try await onThread { Self.readLine(self.stdout) } }

        private static func readLine(_ pipe: Pipe) -> String {
            var bytes = Data()
            while let byte = try? pipe.fileHandleForReading.read(upToCount: 1), byte.first != UInt8(ascii: "\n"),
                !byte.isEmpty
            {
                bytes += byte
            }
            return String(decoding: bytes, as: UTF8.self)
        }

        /// Tells it to end.
        public func stop() { try? stdin.fileHandleForWriting.close() }
    }
}
