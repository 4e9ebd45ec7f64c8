# SPDX-License-Identifier: Apache-2.0
"""Whether electd grows when candidates and watchers come and go: a daemon of
its own, behind the other measurements, in which at the end of each round
everything is as it was at its beginning. The floor has the same clients, since
what C-core keeps for later grows there too.

It works slowly, so that it takes little from the measurements before it: a
thread starts the load generators, takes samples and sleeps. `core_percent`
says how much of a core it took: daemon, load generators and thread together.

Happy path: start(), rounds of one Enter and one Withdraw in each election and
of watchers who hear of a change on connections of their own, stop().

Failure modes: a load generator that fails ends the thread, and stop() raises
what it raised.
"""

import json
import os
import statistics
import subprocess
import threading
import time

from measure import servers, tools, wire

ROUND_S = 1
ELECTIONS = 100
WATCHERS = 20
CONNECTIONS = 5
# One after the other they would take twice the CPU time.
IN_FLIGHT = 20
WATCHED = "churn-watched"
SAMPLES_MAX = 200
CONSTANT = "constant"


def slope(samples):
    """Least squares: by how much the second rises while the first rises by
    one."""
    mean_x = statistics.fmean(x for x, _ in samples)
    mean_y = statistics.fmean(y for _, y in samples)
    below = sum((x - mean_x) ** 2 for x, _ in samples)
    above = sum((x - mean_x) * (y - mean_y) for x, y in samples)
    return above / below if below else 0.0


def thin(samples, most):
    """At most so many of the samples, evenly, the last one among them."""
    step = -(-len(samples) // most)
    return samples[::-1][::step][::-1]


class Churn:
    """What comes and goes: start(), and much later stop()."""

    def __init__(self, run):
        self._run = run
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._failure = None
        self._servers = []
        self._began_s = None
        self._samples = {}
        self._calls = 0
        self._streams = 0
        # Of electd, its load generators and the thread.
        self._cpu_s = 0.0

    def start(self):
        """Starts the servers and the thread. The names of the elections are
        there before the clock runs."""
        for kind in ("electd", "floor"):
            server = self._run.start(kind)
            self._servers.append(server)
            self._samples[kind] = []
            for election in [WATCHED, *self._elections()]:
                wire.make_election(server, election, CONSTANT)
        self._cpu_s = -self._servers[0].cpu_s()
        self._began_s = time.monotonic()
        self._thread.start()

    def stop(self):
        """Ends all, and says what was seen."""
        self._stopping.set()
        self._thread.join()
        seconds = time.monotonic() - self._began_s
        self._cpu_s += self._servers[0].cpu_s()
        for server in self._servers:
            server.stop()
        if self._failure is not None:
            raise self._failure
        return {
            "seconds": round(seconds, 1),
            **self._told("electd", "", seconds),
            **self._told("floor", "floor_", seconds),
            "calls": self._calls,
            "streams": self._streams,
            "core_percent": round(100 * self._cpu_s / seconds, 2),
        }

    def _told(self, kind, prefix, seconds):
        """One server's memory. In the first half the allocator finds its
        size, and the slope is that of the second."""
        samples = self._samples[kind]
        counted = [sample for sample in samples if sample[0] >= seconds / 2]
        return {
            f"{prefix}slope_kib_per_min": slope(counted) * 60,
            f"{prefix}first_kib": samples[0][1],
            f"{prefix}last_kib": samples[-1][1],
            f"{prefix}max_kib": max(kib for _, kib in samples),
            f"{prefix}samples": thin(samples, SAMPLES_MAX),
        }

    @staticmethod
    def _elections():
        return [f"churn-{number:03}" for number in range(ELECTIONS)]

    def _work(self):
        try:
            number = 0
            while not self._stopping.is_set():
                for server in self._servers:
                    self._round(server, number)
                number += 1
                due_s = self._began_s + number * ROUND_S
                self._stopping.wait(max(0, due_s - time.monotonic()))
            self._cpu_s += time.thread_time()
        except Exception as failure:  # pylint: disable=broad-except
            self._failure = failure

    def _round(self, server, number):
        """A sample, when all of the round before have gone; a candidate with a
        new name in each election, in and out; watchers who hear of it in one
        more."""
        seconds = time.monotonic() - self._began_s
        self._samples[server.name].append(
            [round(seconds, 2), server.rss_kib()]
        )
        candidate = f"candidate-{number}"
        messages = [wire.enter(each, candidate) for each in self._elections()]
        most = self._write("most", messages)
        last = self._write("last", [wire.enter(WATCHED, candidate)])
        messages.append(wire.withdraw(WATCHED, candidate))
        every = self._write("all", messages)
        watch = self._write("watch", [wire.watch(WATCHED)])
        self._call(server, "Enter", most)
        self._watch(server, watch, last)
        self._call(server, "Withdraw", every)

    def _write(self, name, messages):
        path = self._run.scratch / f"churn-{name}"
        return wire.write_messages(path, messages)

    def _call(self, server, method, messages):
        said = self._tool(
            server,
            "calls",
            *("--in-flight", IN_FLIGHT),
            *(wire.path(method), messages),
        )
        if said["statuses"] != {"0": said["calls"]}:
            raise tools.Failed(f"churn: {said}")
        self._calls += said["calls"] if server.name == "electd" else 0

    def _watch(self, server, watch, change):
        """Watchers for as long as it takes that one change reaches them. The
        floor tells its watchers of Anoint, and greets nobody."""
        is_electd = server.name == "electd"
        self._tool(
            server,
            "fanout",
            *("--watchers", WATCHERS),
            *("--connections", CONNECTIONS),
            *("--changes", 1),
            *(["--greeting"] if is_electd else []),
            *("--watch", wire.path("Watch"), watch),
            *("--change", wire.path("Enter" if is_electd else "Anoint")),
            change,
        )
        if is_electd:
            self._calls += 1
            self._streams += WATCHERS

    def _tool(self, server, name, *arguments):
        """Runs a load generator, and counts its CPU time as Popen and run()
        cannot; returns what it says last."""
        command = [self._run.bin(f"bench/{name}")]
        command += ["--server", server.address]
        command += [str(argument) for argument in arguments]
        process = subprocess.Popen(
            servers.mortal(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        with process.stdout as stdout:
            said = stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise tools.Failed(f"{command}: {process.returncode} {said}")
        if server.name == "electd":
            self._cpu_s += usage.ru_utime + usage.ru_stime
        return json.loads(said.splitlines()[-1])
