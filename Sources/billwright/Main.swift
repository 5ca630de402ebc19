internal import Commands
internal import FoundationEssentials
internal import Glibc
internal import Postgres

/// The one program. What it can do is in `Program.billwright`; this turns a command line into an exit status.
///
/// 0: done. 1: it did not work, or what was asked for is not so. 2: the input was wrong and nothing was changed.
@main enum Main {
    static func main() async {
        // A peer that hung up is an error of that write, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        // `main` runs on the main actor, which would cost every call a hop.
        let status = await run(Array(CommandLine.arguments.dropFirst()))
        // Not `exit`: it would clean up libraries under threads that still use them, libcurl's for one, and crash.
        // Nothing is lost, since nothing we write is buffered.
        _exit(status)
    }

    @concurrent private nonisolated static func run(_ words: [String]) async -> Int32 {
        do {
            switch try Program.billwright.request(words) {
            case .print(let text):
                Terminal.print(text, terminator: "")
                return 0
            case .run(let command, let rest):
                let arguments = try Arguments(
                    rest, settings: command.settings, operandNames: command.operands,
                    environment: ProcessInfo.processInfo.environment, file: try configurationFile())
                return try await command.run(arguments)
            }
        } catch let error as UsageError {
            Terminal.complain("\(error)")
            return 2
        } catch {
            Terminal.complain("\(error)")
            return 1
        }
    }

    /// `$BILLWRIGHT_CONFIG`, if it is set.
    static func configurationFile() throws -> ConfigurationFile? {
        guard let path = ProcessInfo.processInfo.environment["BILLWRIGHT_CONFIG"], !path.isEmpty else { return nil }
        guard let contents = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw UsageError("BILLWRIGHT_CONFIG: cannot read '\(path)'")
        }
        let known = Program.billwright.commands.flatMap(\.settings).compactMap(\.variable)
        return try ConfigurationFile(path: path, contents: contents, known: Set(known))
    }
}

/// What a person at the terminal sees.
enum Terminal {
    static func print(_ text: String, terminator: String = "\n") {
        write(text + terminator, to: STDOUT_FILENO)
    }

    /// What is no result and no complaint: progress, and what to do next.
    static func note(_ text: String) { write(text + "\n", to: STDERR_FILENO) }

    static func complain(_ text: String) {
        write("billwright: \(text)\n", to: STDERR_FILENO)
    }

    /// Unbuffered, so that lines of several processes and a pipe's reader see them whole and at once.
    private static func write(_ text: String, to descriptor: CInt) {
        let bytes = Array(text.utf8)
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.write(descriptor, buffer.baseAddress?.advanced(by: sent), bytes.count - sent)
            }
            // Nobody reads any more; what we do is worth finishing all the same.
            guard count > 0 else { return }
            sent += count
        }
    }
}
