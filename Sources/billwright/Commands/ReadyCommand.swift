internal import Commands
internal import HTTPClient
internal import HTTPServer
internal import HTTPTypes

extension Command {
    static let ready = Command(
        "ready", "Asks a process of ours whether it can work; status 0 when it can. For health checks.",
        settings: [
            Setting(
                "--health", "HOST:PORT", variable: "BILLWRIGHT_HEALTH", default: "127.0.0.1:9464",
                help: "where that process serves health")
        ],
        run: ReadyCommand.run)
}

private enum ReadyCommand {
    @Sendable static func run(_ arguments: Arguments) async throws -> Int32 {
        guard let settings = try arguments.listenSettings("--health") else { return 1 }
        // A process that listens on every address is asked on loopback.
        let host = ["0.0.0.0", "::"].contains(settings.address) ? "127.0.0.1" : settings.address
        var limits = HTTPClient.Settings()
        limits.totalTimeout = .seconds(4)
        let response = try await HTTPClient(limits).send(HTTPRequest(url: "http://\(host):\(settings.port)/readyz"))
        Terminal.print(String(decoding: response.body, as: UTF8.self), terminator: "")
        return response.status == 200 ? 0 : 1
    }
}
