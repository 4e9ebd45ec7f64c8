# SPDX-License-Identifier: Apache-2.0
"""etcd, the baseline that people use: one node with its default settings, and
the requests of its own election service.

Happy path: start_etcd() gives a server that has answered a first Range;
unary_targets() and observe_targets() make the elections and leaders that the
requests need and write the requests down; measure_pairs() measures the calls
that need more care than that.

Failure modes: the port that was free is taken before etcd has it, which shows
as NotStarted; requests that were written down for another revision than the
one that etcd is at, which etcd answers with OK all the same, so that
check_resigned() must be asked; and an etcd whose Observe has fallen silent,
for which see observe_targets().
"""

import functools
import importlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import types

import grpc

from measure import servers, tools, wire
from measure.run import ROOT

PROTOS = ROOT / "bench" / "proto"
STUBS = ROOT / "build" / "bench" / "python"
PLACES = {"disk": None, "tmpfs": "/dev/shm"}
READY_S = 30
POLL_S = 0.002
# Longer than a run, so that what keeps a leader in needs no renewal.
LEASE_S = 6 * 3600
# How many calls of gRPC's own client are under way at once.
IN_FLIGHT = 100
# How often a client can campaign and resign until the requests, which name
# the revision, have been used up, unless the caller says how often it will.
PAIRS = 5000

ELECTION = "/v3electionpb.Election/"
RANGE = "/etcdserverpb.KV/Range"
RANGE_KEY = b"measure/key"
LEADER_ELECTION = b"measure/leader"
PAIR_ELECTION = b"measure/pair"


@functools.cache
def make_stubs():
    """Has protoc and gRPC's plugin make modules of etcd's API. They are made
    in each run: that takes less than to find out whether they are old."""
    STUBS.mkdir(parents=True, exist_ok=True)
    plugin = shutil.which("grpc_python_plugin")
    protos = sorted(str(path) for path in PROTOS.rglob("*.proto"))
    subprocess.run(
        [
            "protoc",
            f"-I{PROTOS}",
            f"--python_out={STUBS}",
            f"--grpc_python_out={STUBS}",
            f"--plugin=protoc-gen-grpc_python={plugin}",
            *protos,
        ],
        check=True,
    )


@functools.cache
def stubs():
    """Those modules, when they have been made."""
    sys.path.insert(0, str(STUBS))
    names = ("server_pb2", "server_pb2_grpc")
    names += ("election_pb2", "election_pb2_grpc")
    return types.SimpleNamespace(
        **{name: importlib.import_module(f"etcd_v3.{name}") for name in names}
    )


class Client:
    """Real calls to etcd by gRPC's own client, for what is not timed."""

    def __init__(self, address):
        self._api = stubs()
        self.channel = grpc.insecure_channel(address)
        self._kv = self._api.server_pb2_grpc.KVStub(self.channel)
        self._lease = self._api.server_pb2_grpc.LeaseStub(self.channel)
        self._election = self._api.election_pb2_grpc.ElectionStub(self.channel)

    def put(self, key, value):
        request = self._api.server_pb2.PutRequest(key=key, value=value)
        return self._kv.Put(request, timeout=wire.DEADLINE_S)

    def range(self, key, range_end=b""):
        """A linearizable read."""
        request = range_request(key, range_end)
        return self._kv.Range(request, timeout=wire.DEADLINE_S)

    def grant(self, ttl_s):
        """A lease: etcd's answer has its ID and the TTL that it got."""
        request = self._api.server_pb2.LeaseGrantRequest(TTL=ttl_s)
        return self._lease.LeaseGrant(request, timeout=wire.DEADLINE_S)

    def keep_alive(self, requests):
        """Renews a lease for each request, and iterates over the answers."""
        return self._lease.LeaseKeepAlive(requests)

    def campaign(self, election, lease, value):
        """What answers with a LeaderKey when the caller leads: a call, whose
        result() waits for that."""
        request = campaign_request(election, lease, value)
        return self._election.Campaign.future(request)

    def close(self):
        self.channel.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


