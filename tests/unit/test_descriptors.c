// SPDX-License-Identifier: Apache-2.0
//
// Finding files, symbols and services in what is known of proto/.

#include <stdio.h>
#include <string.h>

#include "support/test.h"

#include "services/descriptors.h"

#define ELECTION "atomix.runtime.election.v1."
#define ELECTION_FILE "atomix/runtime/election/v1/election.proto"
#define HEALTH_FILE "grpc/health/v1/health.proto"

static int setup(void **state)
{
    static struct descriptors descriptors;

    assert_true(descriptors_init(&descriptors));
    *state = &descriptors;
    return 0;
}

static int teardown(void **state)
{
    descriptors_close(*state);
    return 0;
}

static void expect_in(void **state, const char *symbol, const char *file)
{
    const Google__Protobuf__FileDescriptorProto *found =
        descriptors_find_symbol(*state, symbol);

    if (found == NULL) {
        fail_msg("%s is not found", symbol);
    }
    assert_string_equal(found->name, file);
}

static void expect_unknown(void **state, const char *symbol)
{
    const Google__Protobuf__FileDescriptorProto *found =
        descriptors_find_symbol(*state, symbol);

    if (found != NULL) {
        fail_msg("'%s' is found in %s", symbol, found->name);
    }
}

static void test_every_file_is_found_by_its_name(void **state)
{
    static const char *const files[] = {
        "atomix/runtime/v1/primitive.proto",
        ELECTION_FILE,
        "atomix/runtime/election/v1/elections.proto",
        HEALTH_FILE,
        "grpc/reflection/v1/reflection.proto",
        "grpc/reflection/v1alpha/reflection.proto",
    };

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        const Google__Protobuf__FileDescriptorProto *file =
            descriptors_find_file(*state, files[i]);

        assert_non_null(file);
        assert_string_equal(file->name, files[i]);
    }
}

static void test_file_name_must_be_whole(void **state)
{
    static const char *const names[] = {
        "",
        "election.proto",
        "atomix/runtime/election/v1/election",
        "atomix/runtime/election/v1/election.prot",
        "atomix/runtime/election/v1/election.proto ",
        "/atomix/runtime/election/v1/election.proto",
        "Atomix/runtime/election/v1/election.proto",
        "grpc/health/v1",
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_null(descriptors_find_file(*state, names[i]));
    }
}

static void test_every_import_is_among_the_files(void **state)
{
    const struct descriptors *descriptors = *state;
    unsigned imports = 0;

    for (size_t i = 0; i < descriptors->set->n_file; i++) {
        const Google__Protobuf__FileDescriptorProto *file =
            descriptors->set->file[i];

        for (size_t j = 0; j < file->n_dependency; j++) {
            assert_non_null(
                descriptors_find_file(descriptors, file->dependency[j]));
            imports++;
        }
    }
    assert_true(imports >= 2);
}

static void test_message_is_found(void **state)
{
    expect_in(state, ELECTION "EnterRequest", ELECTION_FILE);
    expect_in(state, ELECTION "Term", ELECTION_FILE);
    expect_in(state, "atomix.runtime.v1.PrimitiveId",
              "atomix/runtime/v1/primitive.proto");
    expect_in(state, "grpc.health.v1.HealthCheckResponse", HEALTH_FILE);
}

static void test_service_and_its_methods_are_found(void **state)
{
    expect_in(state, ELECTION "LeaderElection", ELECTION_FILE);
    expect_in(state, ELECTION "LeaderElection.Watch", ELECTION_FILE);
    expect_in(state, ELECTION "LeaderElections",
              "atomix/runtime/election/v1/elections.proto");
    expect_in(state, ELECTION "LeaderElections.Close",
              "atomix/runtime/election/v1/elections.proto");
    expect_in(state, "grpc.health.v1.Health.Check", HEALTH_FILE);
}

static void test_enumeration_in_a_message_is_found(void **state)
{
    expect_in(state, "grpc.health.v1.HealthCheckResponse.ServingStatus",
              HEALTH_FILE);
    expect_unknown(state, "grpc.health.v1.ServingStatus");
    expect_unknown(state, "grpc.health.v1.HealthCheckRequest.ServingStatus");
}

