# SPDX-License-Identifier: Apache-2.0
"""Campaigns and times to live, from Python's own gRPC: what a stream tells, how
it ends, and that a process that is killed is followed by the next one."""

import functools
import os
import subprocess
import sys
import time

import grpc
from google.protobuf import duration_pb2

from electd.v1 import candidacy_pb2
from electd.v1 import candidacy_pb2_grpc

from atomix.runtime.election.v1 import election_pb2

from harness import DEADLINE_S, Client, Daemon, check, election_id, equal
from harness import fails, main, new_channel, new_name, term_of
from harness import test_on_each_transport

LEAD = "--lead"


class Campaign:
    """An open Campaign; its answers are read as a test asks for them."""

    def __init__(self, channel, election, candidate, grace_ms=0, instance=""):
        grace = duration_pb2.Duration()
        grace.FromMilliseconds(grace_ms)
        request = candidacy_pb2.CampaignRequest(
            id=election_id(election),
            candidate=candidate,
            grace=grace,
            instance=instance,
        )
        stub = candidacy_pb2_grpc.CandidacyStub(channel)
        self.call = stub.Campaign(request, timeout=2 * DEADLINE_S)

    def next(self):
        """(reason, term, leader, candidates, previous leader, revision)"""
        answer = next(self.call)
        reason = candidacy_pb2.Reason.Name(answer.reason)
        return (
            reason.removeprefix("REASON_"),
            *term_of(answer),
            answer.previous_leader,
            answer.revision,
        )

    def end(self):
        """The stream's code and details; nothing is left before it."""
        try:
            answer = self.next()
        except grpc.RpcError:
            return self.call.code().name, self.call.details()
        raise AssertionError(f"got {answer!r} instead of the end")

    def cancel(self):
        self.call.cancel()


def lead(target, election):
    """In a process of its own: campaigns, and says so when it leads."""
    with new_channel(target) as channel:
        campaign = Campaign(channel, election, "n1")
        while campaign.next()[2] != "n1":
            pass
        print("leads", flush=True)
        while True:
            campaign.next()


if sys.argv[1:2] == [LEAD]:
    lead(*sys.argv[2:])

DAEMON = Daemon()


@functools.cache
def clients_of(transport):
    return [Client(DAEMON.targets[transport]) for _ in range(2)]


def enter_for(client, election, candidate, ttl_ms):
    request = election_pb2.EnterRequest(
        id=election_id(election), candidate=candidate
    )
    metadata = (("electd-ttl-ms", ttl_ms),)
    return term_of(
        client.stub.Enter(request, metadata=metadata, timeout=DEADLINE_S)
    )


@test_on_each_transport
def test_campaign_tells_the_current_term_and_every_change(transport):
    one, two = clients_of(transport)
    election = one.create(new_name())
    first = Campaign(one.channel, election, "n1")
    equal(first.next(), ("CURRENT", 1, "n1", [], "", 1))
    second = Campaign(two.channel, election, "n2")
    equal(second.next(), ("CURRENT", 1, "n1", ["n2"], "", 2))
    equal(first.next(), ("ENTERED", 1, "n1", ["n2"], "n1", 2))
    two.anoint(election, "n2")
    equal(first.next(), ("ANOINTED", 2, "n2", ["n1"], "n1", 3))
    second.cancel()
    equal(first.next(), ("DISCONNECTED", 3, "n1", [], "n2", 4))
    two.evict(election, "n1")
    equal(first.next(), ("EVICTED", 3, "", [], "n1", 5))
    equal(
        first.end(),
        ("ABORTED", "the candidate was evicted by a call of Evict"),
    )


@test_on_each_transport
def test_iteration_over_a_campaign_is_all_that_is_needed(transport):
    one, two = clients_of(transport)
    election = one.create(new_name())
    request = candidacy_pb2.CampaignRequest(
        id=election_id(election), candidate="n1"
    )
    stub = candidacy_pb2_grpc.CandidacyStub(one.channel)
    leaders = []
    try:
        for answer in stub.Campaign(request, timeout=DEADLINE_S):
            leaders.append(answer.term.leader)
            if len(leaders) == 1:
                two.withdraw(election, "n1")
    except grpc.RpcError as error:
        equal(error.code().name, "ABORTED")
    equal(leaders, ["n1", ""])


