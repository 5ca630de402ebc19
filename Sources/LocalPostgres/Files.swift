internal import FoundationEssentials
internal import Glibc

/// The few file operations that ownership depends on. None of them follows a symbolic link in the last component, so a
/// link planted in a folder cannot make root hand out somebody else's file.
enum Files {
    struct Status {
        let owner: UInt32
        let mode: UInt32
        let isFolder: Bool
    }

    /// `nil` when there is nothing at the path, or nothing that we may see.
    static func status(_ path: String) -> Status? {
        var found = stat()
        guard unsafe lstat(path, &found) == 0 else { return nil }
        return Status(owner: found.st_uid, mode: found.st_mode & 0o7777, isFolder: found.st_mode & S_IFMT == S_IFDIR)
    }

    /// Makes the folder, with the folders above it, unless it is there. Its owner and mode are the caller's affair.
    static func makeFolder(_ path: String, mode: mode_t) throws(LocalPostgresError) {
        if let status = status(path) {
            guard status.isFolder else { throw .badHome(path, reason: "it is not a folder") }
            return
        }
        let above = parent(path)
        if status(above) == nil { try makeFolder(above, mode: 0o755) }
        guard unsafe mkdir(path, mode) == 0 || errno == EEXIST else {
            throw .badHome(path, reason: "it cannot be made (\(unsafe String(cString: strerror(errno))))")
        }
        // Past the umask, which would take from the server's user the right to pass.
        try setMode(path, mode)
    }

    static func setMode(_ path: String, _ mode: mode_t) throws(LocalPostgresError) {
        guard unsafe chmod(path, mode) == 0 else {
            throw .badHome(path, reason: "its permissions cannot be set (\(unsafe String(cString: strerror(errno))))")
        }
    }

    static func setOwner(_ path: String, user: UInt32, group: UInt32) throws(LocalPostgresError) {
        guard unsafe lchown(path, user, group) == 0 else {
            throw .badHome(path, reason: "its owner cannot be set (\(unsafe String(cString: strerror(errno))))")
        }
    }

    static func parent(_ path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
        return String(path[..<slash])
    }

    static func isExecutable(_ path: String) -> Bool {
        unsafe access(path, X_OK) == 0
    }

    /// The path with every link resolved, as the kernel shows working directories.
    static func resolved(_ path: String) -> String {
        guard let real = unsafe realpath(path, nil) else { return path }
        defer { unsafe free(real) }
        return unsafe String(cString: real)
    }

    /// The whole file; `nil` when it cannot be read.
    static func text(_ path: String) -> String? {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The last lines of a text file, however long it is.
    static func lastLines(_ path: String, count: Int) -> [String] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        // 16 KiB hold some hundred log lines.
        var buffer = [UInt8](repeating: 0, count: 16 * 1024)
        let size = lseek(descriptor, 0, SEEK_END)
        let length = unsafe pread(descriptor, &buffer, buffer.count, max(0, size - buffer.count))
        guard length > 0 else { return [] }
        return buffer[..<length].split(separator: UInt8(ascii: "\n")).suffix(count)
            .map { String(decoding: $0, as: UTF8.self) }
    }

    static func names(in folder: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    }

    static func move(_ path: String, to target: String) throws(LocalPostgresError) {
        guard unsafe rename(path, target) == 0 else {
            throw .badHome(target, reason: "it cannot be moved into place (\(unsafe String(cString: strerror(errno))))")
        }
    }

    /// Removes a folder and what is in it; nothing there is fine.
    static func removeTree(_ path: String) throws(LocalPostgresError) {
        guard status(path) != nil else { return }
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            throw .badHome(path, reason: "it cannot be removed (\(error))")
        }
    }
}
