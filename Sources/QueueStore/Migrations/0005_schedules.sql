-- What fires at which ticks, as schedulers last said it: they write a row when they start and when it differs. The job is
-- stored whole, so a person can run it while no scheduler does.
--
-- Whoever decides a tick, pauses, resumes or runs a schedule locks its row first: decisions about one schedule come one
-- after the other, and the unique row of the tick backs it.
CREATE TABLE queue.schedules (
    name             text        PRIMARY KEY,
    cron             text        NOT NULL,
    zone             text        NOT NULL,
    daylight_saving  text        NOT NULL CHECK (daylight_saving IN ('once', 'every_pass')),
    catch_up         text        NOT NULL CHECK (catch_up IN ('none', 'latest', 'all')),
    catch_up_seconds bigint,
    overlap          text        NOT NULL CHECK (overlap IN ('allow', 'skip')),
    kind             text        NOT NULL,
    version          integer     NOT NULL,
    queue            text        NOT NULL,
    priority         smallint    NOT NULL,
    tenant           bigint,
    unique_key       text,
    unique_window    bigint,                          -- microseconds; null: while its job lives
    serial_key       text,
    arguments        jsonb       NOT NULL,
    registered_at    timestamptz NOT NULL,
    changed_at       timestamptz NOT NULL,
    -- No tick up to here is owed: the schedule began here, its timetable was changed, or its last pause ended.
    owed_after       timestamptz NOT NULL,
    paused_at        timestamptz,
    paused_by        text,
    pause_reason     text,
    CHECK ((catch_up = 'all') = (catch_up_seconds IS NOT NULL)),
    CHECK ((paused_at IS NULL) = (paused_by IS NULL) AND (paused_at IS NULL) = (pause_reason IS NULL))
);

-- What people did to schedules, and why. Only ever added to.
CREATE TABLE queue.schedule_acts (
    id       bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    schedule text        NOT NULL,
    act      text        NOT NULL CHECK (act IN ('paused', 'resumed', 'run')),
    acted_at timestamptz NOT NULL,
    acted_by text        NOT NULL,
    reason   text,
    job      bigint                                   -- what a run by hand enqueued
);
CREATE INDEX schedule_acts_by_schedule ON queue.schedule_acts (schedule, id);

-- What became of each tick. Ticks that nobody decided, because no scheduler ran or the schedule was paused, have no row.
ALTER TABLE queue.ticks
    ADD COLUMN outcome text NOT NULL DEFAULT 'fired' CHECK (outcome IN ('fired', 'backfilled', 'skipped')),
    ADD COLUMN reason text,
    ADD CHECK ((outcome = 'skipped') = (reason IS NOT NULL)),
    ADD CHECK (outcome <> 'skipped' OR job IS NULL);
ALTER TABLE queue.ticks ALTER COLUMN outcome DROP DEFAULT;
-- The job that a later tick may have to wait for.
CREATE INDEX ticks_with_job ON queue.ticks (schedule, tick) WHERE job IS NOT NULL;

GRANT SELECT, INSERT, UPDATE ON queue.schedules TO billwright_worker;
GRANT SELECT, INSERT ON queue.schedule_acts TO billwright_worker;
