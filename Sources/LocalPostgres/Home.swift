internal import Glibc
public import Processes

/// The folder that holds everything `billwright up` keeps: the database, its socket, logs, what sandboxes remember.
///
/// It is never the clone: the server refuses to run as root, and the user it runs as instead may not be able to enter
/// somebody's home. Only the folder itself can be entered by others; what is in it belongs to one user each.
public struct Home: Sendable, Hashable {
    /// Absolute path.
    public let path: String
    /// The user that we are.
    public let user: SystemUser
    /// The user that the server runs as: ours, unless we are root.
    public let serverUser: SystemUser

    /// The server's data directory.
    public var cluster: String { path + "/postgres" }
    /// The folder of the server's socket. Whoever can enter it is a superuser of the database.
    public var sockets: String { path + "/run" }
    public var logs: String { path + "/log" }
    public var sandbox: String { path + "/sandbox" }

    /// `$BILLWRIGHT_HOME`, else `/var/lib/billwright` for root, else `~/.local/state/billwright`. Makes nothing.
    ///
    /// - Throws: `badHome` when the path is relative or too long for a socket.
    public static func resolve(
        environment: [String: String], user: SystemUser = .current
    ) throws(LocalPostgresError) -> Home {
        try Home(path(environment: environment, user: user), user: user)
    }

    /// The same, without asking whether a server could live there.
    public static func path(environment: [String: String], user: SystemUser = .current) -> String {
        if let given = environment["BILLWRIGHT_HOME"], !given.isEmpty { return given }
        if user.isRoot { return "/var/lib/billwright" }
        return (environment["HOME"] ?? user.homeFolder) + "/.local/state/billwright"
    }

    /// - Throws: `badHome` as `resolve` does, and when root finds no user that the server could run as.
    public init(_ path: String, user: SystemUser = .current) throws(LocalPostgresError) {
        guard path.hasPrefix("/") else { throw .badHome(path, reason: "the path is not absolute") }
        guard !path.contains(where: { $0 == "," || $0.isNewline }) else {
            throw .badHome(path, reason: "the server takes a comma for the end of a socket folder")
        }
        var trimmed = path
        while trimmed.count > 1 && trimmed.hasSuffix("/") { trimmed.removeLast() }
        self.path = trimmed
        self.user = user
        serverUser = try user.isRoot ? Self.unprivilegedUser() : user
        // The kernel keeps 107 bytes of a socket's path; the server adds a suffix for its lock file.
        let socket = sockets.utf8.count + "/.s.PGSQL.65535.lock".utf8.count
        guard socket < 100 else {
            throw .badHome(trimmed, reason: "its path is \(socket - 99) bytes too long for a socket in it")
        }
    }

    /// Makes the folder and the four in it, with the owners and permissions each needs; repeats harmlessly.
    ///
    /// - Throws: `notOurs` when one is there and somebody else's; `badHome` when one cannot be made, or the server's
    ///   user cannot get to it.
    public func create() async throws {
        try Files.makeFolder(path, mode: 0o711)
        try check(path, owner: user)
        for (folder, owner) in [(cluster, serverUser), (sockets, serverUser), (logs, user), (sandbox, user)] {
            let isNew = Files.status(folder) == nil
            try Files.makeFolder(folder, mode: 0o700)
            if isNew && user.isRoot { try Files.setOwner(folder, user: owner.id, group: owner.groupID) }
            try check(folder, owner: owner)
            // Also when it was there: the socket's folder is all that keeps others out of the database.
            try Files.setMode(folder, 0o700)
        }
        if user.isRoot { try await checkServerCanEnter() }
    }

    /// Takes the home for this process, until the value ends.
    ///
    /// - Throws: `inUse` with the id of the process that has it.
    public func lock() throws(LocalPostgresError) -> HomeLock {
        try HomeLock(self)
    }

    private func check(_ folder: String, owner: SystemUser) throws(LocalPostgresError) {
        guard let status = Files.status(folder) else { throw .badHome(folder, reason: "it has vanished") }
        guard status.isFolder else { throw .badHome(folder, reason: "it is not a folder") }
        guard status.owner == owner.id else {
            throw .notOurs(folder, owner: SystemUser.name(ofID: status.owner), expected: owner.name)
        }
    }

    /// Asks as that user, so that access lists and group memberships count as they will for the server.
    private func checkServerCanEnter() async throws {
        var folders = [cluster]
        while let last = folders.last, last != "/" { folders.append(Files.parent(last)) }
        let script = #"for folder do [ -x "$folder" ] || { echo "$folder"; exit 1; }; done"#
        var command = Command("/bin/sh", ["-c", script, "sh"] + folders.reversed())
        command.user = serverUser
        let (status, lines) = try await ChildProcess.run(command)
        guard status.isSuccess else {
            let folder = lines.first ?? path
            throw LocalPostgresError.badHome(path, reason: "\(serverUser.name) may not enter \(folder)")
        }
    }

    /// Debian's user for database servers, else the one that owns nothing.
    private static func unprivilegedUser() throws(LocalPostgresError) -> SystemUser {
        guard let user = SystemUser.named("postgres") ?? SystemUser.named("nobody") else {
            throw .badHome(
                "/var/lib/billwright", reason: "there is no user `postgres` or `nobody` to run the server as")
        }
        return user
    }
}

/// The right to work in a home: one process at a time has it, and loses it when it ends, however it ends.
public struct HomeLock: ~Copyable, Sendable {
    /// The home that is locked.
    public let home: Home
    private let descriptor: CInt

    init(_ home: Home) throws(LocalPostgresError) {
        let path = home.path + "/lock"
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw .badHome(home.path, reason: "\(path) cannot be opened (\(unsafe String(cString: strerror(errno))))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            // The holder writes its id after it has the lock, so for a moment the file may be empty.
            let holder = Files.text(path).flatMap { $0.split(separator: "\n").first }.flatMap { CInt($0) }
            close(descriptor)
            throw .inUse(home.path, processID: holder)
        }
        let text = Array("\(getpid())\n".utf8)
        guard ftruncate(descriptor, 0) == 0, unsafe pwrite(descriptor, text, text.count, 0) == text.count else {
            close(descriptor)
            throw .badHome(home.path, reason: "\(path) cannot be written")
        }
        self.home = home
        self.descriptor = descriptor
    }

    deinit {
        // The file stays: removing it would let two processes lock two files of one name.
        _ = ftruncate(descriptor, 0)
        // A child that is being started right now has a copy of the descriptor, until its program begins; closing ours
        // alone would leave the lock with it for that moment.
        _ = flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}
