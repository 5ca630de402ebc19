import LocalPostgres
import Testing

@Suite struct PostgresBinariesTests {
    private let folder: TemporaryFolder
    private let debian: String

    init() throws {
        folder = try TemporaryFolder()
        debian = folder.path + "/debian"
        for version in ["9", "15", "17"] { try makeBinaries(folder, "debian/\(version)/bin") }
        try folder.makeFolder("debian/18/bin")
        try makeBinaries(folder, "own")
    }

    @Test func `the newest version that is whole is taken`() throws {
        let found = try PostgresBinaries.find(environment: [:], debianFolder: debian)
        #expect(found.folder == debian + "/17/bin")
    }

    @Test func `the version that a cluster needs is taken before a newer one`() throws {
        let found = try PostgresBinaries.find(environment: [:], version: 15, debianFolder: debian)
        #expect(found.folder == debian + "/15/bin")
    }

    @Test func `the variable goes before everything`() throws {
        let environment = ["BILLWRIGHT_PG_BIN": folder.path + "/own"]
        #expect(
            try PostgresBinaries.find(environment: environment, debianFolder: debian).folder == folder.path + "/own")
    }

    @Test func `a variable that names a wrong folder is an error, not a reason to look elsewhere`() {
        #expect(throws: LocalPostgresError.badBinariesFolder("/nowhere")) {
            try PostgresBinaries.find(environment: ["BILLWRIGHT_PG_BIN": "/nowhere"], debianFolder: debian)
        }
    }

    @Test func `PATH is the last resort`() throws {
        let environment = ["PATH": "/nowhere:\(folder.path)/own"]
        #expect(
            try PostgresBinaries.find(environment: environment, debianFolder: "/none").folder == folder.path + "/own")
    }

    @Test func `none at all names the package to install`() throws {
        let error = try #require(throws: LocalPostgresError.self) {
            try PostgresBinaries.find(environment: ["PATH": "/nowhere"], debianFolder: "/none")
        }
        #expect(error == .noBinaries(looked: ["/none/*/bin", "/nowhere"]))
        #expect(error.description.contains("install the Debian package `postgresql`"))
    }
}
