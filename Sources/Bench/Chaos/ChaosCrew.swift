internal import FoundationEssentials
internal import Processes

/// The run's worker processes: started, killed, frozen and replaced.
actor ChaosCrew {
    /// What one place in the crew is started with, again and again.
    struct Place: Sendable {
        let name: String
        let words: [String]
    }

    private struct Member {
        let place: Place
        var child: ChildProcess
        var isPaused = false
    }

    private let program: String
    private let logs: String
    private var members: [Member] = []
    /// Since when a process says nothing: killed or frozen. By its id.
    private(set) var silentSince: [Int32: ContinuousClock.Instant] = [:]

    init(program: String, logs: String) {
        self.program = program
        self.logs = logs
    }

    /// Returns the process.
    @discardableResult func start(_ place: Place) async throws -> Int32 {
        let child = try await launch(place)
        members.append(Member(place: place, child: child))
        return child.id
    }

    private func launch(_ place: Place) async throws -> ChildProcess {
        var command = Command(program, place.words, output: .file("\(logs)/\(place.name).log"))
        command.environment = ["PATH": "/usr/bin:/bin", "LD_LIBRARY_PATH": Self.libraries]
        command.signalWhenWeDie = .kill
        let child = try await ChildProcess.start(command)
        silentSince[child.id] = nil
        return child
    }

    private static var libraries: String { ProcessInfo.processInfo.environment["LD_LIBRARY_PATH"] ?? "" }

    /// The processes that neither stand still nor are gone.
    var awake: [Int32] { members.filter { !$0.isPaused }.map(\.child.id) }

    /// Kills one without warning and starts its successor.
    func kill(_ process: Int32) async throws {
        guard let index = index(of: process) else { return }
        let member = members[index]
        silentSince[process] = .now
        member.child.send(.kill)
        _ = await member.child.exit()
        members.removeAll { $0.child.id == process }
        try await start(member.place)
    }

    func pause(_ process: Int32) {
        guard let index = index(of: process) else { return }
        silentSince[process] = .now
        members[index].isPaused = true
        members[index].child.send(.stop)
    }

    func resume(_ process: Int32) {
        guard let index = index(of: process) else { return }
        members[index].child.send(.resume)
        members[index].isPaused = false
        silentSince[process] = nil
    }

    /// Those that ended without being told to; each is a finding.
    var deserters: [String] {
        members.compactMap { member in member.child.ending.map { "\(member.place.name): \($0)" } }
    }

    /// Lets everybody finish what runs.
    func dismiss(within limit: Duration) async {
        let leaving = members
        members = []
        for member in leaving where member.isPaused { member.child.send(.resume) }
        await withTaskGroup(of: Void.self) { group in
            for member in leaving { group.addTask { await member.child.stop(.terminate, within: limit) } }
        }
    }

    private func index(of process: Int32) -> Int? { members.firstIndex { $0.child.id == process } }
}
