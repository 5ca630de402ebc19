internal import Commands
internal import JSONText
internal import QueueStore

// Which jobs a command means, the same for listing and for acting.
extension Setting {
    static let jobFilters = [
        Setting(
            "--state", "STATE",
            help: "scheduled, blocked, available, running, retryable, held, completed, cancelled or discarded"),
        Setting("--kind", "KIND", help: "only this kind"), Setting("--queue", "QUEUE", help: "only this queue"),
        Setting("--tenant", "ID", help: "only jobs of this seller"),
        Setting("--run", "ID", help: "only jobs of this run"),
        Setting("--key", "KEY", help: "only jobs with this unique key"),
        Setting("--serial-key", "KEY", help: "only jobs with this serial key"),
        Setting("--error", "TEXT", help: "only jobs one of whose failures contains this"),
        Setting("--arguments", "JSON", help: "only jobs whose arguments contain this, such as '{\"customer\": 7}'"),
    ]
}

extension Arguments {
    private enum State: String, CaseIterable {
        case scheduled, blocked, available, running, retryable, held, completed, cancelled, discarded
    }

    /// What the flags of `Setting.jobFilters` say together.
    func jobFilter() throws -> QueueInspection.Filter {
        var filter = QueueInspection.Filter()
        if text("--state") != nil { filter.states = [try choice("--state", State.self).rawValue] }
        filter.kind = text("--kind")
        filter.queue = text("--queue")
        if text("--tenant") != nil { filter.tenant = Int64(try integer("--tenant", in: 1...Int.max)) }
        if text("--run") != nil { filter.run = Int64(try integer("--run", in: 1...Int.max)) }
        filter.uniqueKey = text("--key")
        filter.serialKey = text("--serial-key")
        filter.error = text("--error")
        if let json = text("--arguments") {
            do { _ = try JSONNode(parsing: Array(json.utf8)) } catch {
                throw fault("--arguments", json, "JSON (\(error))")
            }
            filter.arguments = json
        }
        return filter
    }

    /// Whether any of those flags was given.
    var hasJobFilter: Bool { Setting.jobFilters.contains { text($0.flag) != nil } }
}
