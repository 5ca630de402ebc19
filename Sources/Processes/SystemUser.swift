internal import Glibc

/// A user of this machine, as its user database names it.
public struct SystemUser: Sendable, Hashable {
    public let name: String
    public let id: UInt32
    /// Its primary group.
    public let groupID: UInt32
    public let homeFolder: String

    /// The user that our process acts as. A number without a name, as containers have them, is its own name.
    public static var current: SystemUser {
        unsafe find { entry, buffer, count, found in unsafe getpwuid_r(geteuid(), entry, buffer, count, found) }
            ?? SystemUser(name: String(geteuid()), id: geteuid(), groupID: getegid(), homeFolder: "/")
    }

    public var isRoot: Bool { id == 0 }

    public init(name: String, id: UInt32, groupID: UInt32, homeFolder: String) {
        self.name = name
        self.id = id
        self.groupID = groupID
        self.homeFolder = homeFolder
    }

    /// The user of this name; `nil` when there is none.
    public static func named(_ name: String) -> SystemUser? {
        unsafe find { entry, buffer, count, found in unsafe getpwnam_r(name, entry, buffer, count, found) }
    }

    /// The name of the user with this number, or the number itself.
    public static func name(ofID id: UInt32) -> String {
        unsafe find { entry, buffer, count, found in unsafe getpwuid_r(id, entry, buffer, count, found) }?.name
            ?? String(id)
    }

    private static func find(
        _ lookUp: (
            UnsafeMutablePointer<passwd>, UnsafeMutablePointer<CChar>, Int,
            UnsafeMutablePointer<UnsafeMutablePointer<passwd>?>
        ) -> CInt
    ) -> SystemUser? {
        // Entries come from files or a directory service; 16 KiB holds any that glibc's own tools accept.
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 16 * 1024) { buffer in
            guard let base = buffer.baseAddress else { return nil }
            var entry = unsafe passwd()
            var found: UnsafeMutablePointer<passwd>?
            guard unsafe lookUp(&entry, base, buffer.count, &found) == 0, unsafe found != nil else { return nil }
            return unsafe SystemUser(
                name: String(cString: entry.pw_name), id: entry.pw_uid, groupID: entry.pw_gid,
                homeFolder: String(cString: entry.pw_dir))
        }
    }
}
