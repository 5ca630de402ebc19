/// The installed server programs, all of one version.
public struct PostgresBinaries: Sendable, Hashable {
    /// The folder that holds `initdb` and `postgres`.
    public let folder: String

    public init(folder: String) {
        self.folder = folder
    }

    /// Finds them: `BILLWRIGHT_PG_BIN`, else the newest version under Debian's folder, else the first in `PATH`.
    ///
    /// - Parameters:
    ///   - version: the major version that a cluster needs, since its files can be read by no other; `nil` for any.
    ///     Only Debian's folder tells versions apart, so the other two places are taken at their word.
    ///   - debianFolder: where Debian keeps one folder for each version; tests name their own.
    public static func find(
        environment: [String: String], version: Int? = nil, debianFolder: String = "/usr/lib/postgresql"
    ) throws(LocalPostgresError) -> PostgresBinaries {
        if let folder = environment["BILLWRIGHT_PG_BIN"], !folder.isEmpty {
            guard let found = PostgresBinaries(ifIn: folder) else { throw .badBinariesFolder(folder) }
            return found
        }
        let versions = Files.names(in: debianFolder).compactMap(Int.init).sorted(by: >)
        for candidate in versions where version == nil || candidate == version {
            if let found = PostgresBinaries(ifIn: "\(debianFolder)/\(candidate)/bin") { return found }
        }
        let path = (environment["PATH"] ?? "").split(separator: ":").map(String.init)
        for folder in path {
            if let found = PostgresBinaries(ifIn: folder) { return found }
        }
        throw .noBinaries(looked: ["\(debianFolder)/*/bin"] + path)
    }

    private init?(ifIn folder: String) {
        guard Files.isExecutable(folder + "/initdb"), Files.isExecutable(folder + "/postgres") else { return nil }
        self.init(folder: folder)
    }
}
