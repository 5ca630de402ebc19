internal import FoundationEssentials
internal import Glibc

/// The processes of a server that nobody stopped, known by their working directory: the server and all its children
/// work in its data directory, and nobody else does. A number in a lock file could be anybody's by now.
///
/// Only the holder of the home's lock may ask: then no server here can have an owner.
struct Orphans {
    private let folder: String

    init(of dataDirectory: String) {
        folder = Files.resolved(dataDirectory)
    }

    /// Those that run now. Other users' processes cannot be seen without root, and cannot be ours then.
    var processIDs: [CInt] {
        Files.names(in: "/proc").compactMap(CInt.init).filter { id in
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(id)/cwd")) == folder
        }
    }

    /// The one that the others are children of, by the server's lock file; `nil` when it is gone already.
    private func server(among ids: [CInt]) -> CInt? {
        let first = Files.text(folder + "/postmaster.pid")?.split(separator: "\n").first
        return first.flatMap { CInt($0) }.flatMap { ids.contains($0) ? $0 : nil }
    }

    /// Stops them as gently as they let us: a fast stop, then an immediate one, then none of their choosing.
    /// Returns when none is left.
    func stop(within limit: Duration, telling tell: (CInt) -> Void) async throws {
        let ids = processIDs
        guard !ids.isEmpty else { return }
        let server = server(among: ids)
        tell(server ?? ids[0])
        // Children without their server notice by themselves and end.
        if let server { _ = kill(server, SIGINT) }
        if try await areGone(within: server == nil ? .seconds(5) : limit) { return }
        for id in processIDs { _ = kill(id, SIGQUIT) }
        if try await areGone(within: .seconds(5)) { return }
        for id in processIDs { _ = kill(id, SIGKILL) }
        guard try await areGone(within: .seconds(5)) else {
            throw LocalPostgresError.badHome(
                folder, reason: "processes \(processIDs) of an earlier run cannot be ended")
        }
    }

    private func areGone(within limit: Duration) async throws -> Bool {
        let clock = ContinuousClock()
        let deadline = clock.now + limit
        // They are not our children, so there is nothing to await; a look every 20 ms is cheap.
        while !processIDs.isEmpty {
            guard clock.now < deadline else { return false }
            try await Task.sleep(for: .milliseconds(20))
        }
        return true
    }
}
