internal import FoundationEssentials
internal import HTTPClient
internal import HTTPTypes
internal import JobKit

/// The counterpart as a worker sees it.
struct CounterpartClient: Sendable {
    private let base: String
    private let client: HTTPClient

    init(base: String, timeout: Duration) {
        self.base = base
        var settings = HTTPClient.Settings()
        settings.totalTimeout = timeout
        client = HTTPClient(settings)
    }

    /// Returns when it has acted. Throws `HTTPError` when nothing is known, `CounterpartFailure` when it did nothing.
    func act(_ key: IdempotencyKey, for job: JobID) async throws {
        let answer = try await client.send(
            HTTPRequest(
                method: "POST", url: "\(base)/effects", headers: ["Idempotency-Key": key.text],
                body: Array("\(job)".utf8)))
        guard answer.status == 200 else { throw CounterpartFailure(status: answer.status) }
    }

    func knows(_ key: IdempotencyKey) async throws -> Bool {
        let answer = try await client.send(HTTPRequest(url: "\(base)/effects/\(key.text)"))
        guard answer.status == 200 || answer.status == 404 else { throw CounterpartFailure(status: answer.status) }
        return answer.status == 200
    }
}

/// The counterpart said that it did nothing.
struct CounterpartFailure: Error, CustomStringConvertible {
    let status: Int
    var description: String { "the counterpart answered \(status)" }
}

/// Where a gated job waits until the conductor lets it go on.
struct GateClient: Sendable {
    private let base: String
    private let client: HTTPClient

    init(base: String) {
        self.base = base
        var settings = HTTPClient.Settings()
        settings.totalTimeout = .seconds(100)
        client = HTTPClient(settings)
    }

    /// Names its process, so that the conductor knows in whose hands the job is.
    func pass(_ job: JobID) async throws {
        let process = ProcessInfo.processInfo.processIdentifier
        let answer = try await client.send(HTTPRequest(url: "\(base)/\(job)/\(process)"))
        guard answer.status == 200 else { throw CounterpartFailure(status: answer.status) }
    }
}
