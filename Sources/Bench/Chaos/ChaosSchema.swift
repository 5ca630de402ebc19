internal import Postgres

/// All that the run knows of the queue's tables: what it looks at, what it takes away, what it locks.
enum ChaosSchema {
    /// Where the bench's own kind books; deliberately without a key.
    static let books: [SQL] = [
        "CREATE SCHEMA bench",
        "CREATE TABLE bench.bookings (job bigint NOT NULL, attempt integer NOT NULL)",
        "GRANT USAGE ON SCHEMA bench TO billwright_worker",
        "GRANT INSERT ON bench.bookings TO billwright_worker",
    ]

    /// Takes one protection out of this database. What is in the program's hands is done there.
    static func removal(of protection: ChaosSettings.Protection) -> [SQL] {
        switch protection {
        case .fence:
            [
                """
                CREATE OR REPLACE FUNCTION queue.require_lease(held bigint) RETURNS void
                    LANGUAGE plpgsql AS $$ BEGIN END $$
                """
            ]
        case .unique:
            [
                // The constraint stays, since statements name it, and never again finds two alike.
                """
                CREATE FUNCTION bench.unlike_any_other() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    NEW.scope := NEW.scope || '#' || gen_random_uuid();
                    RETURN NEW;
                END
                $$
                """,
                "GRANT EXECUTE ON FUNCTION bench.unlike_any_other() TO billwright_worker",
                """
                CREATE TRIGGER unlike_any_other BEFORE INSERT ON queue.effects
                    FOR EACH ROW EXECUTE FUNCTION bench.unlike_any_other()
                """,
            ]
        case .skipLocked:
            [
                """
                DO $body$
                DECLARE
                    text text;
                BEGIN
                    FOR text IN SELECT pg_get_functiondef(p.oid) FROM pg_proc AS p
                                 WHERE p.pronamespace = 'queue'::regnamespace AND p.prosrc LIKE '%SKIP LOCKED%' LOOP
                        EXECUTE replace(text, 'SKIP LOCKED', '');
                    END LOOP;
                END
                $body$
                """
            ]
        case .intent: []
        }
    }

    static let ended: SQL = "SELECT count(*) FROM queue.history"
    static let live: SQL = "SELECT count(*) FROM queue.all_jobs WHERE ended_at IS NULL"

    static func exists(uniqueKey: String) -> SQL {
        "SELECT EXISTS (SELECT FROM queue.all_jobs WHERE kind LIKE 'bench%' AND unique_key = \(uniqueKey))"
    }

    /// Ids of workers with the processes they run in.
    static let workers: SQL = "SELECT id, process_id FROM queue.workers"
    static let running: SQL =
        "SELECT DISTINCT worker FROM queue.all_jobs WHERE state = 'running' AND worker IS NOT NULL"

    /// The lane of jobs with effects that were not tried before.
    private static let lane: SQL = "lane = queue.lane('bench', 'bench_effect', 1, 50::smallint, NULL, 0, 0, NULL)"
    /// 1 when a claim has met it.
    static let isLaneMet: SQL = "SELECT count(*) FROM queue.lanes WHERE \(lane)"
    /// Waits for a claim under way; one lane alone, since whoever holds one and waits for another can be waited for.
    static let lockLane: SQL = "SELECT FROM queue.lanes WHERE \(lane) FOR UPDATE"

    static func ended(keys: [String]) -> SQL {
        "SELECT count(*) FROM queue.history WHERE unique_key = ANY (\(keys))"
    }

    static let history: SQL = "SELECT id, kind, state, rescues::bigint FROM queue.history"
    static let effects: SQL =
        """
        SELECT idempotency_key, job, state, coalesce(result->>'how', ''), coalesce(result->>'was', '')
          FROM queue.effects
        """
    static let bookings: SQL = "SELECT job FROM bench.bookings"
    static let unfinished: SQL =
        "SELECT id, state, coalesce(held_reason, '') FROM queue.all_jobs WHERE ended_at IS NULL LIMIT 20"
}
