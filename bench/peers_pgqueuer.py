"""PgQueuer, asked for what its documentation offers for throughput. Why these settings: bench/README.md."""

import contextlib
import json
import time

import asyncpg
import uvloop
from pgqueuer.core.qm import QueueManager
from pgqueuer.domain.types import QueueExecutionMode
from pgqueuer.queries import Queries

from peers_database import arguments

NAME = "pgqueuer"
SCHEMA = "bench_pgqueuer"
JOBS = 200_000
WORKER_BATCH = 1000
PICKUP_BATCH = 10
INSERT_BATCH = 5000

# How many jobs are left, how many completions are recorded, of how many jobs, and when the last one was.
OUTCOME = """
    SELECT (SELECT count(*) FROM pgqueuer), count(*), count(DISTINCT job_id), extract(epoch FROM max(created))::float8
      FROM pgqueuer_log WHERE status = 'successful'"""
ANALYZE = "ANALYZE pgqueuer"

run = uvloop.run


@contextlib.asynccontextmanager
async def queries(url):
    connection = await asyncpg.connect(url)
    try:
        yield Queries.from_asyncpg_connection(connection)
    finally:
        await connection.close()


async def install(url):
    async with queries(url) as database:
        # Durable is the default: every table is logged. The autovacuum settings are the ones PgQueuer recommends.
        await database.install(create_schema=False)
        await database.optimize_autovacuum()


@contextlib.asynccontextmanager
async def bulk_insert(url):
    async with queries(url) as database:

        async def insert(jobs):
            for start in range(0, jobs, INSERT_BATCH):
                payloads = [payload(number) for number in range(start, min(start + INSERT_BATCH, jobs))]
                await database.enqueue(["noop"] * len(payloads), payloads, [0] * len(payloads))

        yield insert


@contextlib.asynccontextmanager
async def single_insert(url):
    async with queries(url) as database:

        async def insert(number):
            await database.enqueue("pickup", payload(number))

        yield insert


async def work_off(url, ready):
    """A worker that runs jobs until none is left; how many its handler saw."""
    handled = 0
    async with queries(url) as database:
        manager = QueueManager(database)

        @manager.entrypoint("noop")
        async def noop(_job):
            nonlocal handled
            handled += 1

        ready()
        await manager.run(batch_size=WORKER_BATCH, mode=QueueExecutionMode.drain)
    return handled


async def pick_up(url, ready, started):
    """A worker that tells `started` which job began when, until it is stopped."""
    async with queries(url) as database:
        manager = QueueManager(database)

        @manager.entrypoint("pickup")
        async def pickup(job):
            now = time.monotonic_ns()
            started(int(json.loads(job.payload)["number"]), now)

        ready()
        await manager.run(batch_size=PICKUP_BATCH)


def payload(number):
    return json.dumps(arguments(number)).encode()