def range_request(key, range_end=b""):
    return stubs().server_pb2.RangeRequest(key=key, range_end=range_end)


def campaign_request(election, lease, value):
    return stubs().election_pb2.CampaignRequest(
        name=election, lease=lease, value=value
    )


def leader_request(election):
    """Observe has the same."""
    return stubs().election_pb2.LeaderRequest(name=election)


def keys_of(election):
    """The first key that an election may have, and the one past the last."""
    return election + b"/", election + b"0"


class EtcdServer(servers.Server):
    """A node of etcd whose directory goes when it is stopped."""

    def __init__(self, run, where):
        self._directory = tempfile.TemporaryDirectory(
            prefix="electd-bench-", dir=PLACES[where] or run.scratch
        )
        self._log = open(f"{self._directory.name}/log", "w+b")
        ports = free_ports(2)
        self.started_s = time.monotonic()
        process = subprocess.Popen(
            servers.mortal(etcd_command(self._directory.name, *ports)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._log,
            env=servers.environment(),
        )
        address = f"127.0.0.1:{ports[0]}"
        super().__init__(f"etcd on {where}", process, address)
        # The revision for which requests were written down.
        self.revision = None
        # What keeps all the leaders in that the measurements need, and the
        # LeaderKeys of those, by election.
        self.lease = None
        self.leaders = {}
        try:
            self._await_ready()
        except BaseException:
            self.stop()
            raise

    def _await_ready(self):
        """Waits for a first answered Range, since etcd listens before it
        serves. Only then is gRPC's client let loose: when it is refused it
        tries no more for a second."""
        host, port = self.address.split(":")
        deadline_s = self.started_s + READY_S
        while True:
            try:
                socket.create_connection((host, int(port))).close()
                break
            except ConnectionRefusedError:
                if self.process.poll() is not None:
                    raise servers.NotStarted(self._said()) from None
                if time.monotonic() > deadline_s:
                    raise servers.NotStarted("etcd is silent") from None
                time.sleep(POLL_S)
        with Client(self.address) as client:
            client.range(RANGE_KEY)
        self.ready_s = time.monotonic() - self.started_s

    def _said(self):
        self._log.seek(0)
        return self._log.read().decode(errors="replace")[-2000:]

    def stop(self, *arguments, **options):
        """As any server's, and its directory goes."""
        status = super().stop(*arguments, **options)
        self._log.close()
        self._directory.cleanup()
        return status


def free_ports(count):
    """Ports that nobody listened on a moment ago: etcd, unlike the others,
    cannot choose one and say which."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def etcd_command(directory, client_port, peer_port):
    """How one node is started that has nothing but places of its own."""
    client = f"http://127.0.0.1:{client_port}"
    peer = f"http://127.0.0.1:{peer_port}"
    return [
        "etcd",
        f"--data-dir={directory}/data",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
    ]


def start_etcd(run, where):
    """One node that serves, with its data on "disk" or on "tmpfs"."""
    make_stubs()
    return EtcdServer(run, where)


def lead(server, elections):
    """Sees to it that each of the elections has a leader, for as long as the
    run takes, and returns their LeaderKeys. One lease serves them all: a
    candidate is an election and a lease."""
    missing = [name for name in elections if name not in server.leaders]
    with Client(server.address) as client:
        if server.lease is None:
            server.lease = client.grant(LEASE_S).ID
        for start in range(0, len(missing), IN_FLIGHT):
            calls = {
                name: client.campaign(name, server.lease, b"n1")
                for name in missing[start : start + IN_FLIGHT]
            }
            for name, call in calls.items():
                answer = call.result(wire.DEADLINE_S)
                server.leaders[name] = answer.leader
    return [server.leaders[name] for name in elections]


def _write(run, server, name, messages):
    """A MESSAGES file of this server's own: elections, leases and revisions
    differ from one server to the other."""
    return wire.write_messages(
        run.scratch / f"etcd-{server.pid}-{name}",
        (message.SerializeToString() for message in messages),
    )


def _revision(server):
    with Client(server.address) as client:
        return client.range(RANGE_KEY).header.revision


def pair_targets(run, server, pairs=PAIRS):
    """Campaign and Resign in turn, for one client with one call in flight.

    A Resign names the revision at which its Campaign's key came to be. On an
    etcd that does nothing else each of the two calls moves the revision by
    one, so it is known beforehand. The files hold therefore for one round of
    at most `pairs` pairs: write new ones for the next, and have the round
    checked by check_resigned()."""
    election_pb2 = stubs().election_pb2
    if server.lease is None:
        lead(server, [])
    server.revision = _revision(server)
    key = b"%s/%x" % (PAIR_ELECTION, server.lease)
    resignations = (
        election_pb2.ResignRequest(
            leader=election_pb2.LeaderKey(
                name=PAIR_ELECTION,
                key=key,
                rev=server.revision + 1 + 2 * i,
                lease=server.lease,
            )
        )
        for i in range(pairs)
    )
    campaign = campaign_request(PAIR_ELECTION, server.lease, b"n1")
    return [
        (ELECTION + "Campaign", _write(run, server, "campaign", [campaign])),
        (ELECTION + "Resign", _write(run, server, "resign", resignations)),
    ]


def check_resigned(server, pairs):
    """Raises unless in so many pairs each Campaign was followed by a Resign
    that resigned. One with the wrong revision changes nothing, and is answered
    with OK all the same."""
    with Client(server.address) as client:
        answer = client.range(*keys_of(PAIR_ELECTION))
    moved = answer.header.revision - server.revision
    if answer.count != 0 or moved != 2 * pairs:
        raise tools.Failed(
            f"etcd: {pairs} pairs of Campaign and Resign made {moved} changes"
            f" and left {answer.count} leaders"
        )


def measure_pairs(run, server, calls):
    """A checked round of Campaign and Resign, one after the other: what
    tools.calls() tells of so many calls, an even number."""
    pairs = calls // 2
    targets = pair_targets(run, server, pairs)
    result = tools.calls(run, server, targets, count=2 * pairs)
    check_resigned(server, pairs)
    return result


def unary_targets(run, server):
    """The calls to measure, by name: each a list of pairs of a path and its
    MESSAGES file. Those of "Campaign+Resign" hold for one round only, until
    something is written (see pair_targets()); measure_pairs() is such a
    round."""
    lead(server, [LEADER_ELECTION])
    with Client(server.address) as client:
        client.put(RANGE_KEY, b"value")
    leader = leader_request(LEADER_ELECTION)
    read = range_request(RANGE_KEY)
    return {
        "Leader": [
            (ELECTION + "Leader", _write(run, server, "leader", [leader]))
        ],
        "Range": [(RANGE, _write(run, server, "range", [read]))],
        "Campaign+Resign": pair_targets(run, server),
    }


def observe_targets(run, server, elections):
    """What the streams and the changes send: (path of the watchers, their
    MESSAGES file, path of the changes, theirs, greeting). Stream i observes
    election i modulo `elections`, and change k is a Proclaim by the leader of
    election k modulo `elections`. An Observe answers with the leader as it is
    before any change: `greeting` is true.

    They are for the first streams of a server only: after fifty or more have
    gone at once, etcd 3.4 tells those that come later of no change."""
    names = [b"observe/%d" % i for i in range(elections)]
    changes = [
        stubs().election_pb2.ProclaimRequest(leader=leader, value=b"n1")
        for leader in lead(server, names)
    ]
    watches = map(leader_request, names)
    return (
        ELECTION + "Observe",
        _write(run, server, f"observe-{elections}", watches),
        ELECTION + "Proclaim",
        _write(run, server, f"proclaim-{elections}", changes),
        True,
    )
