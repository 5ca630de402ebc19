import FoundationEssentials
import Glibc
import Processes
import Testing

@testable import LocalPostgres

@Suite struct HomeTests {
    private let root = SystemUser(name: "root", id: 0, groupID: 0, homeFolder: "/root")
    private let person = SystemUser(name: "person", id: 4242, groupID: 4242, homeFolder: "/home/person")

    @Test func `the variable goes before the user's own place`() throws {
        let environment = ["BILLWRIGHT_HOME": "/srv/bills/", "HOME": "/elsewhere"]
        #expect(try Home.resolve(environment: environment, user: person).path == "/srv/bills")
    }

    @Test func `root's place is the system's, a user's is under the user's home`() throws {
        #expect(try Home.resolve(environment: ["HOME": "/root"], user: root).path == "/var/lib/billwright")
        let expected = "/elsewhere/.local/state/billwright"
        #expect(try Home.resolve(environment: ["HOME": "/elsewhere"], user: person).path == expected)
        #expect(try Home.resolve(environment: [:], user: person).path == "/home/person/.local/state/billwright")
    }

    @Test func `the server never runs as root, and as ourselves otherwise`() throws {
        #expect(try !Home("/srv/bills", user: root).serverUser.isRoot)
        #expect(try Home("/srv/bills", user: person).serverUser == person)
    }

    @Test(arguments: ["bills", "", "./bills", "/srv/a,b", "/" + String(repeating: "x", count: 80)])
    func `a path that cannot serve is refused before anything is made`(path: String) {
        #expect(throws: LocalPostgresError.self) { try Home(path, user: person) }
    }

    @Test func `making a home twice changes nothing, and each folder has one owner`() async throws {
        let folder = try TemporaryFolder()
        let home = try Home(folder.path + "/deep/home")
        try await home.create()
        try await home.create()
        let made = [home.path, home.cluster, home.sockets, home.logs, home.sandbox].map { Files.status($0) }
        #expect(made.map { $0?.mode } == [0o711, 0o700, 0o700, 0o700, 0o700])
        let (us, server) = (home.user.id, home.serverUser.id)
        #expect(made.map { $0?.owner } == [us, server, server, us, us])
    }

    @Test(.enabled(if: SystemUser.current.isRoot, "only root can give a folder away"))
    func `a data directory of somebody else is refused`() async throws {
        let folder = try TemporaryFolder()
        let home = try Home(folder.path + "/home")
        try await home.create()
        #expect(unsafe chown(home.cluster, 4242, 4242) == 0)
        await #expect(throws: LocalPostgresError.notOurs(home.cluster, owner: "4242", expected: home.serverUser.name)) {
            try await home.create()
        }
    }

    @Test(.enabled(if: SystemUser.current.isRoot, "without root the server is ourselves"))
    func `a home that the server's user cannot get to is refused, naming the folder in the way`() async throws {
        let folder = try TemporaryFolder()
        try folder.makeFolder("closed")
        #expect(unsafe chmod(folder.path + "/closed", 0o700) == 0)
        let home = try Home(folder.path + "/closed/home")
        let error = try await #require(throws: LocalPostgresError.self) { try await home.create() }
        #expect(error.description.contains("\(home.serverUser.name) may not enter \(folder.path)/closed"))
    }

    @Test func `a link in the place of a folder is refused`() async throws {
        let folder = try TemporaryFolder()
        let home = try Home(folder.path + "/home")
        try folder.makeFolder("home")
        try FileManager.default.createSymbolicLink(atPath: home.cluster, withDestinationPath: "/tmp")
        await #expect(throws: LocalPostgresError.badHome(home.cluster, reason: "it is not a folder")) {
            try await home.create()
        }
    }

    @Test func `a second user of a home is told who has it`() async throws {
        let folder = try TemporaryFolder()
        let home = try Home(folder.path + "/home")
        try await home.create()
        do {
            let lock = try home.lock()
            #expect(throws: LocalPostgresError.inUse(home.path, processID: getpid())) { _ = try home.lock() }
            _ = consume lock
        }
        _ = try home.lock()
    }
}
