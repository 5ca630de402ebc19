"""One measurement of one peer. A figure comes out only when the database shows that every job ran, and ran once."""

import asyncio
import importlib
import math
import multiprocessing
import random
import statistics
import threading
import time

import psycopg

from peers_database import schema

# Seconds. Starting a worker takes one; working a preload off takes a minute at worst; a pickup takes milliseconds.
START_LIMIT = 60
WORK_LIMIT = 900
PICKUP_LIMIT = 30
# Random, so that the samples do not march in step with anybody's timers.
GAPS = (0.05, 0.25)

_spawn = multiprocessing.get_context("spawn")


class Invalid(Exception):
    """Jobs are missing or ran twice, or a worker failed: there is no figure."""


def peer(name):
    return importlib.import_module(f"peers_{name}")


def throughput(it, url, jobs, processes):
    """No-op jobs a second with so many worker processes, and jobs a second of the bulk insert before."""
    with schema(url, it.SCHEMA) as own, psycopg.connect(own, autocommit=True) as connection:
        it.run(it.install(own))
        inserting = it.run(_bulk_insert(it, own, jobs))
        connection.execute(it.ANALYZE)
        gate, counts = _spawn.Barrier(processes + 1), _spawn.SimpleQueue()
        workers = [_start(_work_off, it.NAME, own, gate, counts) for _ in range(processes)]
        _pass(gate)
        begun = connection.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone()[0]
        _join(workers, WORK_LIMIT)
        ended = _verified(it, connection, jobs)
        handled = sum(counts.get() for _ in workers)
        if handled != jobs:
            raise Invalid(f"{jobs} jobs were handled {handled} times")
    return jobs / (ended - begun), jobs / inserting


def pickup(it, url, samples):
    """Milliseconds from the commit of a single job to its handler's first line: p50 and p99."""
    with schema(url, it.SCHEMA) as own, psycopg.connect(own, autocommit=True) as connection:
        it.run(it.install(own))
        gate = _spawn.Barrier(2)
        starts, started = _spawn.Pipe(duplex=False)
        worker = _start(_pick_up, it.NAME, own, gate, started)
        _pass(gate)
        # A first job, not counted, shows that the worker listens.
        waits = it.run(_single_inserts(it, own, samples + 1, starts))[1:]
        # Some record completions a little later, in batches.
        deadline = time.monotonic() + PICKUP_LIMIT
        while connection.execute(it.OUTCOME).fetchone()[1] <= samples and time.monotonic() < deadline:
            time.sleep(0.1)
        _verified(it, connection, samples + 1)
        worker.terminate()
        worker.join(START_LIMIT)
    waits.sort()
    return statistics.median(waits), waits[math.ceil(0.99 * samples) - 1]


async def _bulk_insert(it, url, jobs):
    async with it.bulk_insert(url) as insert:
        begun = time.monotonic()
        await insert(jobs)
        return time.monotonic() - begun


async def _single_inserts(it, url, samples, starts):
    waits = []
    async with it.single_insert(url) as insert:
        for number in range(samples):
            await asyncio.sleep(random.uniform(*GAPS))
            await insert(number)
            # One clock for all processes of a machine. A worker may be faster than the answer to the commit: below 0.
            committed = time.monotonic_ns()
            if not await asyncio.to_thread(starts.poll, PICKUP_LIMIT):
                raise Invalid(f"job {number} had not begun after {PICKUP_LIMIT} s")
            begun_number, begun = starts.recv()
            if begun_number != number:
                raise Invalid(f"job {begun_number} began when {number} was due")
            waits.append((begun - committed) / 1e6)
    return waits


def _work_off(name, url, gate, counts):
    it = peer(name)
    counts.put(it.run(it.work_off(url, lambda: gate.wait(START_LIMIT))))


def _pick_up(name, url, gate, started):
    it = peer(name)
    it.run(it.pick_up(url, lambda: gate.wait(START_LIMIT), lambda number, at: started.send((number, at))))


def _start(target, name, url, gate, answer):
    worker = _spawn.Process(target=_or_abort, args=(target, name, url, gate, answer), daemon=True)
    worker.start()
    return worker


def _or_abort(target, name, url, gate, answer):
    try:
        target(name, url, gate, answer)
    except BaseException:
        # Those who wait at the gate for this worker need not wait for the limit.
        gate.abort()
        raise


def _pass(gate):
    try:
        gate.wait(START_LIMIT)
    except threading.BrokenBarrierError:
        raise Invalid("a worker did not start") from None


def _join(workers, limit):
    deadline = time.monotonic() + limit
    for worker in workers:
        worker.join(max(0, deadline - time.monotonic()))
    stuck = [worker for worker in workers if worker.is_alive()]
    for worker in stuck:
        worker.kill()
        worker.join()
    if stuck:
        raise Invalid(f"{len(stuck)} workers were not done after {limit} s")
    failed = [worker.exitcode for worker in workers if worker.exitcode != 0]
    if failed:
        raise Invalid(f"workers ended with status {failed}")


def _verified(it, connection, jobs):
    """When the last job was done, by the database's clock."""
    left, completions, done, ended = connection.execute(it.OUTCOME).fetchone()
    if (left, completions, done) != (0, jobs, jobs):
        raise Invalid(f"of {jobs} jobs {done} are done by {completions} completions and {left} are left")
    return ended
