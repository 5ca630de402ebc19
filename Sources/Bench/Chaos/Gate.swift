internal import HTTPServer
internal import Synchronization

/// Where gated jobs wait inside their handlers until the conductor opens: it knows in whose hands they are.
final class Gate: Sendable {
    struct Arrival: Hashable, Sendable {
        let job: Int64
        let process: Int32
    }

    private let server: HTTPServer
    private let doors: Doors
    let arrivals: AsyncStream<Arrival>

    init() throws {
        let doors = Doors()
        let (arrivals, continuation) = AsyncStream.makeStream(of: Arrival.self)
        server = try HTTPServer { request in
            guard request.segments.count == 2, let job = Int64(request.segments[0]),
                let process = Int32(request.segments[1])
            else { return .text("", status: 404) }
            let arrival = Arrival(job: job, process: process)
            continuation.yield(arrival)
            await doors.pass(arrival)
            return .text("open\n")
        }
        self.doors = doors
        self.arrivals = arrivals
    }

    var base: String { "http://127.0.0.1:\(server.port)" }

    func open(_ arrival: Arrival) { doors.open(arrival) }

    /// Lets everybody go on.
    func close() async {
        doors.openAll()
        await server.stop(grace: .seconds(1))
    }
}

private final class Doors: Sendable {
    private struct State {
        var waiting: [Gate.Arrival: [CheckedContinuation<Void, Never>]] = [:]
        var open: Set<Gate.Arrival> = []
        var allOpen = false
    }

    private let state = Mutex(State())

    func pass(_ arrival: Gate.Arrival) async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if state.allOpen || state.open.contains(arrival) { return true }
                state.waiting[arrival, default: []].append(continuation)
                return false
            }
            if isOpen { continuation.resume() }
        }
    }

    func open(_ arrival: Gate.Arrival) {
        let waiting = state.withLock { state in
            state.open.insert(arrival)
            return state.waiting.removeValue(forKey: arrival) ?? []
        }
        for continuation in waiting { continuation.resume() }
    }

    func openAll() {
        let waiting = state.withLock { state in
            state.allOpen = true
            defer { state.waiting = [:] }
            return state.waiting.values.flatMap { $0 }
        }
        for continuation in waiting { continuation.resume() }
    }
}
