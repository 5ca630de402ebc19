internal import Chance
internal import FoundationEssentials
internal import Glibc
internal import HTTPServer
internal import HTTPTypes
internal import Synchronization

/// The outside in miniature: it acts once a key, whoever asks how often, and its file is the truth of what happened.
///
/// Each line is `TIMESTAMP KEY JOB`, written before the answer is. A repeated key is answered as before, as Stripe does.
/// Told to, it answers late, hangs up after having acted, or fails before acting; seeded by job and try, so that a run
/// can be repeated.
public final class Counterpart: Sendable {
    public struct Settings: Sendable {
        public var file: String
        public var port = 0
        public var seed: UInt64 = 1
        /// Of a thousand calls, how many are answered late, cut off after acting, and refused before acting.
        public var late = 0
        public var cut = 0
        public var refused = 0
        public var lateness = Duration.seconds(3)

        public init(file: String) { self.file = file }
    }

    /// The file cannot be used.
    public struct BadFile: Error, CustomStringConvertible {
        let path: String
        let reason: Int32
        public var description: String { "cannot write \(path) (errno \(reason))" }
    }

    private let server: HTTPServer

    public init(_ settings: Settings) throws {
        let acts = try Acts(settings.file)
        var listening = HTTPServer.Settings()
        listening.port = settings.port
        server = try HTTPServer(listening) { request in
            switch (request.method, request.segments.first, request.segments.count) {
            case ("POST", "effects", 1): await Counterpart.act(request, acts, settings)
            case ("GET", "effects", 2): acts.knows(request.segments[1]) ? .text("done\n") : .text("", status: 404)
            default: .text("", status: 404)
            }
        }
    }

    public var port: Int { server.port }

    public func stop() async { await server.stop() }

    private static func act(_ request: HTTPServerRequest, _ acts: Acts, _ settings: Settings) async
        -> HTTPServerResponse
    {
        let job = String(decoding: request.body, as: UTF8.self)
        guard let key = request.headers["Idempotency-Key"], !key.contains(where: \.isWhitespace),
            let number = UInt64(job)
        else { return .text("", status: 400) }
        var chance = SeededGenerator(seed: settings.seed, number, acts.tries(of: number))
        let roll = Int.random(in: 0..<1000, using: &chance)
        if roll < settings.refused { return .text("", status: 500) }
        guard acts.act(key, for: number) else { return .text("", status: 500) }
        if roll < settings.refused + settings.cut {
            var answer = HTTPServerResponse.text("")
            answer.delivery = .closeWithoutAnswer
            return answer
        }
        if roll < settings.refused + settings.cut + settings.late { try? await Task.sleep(for: settings.lateness) }
        return .text("done\n")
    }
}

/// What was done, in memory and in the file.
private final class Acts: Sendable {
    private struct State {
        var keys: Set<String> = []
        var tries: [UInt64: UInt64] = [:]
    }

    private let descriptor: CInt
    private let state: Mutex<State>

    init(_ path: String) throws(Counterpart.BadFile) {
        descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw Counterpart.BadFile(path: path, reason: errno) }
        let lines = String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
        let keys = lines.split(separator: "\n").compactMap {
            $0.split(separator: " ").dropFirst().first.map(String.init)
        }
        state = Mutex(State(keys: Set(keys)))
    }

    deinit { close(descriptor) }

    /// How often this job has called before; counted.
    func tries(of job: UInt64) -> UInt64 {
        state.withLock { state in
            defer { state.tries[job, default: 0] += 1 }
            return state.tries[job, default: 0]
        }
    }

    func knows(_ key: String) -> Bool { state.withLock { $0.keys.contains(key) } }

    /// One line a key, whole or not at all. False: the disk would not take it, and nothing happened.
    func act(_ key: String, for job: UInt64) -> Bool {
        state.withLock { state in
            guard !state.keys.contains(key) else { return true }
            let line = Array("\(Date().timeIntervalSince1970) \(key) \(job)\n".utf8)
            guard unsafe write(descriptor, line, line.count) == line.count else { return false }
            state.keys.insert(key)
            return true
        }
    }
}
