"""Procrastinate, asked for what its documentation offers for throughput. Why these settings: bench/README.md."""

import contextlib
import time

import uvloop
from procrastinate import App, PsycopgConnector

from peers_database import arguments

NAME = "procrastinate"
SCHEMA = "bench_procrastinate"
JOBS = 10_000
CONCURRENCY = 4
# One connection for each job that runs, one to claim with, two for heartbeats and whatever else.
POOL = CONCURRENCY + 3
INSERT_BATCH = 1000

# How many jobs are left, how many completions are recorded, of how many jobs, and when the last one was.
OUTCOME = """
    SELECT (SELECT count(*) FROM procrastinate_jobs WHERE status <> 'succeeded'), count(*), count(DISTINCT job_id),
           extract(epoch FROM max(at))::float8
      FROM procrastinate_events WHERE type = 'succeeded'"""
ANALYZE = "ANALYZE procrastinate_jobs"

run = uvloop.run


async def autocommit(connection):
    # Each of its statements is a transaction of its own either way; this saves the two round trips around it.
    await connection.set_autocommit(True)


def application(url):
    return App(connector=PsycopgConnector(conninfo=url, min_size=POOL, max_size=POOL, configure=autocommit))


async def install(url):
    async with application(url).open_async() as app:
        await app.schema_manager.apply_schema_async()


@contextlib.asynccontextmanager
async def bulk_insert(url):
    async with application(url).open_async() as app:
        deferrer = app.configure_task("noop")

        async def insert(jobs):
            for start in range(0, jobs, INSERT_BATCH):
                await deferrer.batch_defer_async(*map(arguments, range(start, min(start + INSERT_BATCH, jobs))))

        yield insert


@contextlib.asynccontextmanager
async def single_insert(url):
    async with application(url).open_async() as app:
        deferrer = app.configure_task("pickup")

        async def insert(number):
            await deferrer.defer_async(**arguments(number))

        yield insert


async def work_off(url, ready):
    """A worker that runs jobs until none is left; how many its handler saw."""
    handled = 0
    app = application(url)

    @app.task(name="noop")
    async def noop(**_arguments):
        nonlocal handled
        handled += 1

    async with app.open_async():
        ready()
        await app.run_worker_async(wait=False, concurrency=CONCURRENCY)
    return handled


async def pick_up(url, ready, started):
    """A worker that tells `started` which job began when, until it is stopped."""
    app = application(url)

    @app.task(name="pickup")
    async def pickup(**arguments):
        now = time.monotonic_ns()
        started(int(arguments["number"]), now)

    async with app.open_async():
        ready()
        await app.run_worker_async(concurrency=CONCURRENCY)
