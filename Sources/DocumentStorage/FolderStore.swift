public import BillingPorts
internal import Crypto
public import Dates
internal import Glibc
internal import Threads

/// Documents in a folder of this host, one folder below it for each seller.
///
/// A file appears under its key whole and durable or not at all: it is written beside, synced, then linked. A key that is
/// taken keeps its file.
public actor FolderStore: DocumentStore {
    private let executor: ThreadExecutor
    /// This actor's own thread: the disk may block it.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    private let folder: String

    /// `folder`: an absolute path; made with the first document.
    public init(folder: String) {
        self.folder = folder
        executor = ThreadExecutor(name: "documents")
    }

    deinit { executor.stop() }

    public func keep(_ bytes: [UInt8], under key: DocumentKey) throws(StorageFault) -> StoredBytes {
        let path = "\(folder)/\(key)"
        let parent = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
        try makeFolder(parent)
        // What a crash left behind stays until somebody clears it away; a name is never used twice.
        let draft = "\(path).\(getpid())-\(UInt64.random(in: 0...UInt64.max)).part"
        defer { unsafe _ = unlink(draft) }
        try write(bytes, to: draft)
        let isNew = unsafe Glibc.link(draft, path) == 0
        guard isNew || errno == EEXIST else { throw StorageFault("keep", path, errno: errno) }
        // Also of somebody else's file: who linked it may have died before this.
        try sync(folder: parent)
        return StoredBytes(isNew ? bytes : try read(path))
    }

    public func bytes(under key: DocumentKey) throws -> [UInt8] {
        let path = "\(folder)/\(key)"
        guard unsafe access(path, F_OK) == 0 || errno != ENOENT else { throw DocumentMissing(key) }
        return try read(path)
    }

    public nonisolated func link(
        to key: DocumentKey, as fileName: String, for time: Duration, now: Instant
    ) -> String? { nil }

    // MARK: Files

    /// With the folders above it. Nobody but us may enter.
    private func makeFolder(_ path: String) throws(StorageFault) {
        if unsafe mkdir(path, 0o700) == 0 {
            guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return }
            return try sync(folder: String(path[..<slash]))
        }
        if errno == EEXIST { return }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
            throw StorageFault("make", path, errno: errno)
        }
        try makeFolder(String(path[..<slash]))
        guard unsafe mkdir(path, 0o700) == 0 || errno == EEXIST else { throw StorageFault("make", path, errno: errno) }
    }

    private func write(_ bytes: [UInt8], to path: String) throws(StorageFault) {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw StorageFault("write", path, errno: errno) }
        defer { close(descriptor) }
        var position = 0
        while position < bytes.count {
            let written = unsafe bytes.withUnsafeBytes { bytes in
                unsafe Glibc.write(
                    descriptor, bytes.baseAddress?.advanced(by: position), bytes.count - position)
            }
            guard written >= 0 || errno == EINTR else { throw StorageFault("write", path, errno: errno) }
            position += max(0, written)
        }
        guard fsync(descriptor) == 0 else { throw StorageFault("sync", path, errno: errno) }
    }

    /// A name is durable when its folder is.
    private func sync(folder: String) throws(StorageFault) {
        let descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw StorageFault("sync", folder, errno: errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw StorageFault("sync", folder, errno: errno) }
    }

    private func read(_ path: String) throws(StorageFault) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw StorageFault("read", path, errno: errno) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
            guard count >= 0 || errno == EINTR else { throw StorageFault("read", path, errno: errno) }
            if count == 0 { return bytes }
            bytes += buffer.prefix(max(0, count))
        }
    }
}

/// What a store could not do, with the reason. Trying again may help.
public struct StorageFault: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }

    init(_ verb: StaticString, _ path: String, errno: CInt) {
        let reason = unsafe String(cString: strerror(errno))
        self.init("cannot \(verb) \(path): \(reason)")
    }
}

extension StoredBytes {
    init(_ bytes: [UInt8]) { self.init(sha256: Crypto.sha256(bytes), count: bytes.count) }
}
