# SPDX-License-Identifier: Apache-2.0
"""The load generators: h2load, and calls and fanout of this directory.

Each is a process of its own, on paths and bytes that wire.py or etcd.py made.
None of them is believed before it has said that every call ended well.
"""

import json
import re
import subprocess

from measure import figures, servers

# Longer than any single measurement.
DEADLINE_S = 180


class Failed(Exception):
    """A load generator failed, or calls did."""


def _run(command):
    result = subprocess.run(
        servers.mortal(command),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    if result.returncode != 0:
        raise Failed(f"{command}: {result.stdout}{result.stderr}")
    return result.stdout


def _latencies_us(log):
    """Of h2load's log, in ascending order; the log goes."""
    with open(log, encoding="ascii") as file:
        latencies = sorted(int(line.rsplit("\t", 1)[1]) for line in file)
    log.unlink()
    return latencies


def h2load(run, server, paths, body, connections, in_flight, calls, rate=None):
    """Unary calls to the paths in turn, all with the one frame that is in the
    file `body`. `rate`, over all connections, holds them back."""
    # It appends to a log that is there.
    log = run.scratch / "h2load.log"
    log.unlink(missing_ok=True)
    command = ["h2load", "-t", "1", "-c", connections, "-m", in_flight]
    command += ["-n", calls, "-d", body, f"--log-file={log}"]
    command += ["-H", "content-type: application/grpc", "-H", "te: trailers"]
    if rate is not None:
        command.append(f"--rps={rate / connections:.3f}")
    command += [f"http://{server.address}{path}" for path in paths]
    cpu_s = server.cpu_s()
    said = _run(command)
    cpu_s = server.cpu_s() - cpu_s
    latencies = _latencies_us(log)
    well = re.search(r"status codes: (\d+) 2xx", said)
    if not well or int(well[1]) != calls or len(latencies) != calls:
        raise Failed(f"{command}: {said}")
    return {
        "rate": float(re.search(r"finished in .*?, ([\d.]+) req/s", said)[1]),
        "p50_us": figures.percentile(latencies, 0.5),
        "p99_us": figures.percentile(latencies, 0.99),
        "p999_us": figures.percentile(latencies, 0.999),
        "cpu_us_per_call": cpu_s / calls * 1e6,
    }


def calls(
    run, server, targets, connections=1, in_flight=1, count=None, rate=None
):
    """Unary calls to the targets, pairs of a path and its MESSAGES file, in
    turn; all must end with the status OK."""
    command = [run.bin("bench/calls"), "--server", server.address]
    command += ["--connections", connections, "--in-flight", in_flight]
    if count is not None:
        command += ["--count", count]
    if rate is not None:
        command += ["--rate", rate]
    for target in targets:
        command += target
    cpu_s = server.cpu_s()
    result = json.loads(_run(command))
    cpu_s = server.cpu_s() - cpu_s
    if result["statuses"] != {"0": result["calls"]} or result["calls"] == 0:
        raise Failed(f"{command}: {result}")
    return {
        "rate": result["rate"],
        "p50_us": result["p50_us"],
        "p99_us": result["p99_us"],
        "p999_us": result["p999_us"],
        "cpu_us_per_call": cpu_s / result["calls"] * 1e6,
    }


class Fanout:
    """Streams that are open, and then changes that they hear of. `watch` and
    `change` are pairs of a path and its MESSAGES file. Every stream has its
    headers (with `greeting`, its first message) once this is made; measure()
    makes the changes, close() ends the streams."""

    def __init__(
        self, run, server, watch, change, watchers, connections, **options
    ):
        self.command = [run.bin("bench/fanout"), "--server", server.address]
        self.command += ["--watchers", watchers, "--connections", connections]
        for name in ("changes", "expect", "stalled"):
            if name in options:
                self.command += [f"--{name}", options.pop(name)]
        if options.pop("greeting", False):
            self.command.append("--greeting")
        if options:
            raise TypeError(f"unknown options: {options}")
        self.command += ["--interactive", "--watch", *watch]
        self.command += ["--change", *change]
        self._errors = open(run.scratch / "fanout.err", "w+", encoding="utf-8")
        self._process = subprocess.Popen(
            servers.mortal(self.command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        try:
            self.open_s = self._event("open")["seconds"]
        except BaseException:
            self.close()
            raise

    def _event(self, name):
        """The line that it prints next, which must tell of that event."""
        line = self._process.stdout.readline()
        try:
            event = json.loads(line)
        except ValueError:
            event = {}
        if event.get("event") != name:
            self._errors.seek(0)
            said = line + self._errors.read()
            raise Failed(f"{self.command}: no event {name!r}: {said}")
        return event

    def _go_on(self):
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def measure(self):
        """Makes the changes, and returns what the tool says of them."""
        self._go_on()
        return self._event("measured")

    def close(self):
        """Ends the streams and the tool."""
        # What it says meanwhile is read away, lest it waits for a reader.
        try:
            self._process.communicate("\n", timeout=DEADLINE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
        self._errors.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()