static void test_versions_of_a_package_are_told_apart(void **state)
{
    expect_in(state, "grpc.reflection.v1.ServerReflection",
              "grpc/reflection/v1/reflection.proto");
    expect_in(state, "grpc.reflection.v1alpha.ServerReflection",
              "grpc/reflection/v1alpha/reflection.proto");
    expect_in(state, "grpc.reflection.v1alpha.ErrorResponse",
              "grpc/reflection/v1alpha/reflection.proto");
    expect_unknown(state, "grpc.reflection.ServerReflection");
    expect_unknown(state, "grpc.reflection.v1al.ServerReflection");
}

static void test_package_alone_is_no_symbol(void **state)
{
    expect_unknown(state, "");
    expect_unknown(state, ".");
    expect_unknown(state, "atomix");
    expect_unknown(state, "atomix.runtime");
    expect_unknown(state, "atomix.runtime.election.v1");
    expect_unknown(state, "atomix.runtime.election.v1.");
    expect_unknown(state, "grpc.health.v1");
}

static void test_part_of_a_symbol_is_none(void **state)
{
    expect_unknown(state, ELECTION "Leader");
    expect_unknown(state, ELECTION "LeaderElectio");
    expect_unknown(state, ELECTION "LeaderElection.Watc");
    expect_unknown(state, ELECTION "EnterReques");
    expect_unknown(state, "EnterRequest");
    expect_unknown(state, "election.v1.EnterRequest");
    expect_unknown(state, "grpc.health.v1.HealthCheckResponse.Serving");
}

static void test_more_than_a_symbol_is_none(void **state)
{
    expect_unknown(state, ELECTION "LeaderElectionss");
    expect_unknown(state, ELECTION "LeaderElection.WatchX");
    expect_unknown(state, ELECTION "LeaderElection.Watch.X");
    expect_unknown(state, ELECTION "EnterRequest.X");
    expect_unknown(state, ELECTION "EnterRequest.EnterRequest");
    expect_unknown(state, "." ELECTION "EnterRequest");
    expect_unknown(state, ELECTION "enterRequest");
    expect_unknown(state, "grpc.health.v1.HealthCheckResponseServingStatus");
    expect_unknown(state, ELECTION "LeaderElectionWatch");
    expect_unknown(state, "grpc.health.v1Health");
    expect_unknown(state, "atomix.runtime.election.v1..EnterRequest");
}

static void test_dot_at_the_end_is_no_part_of_a_symbol(void **state)
{
    expect_unknown(state, ELECTION "EnterRequest.");
    expect_unknown(state, ELECTION "LeaderElection.");
    expect_unknown(state, ELECTION "LeaderElection.Watch.");
    expect_unknown(state, "grpc.health.v1.HealthCheckResponse.");
    expect_unknown(state, "grpc.health.v1.HealthCheckResponse.ServingStatus.");
}

static void test_service_is_found_with_its_methods(void **state)
{
    const Google__Protobuf__ServiceDescriptorProto *service =
        descriptors_find_service(*state, ELECTION "LeaderElection");

    assert_non_null(service);
    assert_string_equal(service->name, "LeaderElection");
    assert_int_equal(service->n_method, 10);
    assert_true(service->method[9]->server_streaming);
    assert_false(service->method[9]->client_streaming);
    assert_false(service->method[0]->server_streaming);

    service = descriptors_find_service(*state, ELECTION "LeaderElections");
    assert_non_null(service);
    assert_int_equal(service->n_method, 2);

    service = descriptors_find_service(
        *state, "grpc.reflection.v1alpha.ServerReflection");
    assert_non_null(service);
    assert_true(service->method[0]->client_streaming);
    assert_true(service->method[0]->server_streaming);
}

static void test_what_is_no_service_is_not_found_as_one(void **state)
{
    static const char *const names[] = {
        "",
        "LeaderElection",
        ELECTION "EnterRequest",
        ELECTION "LeaderElection.Watch",
        ELECTION "LeaderElection.",
        ELECTION "LeaderElectio",
        ELECTION "LeaderElectionss",
        "grpc.health.v1.HealthCheckResponse.ServingStatus",
        "grpc.health.v1.LeaderElection",
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_null(descriptors_find_service(*state, names[i]));
    }
}

