internal import FoundationEssentials
internal import Glibc
internal import Synchronization

/// The mails a sandbox has taken: one `.eml` file each, whole and on disk before it is acknowledged.
struct MailFolder: Sendable {
    private let url: URL

    /// Makes the folder when there is none, and clears away what an earlier sandbox had not finished writing.
    init(path: String) throws {
        url = URL(filePath: path)
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        for name in try FileManager.default.contentsOfDirectory(atPath: path) where name.hasSuffix(Self.unfinished) {
            try FileManager.default.removeItem(at: url.appending(path: name))
        }
    }

    private static let unfinished = ".part"

    /// How many mails there are.
    func count() throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: url.path).count { $0.hasSuffix(".eml") }
    }

    /// The name the mail has from now on. Its envelope stands on top, as a delivering server writes it (RFC 5321, 4.4).
    func store(_ mail: SMTPSession.Mail) throws -> String {
        var header = "Return-Path: <\(mail.sender)>\r\n"
        for recipient in mail.recipients { header += "Delivered-To: \(recipient)\r\n" }
        let name = Self.name()
        let part = url.appending(path: name + Self.unfinished)
        let file = url.appending(path: name)
        try Self.write(Array(header.utf8) + mail.text, to: part.path)
        guard unsafe rename(part.path, file.path) == 0 else { throw MailSandboxError.cannotStore(errno: errno) }
        // The name is on disk only when the folder is.
        try Self.sync(url.path)
        return name
    }

    /// In order of arrival when sorted, to the clock's precision; never the same twice.
    private static func name() -> String {
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        let nanoseconds = String(now.tv_nsec)
        let padded = String(repeating: "0", count: 9 - nanoseconds.count) + nanoseconds
        return "\(now.tv_sec).\(padded)-\(String(UInt64.random(in: .min ... .max), radix: 36)).eml"
    }

    private static func write(_ bytes: [UInt8], to path: String) throws(MailSandboxError) {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .cannotStore(errno: errno) }
        defer { close(descriptor) }
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { bytes in
                unsafe Glibc.write(descriptor, bytes.baseAddress?.advanced(by: written), bytes.count - written)
            }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw .cannotStore(errno: errno) }
            written += count
        }
        guard fsync(descriptor) == 0 else { throw .cannotStore(errno: errno) }
    }

    private static func sync(_ path: String) throws(MailSandboxError) {
        let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .cannotStore(errno: errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .cannotStore(errno: errno) }
    }
}

/// Why the mail sandbox cannot start or store.
public enum MailSandboxError: Error, Equatable, CustomStringConvertible {
    case cannotListen(port: Int, errno: Int32)
    case cannotStore(errno: Int32)

    public var description: String {
        switch self {
        case .cannotListen(let port, let errno): "cannot listen on 127.0.0.1:\(port) (errno \(errno))"
        case .cannotStore(let errno): "cannot store a mail (errno \(errno))"
        }
    }
}
