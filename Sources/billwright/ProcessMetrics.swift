internal import Dates
internal import Observability
internal import QueueStore

/// The gauges that the program itself shows: which build runs, and what waits in the queue's tables.
enum ProcessMetrics {
    static func declare(in metrics: Metrics) {
        metrics.declare("billwright_build_info", .gauge, help: "1; the labels say which build this is.")
        metrics.declare("billwright_queue_jobs", .gauge, help: "Live jobs of each queue, kind and state.")
        metrics.declare("billwright_paused", .gauge, help: "1 for each queue or kind that is paused, and by whom.")
        metrics.declare(
            "billwright_oldest_waiting_seconds", .gauge,
            help: "How long the job that has been due longest has waited to be claimed; 0 when none waits.")
    }

    /// Runs have no series: their number grows with every night.
    static func show(_ pauses: [QueuePauses.Pause], in metrics: Metrics) {
        metrics.replace(
            "billwright_paused",
            with: pauses.compactMap { pause in
                switch pause.subject {
                case .run: nil
                case .queue(let name): (["scope": "queue", "name": name, "by": pause.person], 1)
                case .kind(let name): (["scope": "kind", "name": name, "by": pause.person], 1)
                case .everything: (["scope": "queue", "name": "*", "by": pause.person], 1)
                }
            })
    }

    /// Shows these and nothing older: a state without jobs has no series.
    static func show(_ depths: [QueueInspection.Depth], at now: Instant, in metrics: Metrics) {
        metrics.replace(
            "billwright_queue_jobs",
            with: depths.map { (["queue": $0.queue, "kind": $0.kind, "state": $0.state], Double($0.jobs)) })
        let waits = Dictionary(grouping: depths, by: \.queue).mapValues { depths in
            let oldest = depths.filter { $0.state == "available" }.compactMap(\.oldestDue).min()
            return oldest.map { max(now - $0, .zero) } ?? .zero
        }
        metrics.replace(
            "billwright_oldest_waiting_seconds", with: waits.map { (["queue": $0.key], $0.value / .seconds(1)) })
    }
}