@test_on_each_transport
def test_second_campaign_is_refused_or_takes_over(transport):
    one, two = clients_of(transport)
    election = one.create(new_name())
    first = Campaign(one.channel, election, "n1", instance="i")
    equal(first.next(), ("CURRENT", 1, "n1", [], "", 1))
    equal(
        Campaign(two.channel, election, "n1").end(),
        (
            "ALREADY_EXISTS",
            "the candidate campaigns already, as another instance",
        ),
    )
    second = Campaign(two.channel, election, "n1", instance="i")
    equal(second.next(), ("CURRENT", 1, "n1", [], "", 1))
    equal(first.end(), ("ABORTED", "taken over by a newer stream"))
    second.cancel()


@test_on_each_transport
def test_grace_keeps_the_place(transport):
    one, two = clients_of(transport)
    election = one.create(new_name())
    first = Campaign(one.channel, election, "n1", 600000, "i")
    equal(first.next(), ("CURRENT", 1, "n1", [], "", 1))
    two.enter(election, "n2")
    first.cancel()
    first = Campaign(two.channel, election, "n1", 0, "i")
    equal(first.next(), ("CURRENT", 1, "n1", ["n2"], "", 2))
    watcher = one.watch(election)
    equal(watcher.next(), (1, "n1", ["n2"]))
    first.cancel()
    equal(watcher.next(), (2, "n2", []))
    watcher.cancel()


@test_on_each_transport
def test_grace_out_of_range_is_refused(transport):
    one, _ = clients_of(transport)
    election = one.create(new_name())
    for grace_ms in (-1, 600001):
        equal(
            Campaign(one.channel, election, "n1", grace_ms).end(),
            (
                "INVALID_ARGUMENT",
                "grace is out of range: it takes 0 to 600 seconds",
            ),
        )
    equal(one.get_term(election), (0, "", []))


@test_on_each_transport
def test_time_to_live_is_over_and_not_before(transport):
    one, two = clients_of(transport)
    election = one.create(new_name())
    watcher = two.watch(election)
    entered_s = time.monotonic()
    equal(enter_for(one, election, "n1", "500"), (1, "n1", []))
    two.enter(election, "n2")
    equal(watcher.until((2, "n2", []))[0], (1, "n1", []))
    lasted_s = time.monotonic() - entered_s
    check(lasted_s >= 0.5, f"over after {lasted_s} s")
    watcher.cancel()


@test_on_each_transport
def test_time_to_live_that_is_none_is_refused(transport):
    one, _ = clients_of(transport)
    election = one.create(new_name())
    for value in ("99", "3600001", "0", "-1", "1s", "", "1e3", "x"):
        fails(
            "INVALID_ARGUMENT",
            "electd-ttl-ms is out of range: it takes a whole number of "
            "milliseconds from 100 to 3600000",
            enter_for,
            one,
            election,
            "n1",
            value,
        )
    equal(one.get_term(election), (0, "", []))


@test_on_each_transport
def test_process_that_is_killed_is_followed_by_the_next(transport):
    one, _ = clients_of(transport)
    election = one.create(new_name())
    target = DAEMON.targets[transport]
    # However this process ends, the other one does not outlive it.
    command = ["setpriv", "--pdeathsig=KILL", sys.executable]
    command += [os.path.abspath(__file__), LEAD, target, election]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True
    ) as process:
        equal(process.stdout.readline(), "leads\n")
        following = Campaign(one.channel, election, "n2")
        equal(following.next(), ("CURRENT", 1, "n1", ["n2"], "", 2))
        process.kill()
        equal(following.next(), ("DISCONNECTED", 2, "n2", [], "n1", 3))
    equal(one.get_term(election), (2, "n2", []))
    following.cancel()


main(DAEMON)
