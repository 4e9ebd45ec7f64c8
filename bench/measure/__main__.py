# SPDX-License-Identifier: Apache-2.0
"""The command line: see scripts/bench, which is how it is called."""

import argparse
import importlib
import json
import pathlib
import signal
import sys
import time
import traceback

from measure import goals, machine, plots, report
from measure.run import ROOT, Run

# In the order in which they run; churn is there all the while.
MODULES = ("lifecycle", "unary", "fanout", "growth", "memory", "failover")
CHURN = "churn"
CHURN_S = 600
RESULTS = ROOT / "build" / "bench" / "results.json"
# Of a run that does not measure everything.
PARTIAL = RESULTS.with_name("partial.json")


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description="Measures electd beside bare gRPC C-core and etcd. A full"
        " run takes about eleven minutes and rewrites"
        " docs/performance.md.",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="a coarse run of at most two minutes, which writes no docs",
    )
    parser.add_argument(
        "--only",
        metavar="NAME[,NAME]",
        help=f"of {', '.join((*MODULES, CHURN))}; writes no docs",
    )
    parser.add_argument(
        "--output",
        metavar="FILE",
        type=pathlib.Path,
        help="where the results go (default: build/bench/results.json; of a"
        " run that is not full: partial.json beside it)",
    )
    parser.add_argument(
        "--report",
        action="store_true",
        help="measure nothing: write the docs from the results",
    )
    parser.add_argument(
        "--guard",
        action="store_true",
        help="fail if a call costs far more than the floor's",
    )
    parser.add_argument(
        "--build",
        metavar="DIR",
        default=ROOT / "build" / "release",
        help="the build to measure (default: build/release)",
    )
    arguments = parser.parse_args()
    names = (*MODULES, CHURN)
    arguments.names = (
        arguments.only.split(",") if arguments.only else list(names)
    )
    if unknown := set(arguments.names) - set(names):
        parser.error(f"no such measurement: {', '.join(sorted(unknown))}")
    if arguments.output is None:
        is_partial = arguments.quick or arguments.only
        arguments.output = PARTIAL if is_partial else RESULTS
    return arguments


def is_full(results):
    """Nothing on the page would be missing or coarse."""
    return not results["quick"] and all(
        name in results for name in (*MODULES, CHURN)
    )


class Attempt:
    """Runs parts of the whole, and keeps what came of each."""

    def __init__(self, run, results):
        self.run = run
        self.results = results
        self.failed = False

    def do(self, name, function):
        """Calls the function, whose failure is not the others'."""
        try:
            return function()
        except Exception:  # pylint: disable=broad-except
            self.failed = True
            self.run.say(f"{name} failed:")
            traceback.print_exc()
            self.results["failed"][name] = traceback.format_exc()
            return None

    def measure(self, name):
        """One module."""
        start = time.monotonic()
        module = self.do(
            name, lambda: importlib.import_module(f"measure.{name}")
        )
        result = module and self.do(name, lambda: module.measure(self.run))
        if result is not None:
            self.results[name] = result
        taken = time.monotonic() - start
        self.results["took_s"][name] = taken
        self.run.say(f"{name}: took {taken:.0f} s")

    def start_churn(self):
        """What comes and goes behind the measurements."""

        def start():
            churn = importlib.import_module("measure.churn").Churn(self.run)
            churn.start()
            return churn

        return self.do(CHURN, start)

    def stop_churn(self, churn, started):
        """Its figures; a full run gives it the time that it needs."""
        rest = CHURN_S - (time.monotonic() - started)
        if not self.run.quick and rest > 0:
            self.run.say(f"churn: {rest:.0f} s more")
            time.sleep(rest)
        result = self.do(CHURN, churn.stop)
        if result is not None:
            self.results[CHURN] = result


def measure(run, names):
    """Runs the modules of these names: results, and whether any failed."""
    results = {
        "quick": run.quick,
        "machine": machine.describe(run),
        "failed": {},
        "took_s": {},
    }
    attempt = Attempt(run, results)
    churn = None
    started = time.monotonic()
    if CHURN in names:
        churn = attempt.start_churn()
    for name in MODULES:
        if name in names:
            attempt.measure(name)
    if churn is not None:
        attempt.stop_churn(churn, started)
    results["seconds"] = run.seconds()
    return results, attempt.failed


def end(number, _frame):
    """Lets the servers and the scratch directory go on SIGTERM too."""
    sys.exit(128 + number)


def main():
    arguments = parse_arguments()
    signal.signal(signal.SIGTERM, end)
    if arguments.report:
        results = json.loads(arguments.output.read_text(encoding="utf-8"))
        if not is_full(results):
            print("these are not a full run's results", file=sys.stderr)
            return 1
        report.write(results)
        plots.write(results)
        return 0
    with Run(arguments.quick, arguments.build) as run:
        results, failed = measure(run, arguments.names)
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        arguments.output.write_text(
            json.dumps(results, indent=1) + "\n", encoding="utf-8"
        )
        report.show(results)
        if is_full(results) and not failed:
            report.write(results)
            plots.write(results)
        run.say(f"results: {arguments.output}")
    if arguments.guard:
        complaints = goals.check_guards(results)
        for complaint in complaints:
            print(f"guard: {complaint}", file=sys.stderr)
        failed = failed or bool(complaints)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
