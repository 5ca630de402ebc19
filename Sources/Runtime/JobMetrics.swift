internal import JobKit
internal import Observability

/// What a worker counts of one kind in one queue: handles found once, so that counting a job takes no lock.
struct JobMetrics: Sendable {
    let claimed: Counter
    let completed: Counter
    let failed: Counter
    let staleLeases: Counter
    /// The handler alone.
    let duration: Histogram
    /// From when the job was due to its handler's start.
    let latency: Histogram

    init(_ metrics: Metrics, queue: QueueName, kind: JobKind) {
        JobMetrics.declare(in: metrics)
        let labels: KeyValuePairs = ["queue": queue.name, "kind": kind.name]
        claimed = metrics.counter("billwright_jobs_claimed_total", labels)
        completed = metrics.counter("billwright_jobs_completed_total", labels)
        failed = metrics.counter("billwright_jobs_failed_total", labels)
        staleLeases = metrics.counter("billwright_stale_leases_total", labels)
        duration = metrics.histogram("billwright_job_duration_seconds", labels)
        latency = metrics.histogram("billwright_job_latency_seconds", labels)
    }

    /// A backlog's age is told in hours; a wake-up's in milliseconds.
    private static let latencyBounds: [Duration] =
        [1, 2, 5, 10, 25, 50, 100, 250, 500].map { .milliseconds($0) }
        + [1, 2, 5, 10, 30, 60, 300, 900, 3600, 14_400, 86_400].map { .seconds($0) }

    private static func declare(in metrics: Metrics) {
        metrics.declare("billwright_jobs_claimed_total", .counter, help: "Jobs this process was given.")
        metrics.declare("billwright_jobs_completed_total", .counter, help: "Jobs that committed as completed.")
        metrics.declare(
            "billwright_jobs_failed_total", .counter, help: "Attempts that threw or ran too long, retried or not.")
        metrics.declare(
            "billwright_jobs_rescued_total", .counter,
            help: "Jobs this process took from lost workers and made available.")
        metrics.declare(
            "billwright_stale_leases_total", .counter,
            help: "Attempts whose commit was refused because the job was in other hands.")
        metrics.declare(
            "billwright_jobs_held_total", .counter, help: "Jobs this process held because their workers kept dying.")
        metrics.declare("billwright_breaker_trips_total", .counter, help: "Times this process stopped a kind.")
        metrics.declare("billwright_job_duration_seconds", .histogram, help: "How long a handler ran.")
        metrics.declare(
            "billwright_job_latency_seconds", .histogram, help: "From when a job was due to the start of its handler.",
            bounds: latencyBounds)
    }
}
