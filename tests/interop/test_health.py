# SPDX-License-Identifier: Apache-2.0
"""grpc.health.v1 as a probe uses it."""

import functools

import grpc

from grpc_health.v1 import health_pb2
from grpc_health.v1 import health_pb2_grpc

from harness import Client, Daemon, equal, fails, main
from harness import DEADLINE_S, test, test_on_each_transport

DAEMON = Daemon()

CHECK = "/grpc.health.v1.Health/Check"
SERVICES = (
    "",
    "atomix.runtime.election.v1.LeaderElection",
    "atomix.runtime.election.v1.LeaderElections",
    "electd.v1.Candidacy",
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
)
UNKNOWN = (
    "LeaderElection",
    "atomix.runtime.election.v1",
    "atomix.runtime.election.v1.LeaderElectio",
    "atomix.runtime.election.v1.LeaderElection/Enter",
    "\U0001f5f3",
    "\n",
)


class Health:
    """The health of a daemon; statuses are given by their names."""

    def __init__(self, target):
        self.client = Client(target)
        self.stub = health_pb2_grpc.HealthStub(self.client.channel)

    def check(self, service):
        request = health_pb2.HealthCheckRequest(service=service)
        return name_of(self.stub.Check(request, timeout=DEADLINE_S))

    def watch(self, service):
        request = health_pb2.HealthCheckRequest(service=service)
        return self.stub.Watch(request, timeout=2 * DEADLINE_S)


def name_of(response):
    return health_pb2.HealthCheckResponse.ServingStatus.Name(response.status)


@functools.cache
def health_of(transport):
    return Health(DAEMON.targets[transport])


@test_on_each_transport
def test_every_service_is_serving(transport):
    for service in SERVICES:
        equal(health_of(transport).check(service), "SERVING")


@test_on_each_transport
def test_check_of_an_unknown_service_is_not_found(transport):
    for service in UNKNOWN:
        details = f"service '{service}' is not served here"
        fails("NOT_FOUND", details, health_of(transport).check, service)


@test_on_each_transport
def test_long_name_of_an_unknown_service_is_cut(transport):
    for service in ("x" * 15000, "\u20ac" * 5000):
        error = fails(
            "NOT_FOUND", None, health_of(transport).check, service
        )
        equal(error.details().startswith("service '" + service[:60]), True)
        equal(len(error.details()) < 260, True)


@test_on_each_transport
def test_bad_requests_are_refused_as_everywhere(transport):
    raw = health_of(transport).client.raw
    details = "service is not UTF-8 (at byte 0)"
    fails("INVALID_ARGUMENT", details, raw, CHECK, b"\x0a\x01\xff")
    details = "service holds a control character (at byte 1)"
    fails("INVALID_ARGUMENT", details, raw, CHECK, b"\x0a\x02a\0")
    details = "the request does not parse as grpc.health.v1.HealthCheckRequest"
    fails("INTERNAL", details, raw, CHECK, b"\x0a\x02a")


@test_on_each_transport
def test_watch_tells_the_status_at_once(transport):
    for service in SERVICES:
        call = health_of(transport).watch(service)
        equal(name_of(next(call)), "SERVING")
        call.cancel()


@test_on_each_transport
def test_watch_of_an_unknown_service_says_so_and_stays_open(transport):
    call = health_of(transport).watch("nobody")
    equal(name_of(next(call)), "SERVICE_UNKNOWN")
    # By the protocol it might be served later on.
    equal(call.is_active(), True)
    equal(health_of(transport).check(""), "SERVING")
    equal(call.is_active(), True)
    call.cancel()


@test_on_each_transport
def test_shutdown_is_told_before_the_stream_ends(transport):
    daemon = Daemon()
    health = Health(daemon.targets[transport])
    known, unknown = health.watch(SERVICES[1]), health.watch("nobody")
    equal(name_of(next(known)), "SERVING")
    equal(name_of(next(unknown)), "SERVICE_UNKNOWN")
    daemon.terminate()
    equal(name_of(next(known)), "NOT_SERVING")
    for call in (known, unknown):
        fails("UNAVAILABLE", "shutting down", next, call)
    daemon.stop()
    health.client.disconnect()


@test
def test_limit_on_watchers_counts_health_by_itself():
    with Daemon("--max-watchers=1") as daemon:
        health = Health(daemon.targets["tcp"])
        client = health.client
        client.create("a")
        client.enter("a", "n")
        first = client.watch("a")
        equal(first.next(), (1, "n", []))
        watching = health.watch("")
        equal(name_of(next(watching)), "SERVING")
        details = "the limit of 1 watchers (--max-watchers) is reached"
        refused = health.watch("")
        fails("RESOURCE_EXHAUSTED", details, next, refused)
        equal(refused.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
        client.disconnect()


main(DAEMON)
