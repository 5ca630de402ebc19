internal import Dates
internal import Postgres

/// Statements of people. What they may do, and under which locks, is written in the migration `operations`.
enum OperationSQL {
    static func act(_ act: QueueOperations.Act, on job: Int64, now: Instant) -> SQL {
        """
        SELECT \(job), refusal, before, after, made
          FROM queue.act(\(job), \(act.verb.name), \(act.person), \(act.reason), \(act.verb.due), NULL, \(now))
        """
    }
}
