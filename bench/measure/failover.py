# SPDX-License-Identifier: Apache-2.0
"""How long nobody leads when a leader's process is killed, stopped or falls
silent: electd by bench/failover.c, etcd by processes of this file.

etcd takes a leader out when its lease ends, so what is measured there is the
rest of the shortest lease that it grants, renewed three times in its length
as etcd's own client does, and how soon etcd looks for ended leases.

Happy path: one child (main() below) forks one process for each election, all
of which lead; somebody waits behind each. They are killed one after the
other, at times that fall on all phases of a renewal, while the others live
on; each of the waiting Campaigns then returns. The child keeps the dead
unreaped, so that a pid is nobody else's when it is killed.

Failure modes: a leader that loses its lease ends and says so, and the trial
fails; when this process dies the child dies, and with it the leaders.
"""

import json
import os
import signal
import subprocess
import sys
import time

from measure import etcd, figures, servers, tools

DEADLINE_S = 60
# What is asked for. etcd answers with what it grants.
LEASE_TTL_S = 1
WAITER_LEASE_S = 120
RENEWALS_PER_LEASE = 3
# Between two kills: no simple part of the time between two renewals.
STAGGER_S = 0.103


def spread(samples_ms):
    """The figures of so many trials, in tenths of a microsecond."""
    ordered = sorted(round(sample, 4) for sample in samples_ms)
    return {
        "trials": len(ordered),
        "min": ordered[0],
        "median": figures.percentile(ordered, 0.5),
        "p90": figures.percentile(ordered, 0.9),
        "p99": figures.percentile(ordered, 0.99),
        "max": ordered[-1],
        "samples_ms": ordered,
    }


def measure_electd(run, mode, trials):
    """bench/failover in one of its modes."""
    run.say(f"failover: electd, {mode}, {trials} trials")
    command = [run.bin("bench/failover"), "--json"]
    command += ["--mode", mode, "--trials", str(trials)]
    result = subprocess.run(
        servers.mortal(command),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        env=servers.environment() | {"ELECTD_BIN": run.bin("electd")},
        check=False,
    )
    if result.returncode != 0:
        raise tools.Failed(f"{command}: {result.stdout}{result.stderr}")
    return json.loads(result.stdout)


class Leaders:
    """A process for each election, which leads it: `pids`, and the TTL of
    their leases, `ttl_s`."""

    def __init__(self, server, elections):
        command = [sys.executable, "-m", "measure.failover", server.address]
        self._child = subprocess.Popen(
            servers.mortal(command + elections),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )
        self.pids = {}
        try:
            while len(self.pids) < len(elections):
                self._read_leader()
        except BaseException:
            self.close()
            raise

    def _read_leader(self):
        line = self._child.stdout.readline()
        try:
            leader = json.loads(line)
        except ValueError:
            raise tools.Failed(f"a leader of etcd's said: {line!r}") from None
        self.pids[leader["election"]] = leader["pid"]
        self.ttl_s = leader["ttl_s"]

    def kill(self, election):
        """Kills the process that leads it."""
        os.kill(self.pids.pop(election), signal.SIGKILL)

    def close(self):
        """Ends those that are left."""
        self._child.stdin.close()
        self._child.wait(DEADLINE_S)
        self._child.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


class Waiter:
    """A Campaign behind the leader of one election."""

    def __init__(self, client, election, lease):
        self.election = election
        self.killed_s = None
        self.led_s = None
        self._call = client.campaign(election.encode(), lease, b"n2")
        self._call.add_done_callback(self._answered)

    def _answered(self, _):
        self.led_s = time.monotonic()

    def lasted_ms(self):
        """From the kill until this one led."""
        self._call.result(DEADLINE_S)
        # A callback runs after the waiting threads were woken.
        while self.led_s is None:
            time.sleep(0.001)
        if self.killed_s is None or self.led_s < self.killed_s:
            raise tools.Failed(f"the leader of {self.election} was gone")
        return (self.led_s - self.killed_s) * 1e3


def await_queued(client, elections):
    """Waits until each election has two keys: who leads and who waits."""
    deadline_s = time.monotonic() + DEADLINE_S
    for election in elections:
        keys = etcd.keys_of(election.encode())
        while client.range(*keys).count < 2:
            if time.monotonic() > deadline_s:
                raise tools.Failed(f"nobody waits in {election}")
            time.sleep(0.01)


def measure_etcd(run, trials):
    """As many trials, all under way at once: (figures, the lease's TTL)."""
    run.say(f"failover: etcd, {trials} trials")
    elections = [f"failover/{number}" for number in range(trials)]
    with (
        etcd.start_etcd(run, "disk") as server,
        etcd.Client(server.address) as client,
        Leaders(server, elections) as leaders,
    ):
        lease = client.grant(WAITER_LEASE_S).ID
        waiters = [Waiter(client, name, lease) for name in elections]
        await_queued(client, elections)
        start_s = time.monotonic()
        for number, waiter in enumerate(waiters):
            time.sleep(
                max(0, start_s + number * STAGGER_S - time.monotonic())
            )
            waiter.killed_s = time.monotonic()
            leaders.kill(waiter.election)
        samples_ms = [waiter.lasted_ms() for waiter in waiters]
        return spread(samples_ms), leaders.ttl_s


def measure(run):
    """The figures of each kind of trial, in milliseconds."""
    kills = 30 if run.quick else 200
    results = {"electd_kill": measure_electd(run, "kill", kills)}
    if not run.quick:
        results["electd_stop"] = measure_electd(run, "stop", 20)
        results["electd_ttl"] = measure_electd(run, "ttl", 20)
    campaign, ttl_s = measure_etcd(run, 8 if run.quick else 40)
    results["etcd_campaign"] = campaign
    results["etcd_lease_ttl_s"] = ttl_s
    return results


def renewals(lease):
    """The requests that keep a lease, for as long as they are asked for."""
    request = etcd.stubs().server_pb2.LeaseKeepAliveRequest(ID=lease.ID)
    while True:
        yield request
        time.sleep(lease.TTL / RENEWALS_PER_LEASE)


def lead(address, election):
    """Leads one election, in a process of its own, until it is killed."""
    client = etcd.Client(address)
    lease = client.grant(LEASE_TTL_S)
    answers = client.keep_alive(renewals(lease))
    call = client.campaign(election.encode(), lease.ID, b"n1")
    call.result(DEADLINE_S)
    leader = {"election": election, "pid": os.getpid(), "ttl_s": lease.TTL}
    # One write, so that no line is torn apart by another process's.
    os.write(1, json.dumps(leader).encode() + b"\n")
    for answer in answers:
        if answer.TTL == 0:
            break
    os.write(1, f"lost the lease of {election}\n".encode())


def fork_leader(address, election):
    """Starts such a process, and returns its pid. It is forked, since to
    start Python takes longer than the trial, and before gRPC has threads."""
    pid = os.fork()
    if pid == 0:
        try:
            servers.in_child()
            lead(address, election)
        finally:
            os._exit(1)
    return pid


def main(address, elections):
    """Forks the leaders, and ends them at the end of the standard input."""
    etcd.stubs()
    pids = [fork_leader(address, election) for election in elections]
    sys.stdin.read()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    for pid in pids:
        os.waitpid(pid, 0)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