// What no file of proto/ has: nested messages, enumerations outside of them,
// two services in one file.
static void test_all_that_a_file_may_declare_is_found(void **state)
{
    Google__Protobuf__FileDescriptorSet set =
        GOOGLE__PROTOBUF__FILE_DESCRIPTOR_SET__INIT;
    Google__Protobuf__FileDescriptorProto file =
        GOOGLE__PROTOBUF__FILE_DESCRIPTOR_PROTO__INIT;
    Google__Protobuf__EnumDescriptorProto color =
        GOOGLE__PROTOBUF__ENUM_DESCRIPTOR_PROTO__INIT;
    Google__Protobuf__DescriptorProto outer =
        GOOGLE__PROTOBUF__DESCRIPTOR_PROTO__INIT;
    Google__Protobuf__DescriptorProto inner =
        GOOGLE__PROTOBUF__DESCRIPTOR_PROTO__INIT;
    Google__Protobuf__ServiceDescriptorProto longer =
        GOOGLE__PROTOBUF__SERVICE_DESCRIPTOR_PROTO__INIT;
    Google__Protobuf__ServiceDescriptorProto shorter =
        GOOGLE__PROTOBUF__SERVICE_DESCRIPTOR_PROTO__INIT;
    char names[][8] = {"f.proto", "p.q",     "Color", "Outer",
                       "Inner",   "Painter", "Paint"};
    struct descriptors own = {.set = &set};
    void *descriptors = &own;

    (void)state;
    file.name = names[0];
    file.package = names[1];
    color.name = names[2];
    outer.name = names[3];
    inner.name = names[4];
    longer.name = names[5];
    shorter.name = names[6];
    inner.enum_type = (Google__Protobuf__EnumDescriptorProto *[]){&color};
    inner.n_enum_type = 1;
    outer.nested_type = (Google__Protobuf__DescriptorProto *[]){&inner};
    outer.n_nested_type = 1;
    file.enum_type = inner.enum_type;
    file.n_enum_type = 1;
    file.message_type = (Google__Protobuf__DescriptorProto *[]){&outer};
    file.n_message_type = 1;
    file.service =
        (Google__Protobuf__ServiceDescriptorProto *[]){&longer, &shorter};
    file.n_service = 2;
    set.file = (Google__Protobuf__FileDescriptorProto *[]){&file};
    set.n_file = 1;

    expect_in(&descriptors, "p.q.Color", "f.proto");
    expect_in(&descriptors, "p.q.Outer", "f.proto");
    expect_in(&descriptors, "p.q.Outer.Inner", "f.proto");
    expect_in(&descriptors, "p.q.Outer.Inner.Color", "f.proto");
    expect_unknown(&descriptors, "p.q.Inner");
    expect_unknown(&descriptors, "p.q.Outer.Color");
    expect_unknown(&descriptors, "p.q.Color.Outer");
    assert_ptr_equal(descriptors_find_service(descriptors, "p.q.Paint"),
                     &shorter);
    assert_ptr_equal(descriptors_find_service(descriptors, "p.q.Painter"),
                     &longer);
    assert_null(descriptors_find_service(descriptors, "p.q.Pain"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_file_is_found_by_its_name),
        cmocka_unit_test(test_file_name_must_be_whole),
        cmocka_unit_test(test_every_import_is_among_the_files),
        cmocka_unit_test(test_message_is_found),
        cmocka_unit_test(test_service_and_its_methods_are_found),
        cmocka_unit_test(test_enumeration_in_a_message_is_found),
        cmocka_unit_test(test_versions_of_a_package_are_told_apart),
        cmocka_unit_test(test_package_alone_is_no_symbol),
        cmocka_unit_test(test_part_of_a_symbol_is_none),
        cmocka_unit_test(test_more_than_a_symbol_is_none),
        cmocka_unit_test(test_dot_at_the_end_is_no_part_of_a_symbol),
        cmocka_unit_test(test_service_is_found_with_its_methods),
        cmocka_unit_test(test_what_is_no_service_is_not_found_as_one),
        cmocka_unit_test(test_all_that_a_file_may_declare_is_found),
    };

    return cmocka_run_group_tests_name("descriptors", tests, setup, teardown);
}
