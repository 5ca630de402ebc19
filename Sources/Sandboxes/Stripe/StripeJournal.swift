internal import CLinux
internal import FoundationEssentials
internal import Glibc

/// The sandbox's memory on disk: one JSON line a change, on disk before the change is answered.
///
/// It is the truth of what was charged: a script that reads it knows, whatever the sandbox or its clients say. A line
/// cut short by a crash is the last one and was never answered; it is dropped. Any other broken line is an error.
struct StripeJournal: ~Copyable {
    private let descriptor: CInt
    private let encoder: JSONEncoder

    private init(_ descriptor: CInt) {
        self.descriptor = descriptor
        encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    }

    /// Opens or creates the file, keeps every other sandbox from it, and hands each change to `apply`.
    static func open(path: String, apply: (StripeChange) -> Void) throws(StripeSandboxError) -> StripeJournal {
        let descriptor = unsafe Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_APPEND, 0o600)
        guard descriptor >= 0 else { throw .cannotOpen(path: path, errno: errno) }
        let journal = StripeJournal(descriptor)
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { throw .inUse(path: path) }
        try journal.load(path: path, apply: apply)
        return journal
    }

    deinit { close(descriptor) }

    private func load(path: String, apply: (StripeChange) -> Void) throws(StripeSandboxError) {
        guard let contents = try? Data(contentsOf: URL(filePath: path)) else {
            throw .cannotOpen(path: path, errno: errno)
        }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        var whole = 0
        var number = 0
        for line in contents.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            // The last piece stands behind the last newline: nothing, or a line cut short.
            guard line.endIndex < contents.endIndex else { break }
            number += 1
            guard let change = try? decoder.decode(StripeChange.self, from: Data(line)) else {
                throw .malformed(path: path, line: number)
            }
            apply(change)
            whole = line.endIndex + 1
        }
        guard whole == contents.count || ftruncate(descriptor, whole) == 0 else {
            throw .cannotOpen(path: path, errno: errno)
        }
    }

    /// Returns when the change is on disk.
    func append(_ change: StripeChange) throws(StripeSandboxError) {
        guard var line = try? encoder.encode(change) else { throw .cannotWrite(errno: EINVAL) }
        line.append(UInt8(ascii: "\n"))
        var written = 0
        while written < line.count {
            let rest = Array(line[written...])
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw .cannotWrite(errno: errno) }
            written += count
        }
        guard fdatasync(descriptor) == 0 else { throw .cannotWrite(errno: errno) }
    }
}

/// Why the sandbox cannot start, or can no longer answer.
public enum StripeSandboxError: Error, Equatable, CustomStringConvertible {
    case cannotOpen(path: String, errno: Int32)
    /// Another sandbox has the journal.
    case inUse(path: String)
    /// A line of the journal is not one of ours.
    case malformed(path: String, line: Int)
    case cannotWrite(errno: Int32)

    public var description: String {
        switch self {
        case .cannotOpen(let path, let errno): "cannot open \(path) (errno \(errno))"
        case .inUse(let path): "another sandbox is using \(path)"
        case .malformed(let path, let line): "\(path), line \(line), is no line of a Stripe sandbox's journal"
        case .cannotWrite(let errno): "cannot write the journal (errno \(errno))"
        }
    }
}
