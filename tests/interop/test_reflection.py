# SPDX-License-Identifier: Apache-2.0
"""Reflection, as a tool uses it that has nothing but the daemon's address: it
makes descriptors of the answers, and calls by them of the descriptors."""

import functools
import queue

from google.protobuf import descriptor_pb2
from google.protobuf import descriptor_pool
from google.protobuf import message_factory

import grpc

from grpc_reflection.v1 import reflection_pb2
from grpc_reflection.v1 import reflection_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2 as alpha_pb2
from grpc_reflection.v1alpha import reflection_pb2_grpc as alpha_pb2_grpc

from harness import Client, Daemon, check, equal, fails, main, new_name
from harness import DEADLINE_S, test_on_each_transport

DAEMON = Daemon()

VERSIONS = {
    "v1": (reflection_pb2, reflection_pb2_grpc),
    "v1alpha": (alpha_pb2, alpha_pb2_grpc),
}
ELECTION = "atomix.runtime.election.v1.LeaderElection"
SERVICES = [
    "atomix.runtime.election.v1.LeaderElection",
    "atomix.runtime.election.v1.LeaderElections",
    "electd.v1.Candidacy",
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
]
NOT_FOUND = grpc.StatusCode.NOT_FOUND.value[0]


class Reflection:
    """Asks the questions of one version of the protocol."""

    def __init__(self, client, version):
        self.messages, stubs = VERSIONS[version]
        self.stub = stubs.ServerReflectionStub(client.channel)

    def ask(self, *questions):
        """The answers to all questions, asked in one stream."""
        requests = [
            self.messages.ServerReflectionRequest(host="here", **question)
            for question in questions
        ]
        answers = list(
            self.stub.ServerReflectionInfo(iter(requests), timeout=DEADLINE_S)
        )
        for request, answer in zip(requests, answers):
            equal(answer.valid_host, "here")
            equal(answer.original_request, request)
        return answers

    def begin(self, questions):
        """A stream that has answered once and waits for what is put into the
        queue."""
        answers = self.stub.ServerReflectionInfo(
            iter(questions.get, None), timeout=DEADLINE_S
        )
        questions.put(self.messages.ServerReflectionRequest(list_services=""))
        check(next(answers).HasField("list_services_response"), "no list")
        return answers

    def services(self):
        (answer,) = self.ask({"list_services": ""})
        listed = answer.list_services_response.service
        return [service.name for service in listed]

    def files(self, **question):
        """The files of the answer, in its order."""
        (answer,) = self.ask(question)
        equal(answer.WhichOneof("message_response"), "file_descriptor_response")
        return [
            descriptor_pb2.FileDescriptorProto.FromString(file)
            for file in answer.file_descriptor_response.file_descriptor_proto
        ]

    def refusal(self, **question):
        (answer,) = self.ask(question)
        equal(answer.WhichOneof("message_response"), "error_response")
        error = answer.error_response
        return error.error_code, error.error_message

    def pool(self):
        """All that there is, found from the names of the services."""
        pool = descriptor_pool.DescriptorPool()
        known = set()
        for service in self.services():
            for file in reversed(self.files(file_containing_symbol=service)):
                if file.name not in known:
                    # Fails for a file whose imports are not there yet.
                    pool.Add(file)
                    known.add(file.name)
        return pool


@functools.cache
def client_of(transport):
    return Client(DAEMON.targets[transport])


def each_reflection(transport):
    return [Reflection(client_of(transport), version) for version in VERSIONS]


@test_on_each_transport
def test_all_services_are_listed(transport):
    for reflection in each_reflection(transport):
        equal(sorted(reflection.services()), SERVICES)


@test_on_each_transport
def test_call_can_be_made_by_what_reflection_tells(transport):
    client = client_of(transport)
    for reflection in each_reflection(transport):
        pool = reflection.pool()
        factory = message_factory.MessageFactory(pool)
        service = pool.FindServiceByName(ELECTION)
        method = service.FindMethodByName("GetTerm")
        request_type = factory.GetPrototype(method.input_type)
        response_type = factory.GetPrototype(method.output_type)
        call = client.channel.unary_unary(
            f"/{service.full_name}/{method.name}",
            request_serializer=request_type.SerializeToString,
            response_deserializer=response_type.FromString,
        )
        election = client.create(new_name())
        client.enter(election, "a")
        client.enter(election, "b")
        request = request_type()
        request.id.name = election
        term = call(request, timeout=DEADLINE_S).term
        equal((term.term, term.leader), (1, "a"))
        equal(list(term.candidates), ["b"])


@test_on_each_transport
def test_every_method_that_is_told_of_is_served(transport):
    client = client_of(transport)
    methods = 0
    for reflection in each_reflection(transport):
        pool = reflection.pool()
        for name in SERVICES:
            for method in pool.FindServiceByName(name).methods:
                methods += 1
                # Bytes that are no message of any kind.
                path = f"/{name}/{method.name}"
                if method.containing_service.name == "ServerReflection":
                    call = client.channel.stream_stream(path)
                    answers = call(iter([b"\x80"]), timeout=DEADLINE_S)
                    fails("INTERNAL", None, list, answers)
                elif method.name == "Watch":
                    fails("INTERNAL", None, client.raw_stream, path, b"\x80")
                else:
                    fails("INTERNAL", None, client.raw, path, b"\x80")
    equal(methods, 2 * (10 + 2 + 2 + 2 + 1 + 1))


