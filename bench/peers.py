"""Measures other queues on the Postgres that DATABASE_URL names. bench/README.md says how to read it."""

import argparse
import json
import os
import statistics
import sys

import psycopg

import peers_database
import peers_measure

PEERS = ["pgqueuer", "procrastinate"]
METRICS = {
    "noop_jobs_per_s_1": "no-op jobs a second, preloaded, one worker process",
    "noop_jobs_per_s_2": "the same, two worker processes",
    "bulk_insert_per_s": "jobs a second by the peer's own batch call, one process",
    "pickup_p50_ms": "milliseconds from the commit of a single job to its handler's first line, idle system",
    "pickup_p99_ms": "the same, 99th percentile",
}


def parse(words):
    parser = argparse.ArgumentParser(
        prog="bench/peers",
        description="Measures PgQueuer and Procrastinate, each at its best settings, on the Postgres that DATABASE_URL\n"
        "names. Each works in a schema of its own, bench_pgqueuer or bench_procrastinate: whatever is in it goes at the\n"
        "start, and it goes at the end. Prints a line a figure, '<peer> <metric> <value>'; progress goes to stderr.",
        epilog="metrics, each the median of the runs:\n"
        + "".join(f"  {name:20}{text}\n" for name, text in METRICS.items())
        + "\nexit status: 0 every job of every run ran once; 1 a run is invalid ('<peer> invalid <reason>');\n"
        "2 wrong flags, or no database. Compare figures of one run of this command only.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--peers", default=",".join(PEERS), metavar="NAMES", help="default: %(default)s")
    parser.add_argument("--runs", type=positive, default=3, metavar="N", help="default: 3; 5 to compare in earnest")
    parser.add_argument(
        "--jobs", type=positive, metavar="N", help="no-op jobs a run; default: 200000 for pgqueuer, 10000 for procrastinate"
    )
    parser.add_argument("--samples", type=positive, default=300, metavar="N", help="pickups a run; default: 300")
    parser.add_argument("--json", action="store_true", help="one object: the settings, and the figures of each peer")
    options = parser.parse_args(words)
    options.peers = options.peers.split(",")
    for name in options.peers:
        if name not in PEERS:
            parser.error(f"there is no peer '{name}'; there are {' and '.join(PEERS)}")
    return options


def positive(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def measure(name, url, options, say):
    """One run of one peer: figures by metric."""
    it = peers_measure.peer(name)
    jobs = options.jobs or it.JOBS
    found = {metric: [] for metric in METRICS}
    for processes in (1, 2):
        say(f"{jobs} no-op jobs, {processes} worker process{'es' if processes > 1 else ''}")
        done, inserted = peers_measure.throughput(it, url, jobs, processes)
        found[f"noop_jobs_per_s_{processes}"].append(done)
        found["bulk_insert_per_s"].append(inserted)
    say(f"{options.samples} pickups")
    p50, p99 = peers_measure.pickup(it, url, options.samples)
    found["pickup_p50_ms"].append(p50)
    found["pickup_p99_ms"].append(p99)
    say(", ".join(f"{metric} {shown(metric, statistics.median(values))}" for metric, values in found.items()))
    return found


def measure_all(url, options):
    """Medians by peer and metric. The peers take turns, so that what else the machine does meets all of them."""
    runs = {name: {metric: [] for metric in METRICS} for name in options.peers}
    invalid = {}
    for run in range(1, options.runs + 1):
        for name in options.peers:
            if name in invalid:
                continue

            def say(text):
                print(f"peers: run {run} of {options.runs}, {name}: {text}", file=sys.stderr, flush=True)

            try:
                for metric, values in measure(name, url, options, say).items():
                    runs[name][metric] += values
            except peers_measure.Invalid as reason:
                invalid[name] = str(reason)
                say(f"invalid: {reason}")
    return {
        name: {"invalid": invalid[name]} if name in invalid else
        {metric: shown(metric, statistics.median(values)) for metric, values in runs[name].items()}
        for name in options.peers
    }


def shown(metric, value):
    return round(value, 2) if metric.endswith("_ms") else round(value)


def main():
    options = parse(sys.argv[1:])
    url = os.environ.get("DATABASE_URL", "")
    try:
        settings = peers_database.check(url)
        print(f"peers: {', '.join(f'{name} {value}' for name, value in settings.items())}", file=sys.stderr)
        figures = measure_all(url, options)
    except peers_database.Unusable as reason:
        print(f"peers: {reason}", file=sys.stderr)
        return 2
    except psycopg.Error as error:
        print(f"peers: the database failed in the middle of a run: {str(error).strip()}", file=sys.stderr)
        return 1
    if options.json:
        load = {"runs": options.runs, "samples": options.samples, "load_average_after": os.getloadavg()[0]}
        print(json.dumps({"settings": settings | load, "peers": figures}, indent=2))
    else:
        for name, values in figures.items():
            for metric, value in values.items():
                print(name, metric, value)
    return 1 if any("invalid" in values for values in figures.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
