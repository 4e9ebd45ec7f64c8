# SPDX-License-Identifier: Apache-2.0
"""Request metadata `electd-*`: what is unknown, in the wrong place or given
twice, and what the daemon logs of it."""

import functools

from atomix.runtime.election.v1 import election_pb2
from electd.v1 import candidacy_pb2
from electd.v1 import candidacy_pb2_grpc

from harness import DEADLINE_S, ELECTION, ELECTIONS, Client, Daemon
from harness import election_id, equal, fails, main, new_name, term_of
from harness import test, test_on_each_transport

DAEMON = Daemon()

TTL = ("electd-ttl-ms", "60000")
MISPLACED = "metadata 'electd-ttl-ms' belongs to Enter, not to {}"
UNKNOWN = "unknown metadata 'electd-tll-ms'"


@functools.cache
def client_of(transport):
    return Client(DAEMON.targets[transport])


def enter(client, election, *metadata):
    request = election_pb2.EnterRequest(
        id=election_id(election), candidate="n1"
    )
    return term_of(
        client.stub.Enter(request, metadata=metadata, timeout=DEADLINE_S)
    )


def campaign(client, election, *metadata):
    """The stream's first answer."""
    stub = candidacy_pb2_grpc.CandidacyStub(client.channel)
    request = candidacy_pb2.CampaignRequest(
        id=election_id(election), candidate="n1"
    )
    call = stub.Campaign(request, metadata=metadata, timeout=DEADLINE_S)
    return term_of(next(call))


def get_term(client, election, *metadata):
    request = election_pb2.GetTermRequest(id=election_id(election))
    return term_of(
        client.stub.GetTerm(request, metadata=metadata, timeout=DEADLINE_S)
    )


@test_on_each_transport
def test_unknown_key_is_refused_where_a_candidate_enters(transport):
    client = client_of(transport)
    election = client.create(new_name())
    typo = ("electd-tll-ms", "60000")
    for call in (enter, campaign):
        fails("INVALID_ARGUMENT", UNKNOWN, call, client, election, typo)
        fails("INVALID_ARGUMENT", UNKNOWN, call, client, election, typo, typo)
    fails("INVALID_ARGUMENT", UNKNOWN, enter, client, election, TTL, typo)
    # Nothing was done.
    equal(client.get_term(election), (0, "", []))
    # Keys of others are none of ours.
    equal(enter(client, election, ("x-electd", "1"), TTL), (1, "n1", []))


@test_on_each_transport
def test_known_key_is_refused_in_the_wrong_place(transport):
    client = client_of(transport)
    election = client.create(new_name())
    fails(
        "INVALID_ARGUMENT",
        MISPLACED.format("Campaign"),
        campaign,
        client,
        election,
        TTL,
    )
    request = election_pb2.GetTermRequest(id=election_id(election))
    request = request.SerializeToString()
    for path in (
        *(
            ELECTION + method
            for method in ("Create", "Close", "Withdraw", "Anoint", "Promote")
        ),
        *(ELECTION + method for method in ("Demote", "Evict", "GetTerm")),
        *(ELECTIONS + method for method in ("Create", "Close")),
        "/grpc.health.v1.Health/Check",
    ):
        details = MISPLACED.format(path.split("/")[-1])
        options = {"metadata": (TTL,)}
        fails(
            "INVALID_ARGUMENT", details, client.raw, path, request, **options
        )
    for path, shape in (
        (ELECTION + "Watch", client.channel.unary_stream),
        ("/grpc.health.v1.Health/Watch", client.channel.unary_stream),
    ):
        answers = shape(path)(request, metadata=(TTL,), timeout=DEADLINE_S)
        fails("INVALID_ARGUMENT", MISPLACED.format("Watch"), list, answers)
    for version in ("v1", "v1alpha"):
        call = client.channel.stream_stream(
            f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo"
        )
        answers = call(iter([b""]), metadata=(TTL,), timeout=DEADLINE_S)
        details = MISPLACED.format("ServerReflectionInfo")
        fails("INVALID_ARGUMENT", details, list, answers)
    equal(client.get_term(election), (0, "", []))


@test_on_each_transport
def test_key_that_is_given_twice_is_refused(transport):
    client = client_of(transport)
    election = client.create(new_name())
    fails(
        "INVALID_ARGUMENT",
        "metadata 'electd-ttl-ms' is given twice",
        enter,
        client,
        election,
        TTL,
        TTL,
    )
    equal(client.get_term(election), (0, "", []))
    equal(enter(client, election, TTL), (1, "n1", []))


@test
def test_unknown_key_is_ignored_elsewhere_and_logged_once():
    with Daemon() as daemon:
        with Client(daemon.targets["tcp"]) as client:
            election = client.create(new_name())
            for key in ("electd-a", "electd-b", "electd-a", "electd-b"):
                equal(get_term(client, election, (key, "1")), (0, "", []))
        with Client(daemon.targets["unix"]) as client:
            equal(get_term(client, election, ("electd-a", "1")), (0, "", []))
        daemon.terminate()
        logged = []
        while event := daemon.events.get(timeout=DEADLINE_S):
            if event["event"] == "unknown_metadata":
                equal(event["level"], "warn")
                logged.append((event["key"], event["method"]))
        equal(
            logged,
            [("electd-a", ELECTION + "GetTerm")]
            + [("electd-b", ELECTION + "GetTerm")],
        )


main(DAEMON)