@test_on_each_transport
def test_file_comes_in_front_of_its_imports(transport):
    for reflection in each_reflection(transport):
        files = reflection.files(
            file_by_filename="atomix/runtime/election/v1/elections.proto"
        )
        equal(
            [file.name for file in files],
            [
                "atomix/runtime/election/v1/elections.proto",
                "atomix/runtime/election/v1/election.proto",
                "atomix/runtime/v1/primitive.proto",
            ],
        )


@test_on_each_transport
def test_symbols_of_every_kind_are_found(transport):
    for symbol, name in {
        "atomix.runtime.v1.PrimitiveId": "atomix/runtime/v1/primitive.proto",
        ELECTION: "atomix/runtime/election/v1/election.proto",
        ELECTION + ".Watch": "atomix/runtime/election/v1/election.proto",
        ELECTION + "s": "atomix/runtime/election/v1/elections.proto",
        "grpc.health.v1.HealthCheckResponse.ServingStatus": (
            "grpc/health/v1/health.proto"
        ),
    }.items():
        for reflection in each_reflection(transport):
            files = reflection.files(file_containing_symbol=symbol)
            equal(files[0].name, name)


@test_on_each_transport
def test_what_does_not_exist_is_not_found(transport):
    for reflection in each_reflection(transport):
        for question, message in (
            ({"file_by_filename": "election.proto"}, "not found"),
            ({"file_by_filename": ""}, "not found"),
            ({"file_containing_symbol": ELECTION[:-1]}, "not found"),
            ({"file_containing_symbol": ELECTION + "."}, "not found"),
            ({"file_containing_symbol": "atomix"}, "not found"),
            ({"file_containing_symbol": ""}, "not found"),
            ({"all_extension_numbers_of_type": "x"}, "type not found"),
            (
                {
                    "file_containing_extension": {
                        "containing_type": ELECTION,
                        "extension_number": 1,
                    }
                },
                "extension not found",
            ),
        ):
            equal(reflection.refusal(**question), (NOT_FOUND, message))


@test_on_each_transport
def test_no_message_has_extensions(transport):
    for reflection in each_reflection(transport):
        name = "atomix.runtime.election.v1.Term"
        (answer,) = reflection.ask({"all_extension_numbers_of_type": name})
        answer = answer.all_extension_numbers_response
        equal(answer.base_type_name, name)
        equal(list(answer.extension_number), [])


@test_on_each_transport
def test_stream_takes_many_questions_and_survives_wrong_ones(transport):
    for reflection in each_reflection(transport):
        answers = reflection.ask(
            {"list_services": ""},
            {"file_by_filename": "nothing"},
            {},
            {"file_containing_symbol": ELECTION},
            *[{"list_services": "*"}] * 50,
        )
        equal(len(answers), 54)
        equal(
            [answer.WhichOneof("message_response") for answer in answers[:5]],
            [
                "list_services_response",
                "error_response",
                "error_response",
                "file_descriptor_response",
                "list_services_response",
            ],
        )
        equal(
            answers[2].error_response.error_message,
            "message_request is missing",
        )


@test_on_each_transport
def test_stream_without_questions_ends_well(transport):
    for reflection in each_reflection(transport):
        equal(reflection.ask(), [])


@test_on_each_transport
def test_bad_bytes_end_the_stream(transport):
    for version in VERSIONS:
        path = f"/grpc.reflection.{version}.ServerReflection/"
        call = client_of(transport).channel.stream_stream(
            path + "ServerReflectionInfo"
        )
        for request, code, details in (
            (
                b"\x22\x01\xff",
                "INVALID_ARGUMENT",
                "file_containing_symbol is not UTF-8 (at byte 0)",
            ),
            (
                b"\x1a\x02a\0",
                "INVALID_ARGUMENT",
                "file_by_filename holds a control character (at byte 1)",
            ),
            (
                b"\x80",
                "INTERNAL",
                "the request does not parse as "
                "grpc.reflection.v1.ServerReflectionRequest",
            ),
            (b"\x7a\x80\x80\x02" + bytes(32768), "RESOURCE_EXHAUSTED", None),
        ):
            answers = call(
                iter([b"\x3a\x00", request, b"\x3a\x00"]), timeout=DEADLINE_S
            )
            check(b"LeaderElection" in next(answers), "no list of services")
            fails(code, details, next, answers)


@test_on_each_transport
def test_shutdown_ends_open_streams_as_unavailable(transport):
    daemon = Daemon()
    with Client(daemon.targets[transport]) as client:
        streams = []
        for version in VERSIONS:
            reflection = Reflection(client, version)
            questions = queue.Queue()
            streams.append((questions, reflection.begin(questions)))
        daemon.terminate()
        for questions, answers in streams:
            fails("UNAVAILABLE", "shutting down", next, answers)
            questions.put(None)
    daemon.stop()


main(DAEMON)
