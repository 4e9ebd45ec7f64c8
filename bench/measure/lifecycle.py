# SPDX-License-Identifier: Apache-2.0
"""From start to stop: how long until a server is ready, what it takes when
nobody asks anything, and how it ends while calls come in.
"""

import collections
import contextlib
import json
import os
import select
import signal
import subprocess
import time

from measure import etcd, figures, servers, tools, wire

STARTS = 20
QUICK_STARTS = 5
ETCD_STARTS = 3
IDLE_S = 10
QUICK_IDLE_S = 3
# After start and connecting, before idleness counts.
CALM_S = 1.5
CONNECTIONS = 100
ELECTION = "demo"
DRAINS = 3
# Of calls, before the signal.
LOAD_S = 1
DRAIN_DEADLINE_S = 20
# More than there is time for.
CALLS = 10_000_000


def ready_ms(start):
    """From the spawning of a process until it says that it is ready."""
    began_s = time.monotonic()
    with start():
        return (time.monotonic() - began_s) * 1e3


def etcd_ready_ms(run):
    """The same until etcd answers a first Range."""
    with etcd.start_etcd(run, "tmpfs") as server:
        return server.ready_s * 1e3


def measure_starts(run):
    """electd and the floor in turn, and etcd a few times."""
    run.say("lifecycle: starts")
    count = QUICK_STARTS if run.quick else STARTS
    times = {"ready_ms": [], "floor_ready_ms": []}
    for _ in range(count):
        times["ready_ms"].append(ready_ms(lambda: run.start("electd")))
        times["floor_ready_ms"].append(ready_ms(lambda: run.start("floor")))
    times["etcd_ready_ms"] = [
        etcd_ready_ms(run) for _ in range(1 if run.quick else ETCD_STARTS)
    ]
    return {name: figures.spread(each) for name, each in times.items()}


def connections_to(run, server):
    """Clients that have connected and say nothing."""
    target = (
        wire.path("Watch"),
        wire.write_messages(
            run.scratch / "lifecycle-watch", [wire.watch(ELECTION)]
        ),
    )
    return tools.Fanout(
        run, server, target, target, 0, CONNECTIONS, changes=0, expect=0
    )


def measure_idleness(run):
    """The CPU time that goes by when nothing is asked, in percent of a core:
    without a client, and with connections that are idle. All servers are idle
    at the same time."""
    run.say("lifecycle: idleness")
    with contextlib.ExitStack() as stack:
        lone, connected, floor = (
            stack.enter_context(run.start(kind))
            for kind in ("electd", "electd", "floor")
        )
        one_etcd = stack.enter_context(etcd.start_etcd(run, "tmpfs"))
        stack.enter_context(connections_to(run, connected))
        subjects = {
            "idle_cpu_percent": lone,
            "connected_idle_cpu_percent": connected,
            "floor_idle_cpu_percent": floor,
            "etcd_idle_cpu_percent": one_etcd,
        }
        time.sleep(CALM_S)
        before_s = {name: each.cpu_s() for name, each in subjects.items()}
        began_s = time.monotonic()
        time.sleep(QUICK_IDLE_S if run.quick else IDLE_S)
        seconds = time.monotonic() - began_s
        return {
            name: 100 * (each.cpu_s() - before_s[name]) / seconds
            for name, each in subjects.items()
        } | {"idle_connections": CONNECTIONS}


def start_calls(run, server):
    """Ten connections with ten calls in flight on each, without an end."""
    messages = wire.write_messages(
        run.scratch / "lifecycle-get", [wire.get_term(ELECTION)]
    )
    command = [run.bin("bench/calls"), "--server", server.address]
    command += ["--connections", 10, "--in-flight", 10]
    command += ["--count", CALLS, wire.path("GetTerm"), messages]
    return subprocess.Popen(
        servers.mortal(command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )


def await_end(process):
    """Waits until it has ended: to the moment, since Popen looks only now and
    then when it has a deadline."""
    end_fd = os.pidfd_open(process.pid)
    try:
        select.select([end_fd], [], [], DRAIN_DEADLINE_S)
    finally:
        os.close(end_fd)


def drain(run):
    """Milliseconds from SIGTERM under load until the daemon has ended well,
    and the statuses that the calls saw."""
    with run.start("electd") as server:
        wire.make_election(server, ELECTION, "n1")
        load = start_calls(run, server)
        try:
            time.sleep(LOAD_S)
            began_s = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            await_end(server.process)
            lasted_ms = (time.monotonic() - began_s) * 1e3
            status = server.stop()
            said, _ = load.communicate(timeout=DRAIN_DEADLINE_S)
        finally:
            load.kill()
            load.wait()
    if status != 0 or load.returncode != 0:
        raise tools.Failed(
            f"drain: electd ended with {status}, calls with {load.returncode}"
        )
    return lasted_ms, json.loads(said)["statuses"]


def measure_drains(run):
    """Some of them: the times, and the statuses of all calls by number;
    "lost" is a call whose connection ended before its answer."""
    run.say("lifecycle: stops under load")
    times_ms = []
    statuses = collections.Counter()
    for _ in range(1 if run.quick else DRAINS):
        lasted_ms, seen = drain(run)
        times_ms.append(lasted_ms)
        statuses.update(seen)
    return {
        "drain_ms": figures.spread(times_ms),
        "drain_statuses": dict(statuses),
    }


def measure(run):
    """The figures of all of them."""
    return {
        **measure_starts(run),
        **measure_idleness(run),
        **measure_drains(run),
    }
