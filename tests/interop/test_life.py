# SPDX-License-Identifier: Apache-2.0
"""The id of the daemon's life, with which every answer and every stream
begins: clients tell by it that the daemon was restarted."""

import re

from atomix.runtime.election.v1 import election_pb2
from electd.v1 import candidacy_pb2
from electd.v1 import candidacy_pb2_grpc

from harness import DEADLINE_S, ELECTION, Client, Daemon, check, election_id
from harness import equal, fails, main, new_name, test, test_on_each_transport

DAEMON = Daemon()


def life_of(metadata):
    """The one life that the metadata holds."""
    lives = [value for key, value in metadata if key == "electd-life"]
    equal(len(lives), 1)
    check(re.fullmatch("[0-9a-f]{32}", lives[0]), f"life {lives[0]!r}")
    return lives[0]


def life_of_an_answer(client, election):
    request = election_pb2.GetTermRequest(id=election_id(election))
    _, call = client.stub.GetTerm.with_call(request, timeout=DEADLINE_S)
    return life_of(call.initial_metadata())


def life_of_errors(client):
    """Of one that a handler makes, one of an unparsable request, and one of a
    method that nobody has."""
    errors = (
        fails("NOT_FOUND", None, client.get_term, "nowhere"),
        fails("INTERNAL", None, client.raw, ELECTION + "Enter", b"\xff"),
        fails("UNIMPLEMENTED", None, client.raw, ELECTION + "Vote", b""),
    )
    return [life_of(error.initial_metadata()) for error in errors]


def life_of_a_campaign(client, election):
    stub = candidacy_pb2_grpc.CandidacyStub(client.channel)
    request = candidacy_pb2.CampaignRequest(
        id=election_id(election), candidate="n1"
    )
    call = stub.Campaign(request, timeout=DEADLINE_S)
    next(call)
    life = life_of(call.initial_metadata())
    call.cancel()
    return life


def lives(client):
    """All that one daemon tells, each time that it does."""
    election = client.create(new_name())
    watcher = client.watch(election)
    told = [
        life_of(watcher.metadata),
        life_of_an_answer(client, election),
        *life_of_errors(client),
        life_of_a_campaign(client, election),
    ]
    watcher.cancel()
    return told


@test_on_each_transport
def every_answer_and_stream_tells_the_life_that_the_log_tells(transport):
    with Client(DAEMON.targets[transport]) as client:
        equal(set(lives(client)), {DAEMON.life})
    with Client(DAEMON.targets[transport]) as client:
        equal(set(lives(client)), {DAEMON.life})


@test
def another_daemon_has_another_life():
    with Daemon() as other, Client(other.targets["tcp"]) as client:
        equal(set(lives(client)), {other.life})
        check(other.life != DAEMON.life, "the same life twice")


@test
def restarted_daemon_has_another_life():
    with Daemon() as before, Client(before.targets["tcp"]) as client:
        port = before.targets["tcp"]
        first = set(lives(client))
    with Daemon(listen=(port,)) as after, Client(port) as client:
        second = set(lives(client))
        equal(second, {after.life})
    check(not first & second, "the same life after a restart")


main(DAEMON)
