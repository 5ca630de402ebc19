internal import FoundationEssentials
internal import LocalPostgres
internal import Processes
internal import Synchronization

/// Other queues, measured once by `bench/peers` on our server.
struct Peers {
    let script: String
    let server: BenchServer
    let tell: @Sendable (String) -> Void

    private struct Answer: Decodable { let peers: [String: [String: Double]] }

    func measure(into report: inout SpeedReport) async throws {
        let output = Mutex("")
        var command = Command(
            script, ["--runs", "1", "--json"],
            output: .lines { [tell] stream, line in
                if stream == .error { tell(line) } else { output.withLock { $0 += line + "\n" } }
            })
        command.environment = ProcessInfo.processInfo.environment.merging([
            "DATABASE_URL": server.connectionString(as: PrivateCluster.superuser)
        ]) { $1 }
        command.signalWhenWeDie = .terminate
        let status = await (try await ChildProcess.start(command)).exit()
        let text = output.withLock { $0 }
        // An invalid run has words where a figure should be.
        guard status.isSuccess, let answer = try? JSONDecoder().decode(Answer.self, from: Data(text.utf8)) else {
            throw QueueBench.Invalid(description: "\(script): \(status) \(text)")
        }
        for (name, figures) in answer.peers.sorted(by: { $0.key < $1.key }) {
            for (metric, value) in figures.sorted(by: { $0.key < $1.key }) { report.add(metric, value, of: name) }
        }
    }
}
