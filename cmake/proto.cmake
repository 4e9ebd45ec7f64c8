# SPDX-License-Identifier: Apache-2.0
#
# electd-proto: everything generated from proto/ in C, below <build>/gen. That
# is protobuf-c's code, and the descriptor set of all protos as a constant.

set(ELECTD_GEN_DIR "${PROJECT_BINARY_DIR}/gen")
set(proto_dir "${PROJECT_SOURCE_DIR}/proto")
file(GLOB_RECURSE ELECTD_PROTOS RELATIVE "${proto_dir}" CONFIGURE_DEPENDS
     "${proto_dir}/*.proto"
)
list(
    TRANSFORM ELECTD_PROTOS
    PREPEND "${proto_dir}/"
    OUTPUT_VARIABLE proto_files
)
file(MAKE_DIRECTORY "${ELECTD_GEN_DIR}")

# v1alpha of reflection has the messages of v1, byte for byte on the wire.
# Reflection itself needs to read descriptors.
set(c_protos ${ELECTD_PROTOS})
list(FILTER c_protos EXCLUDE REGEX "^grpc/reflection/v1alpha/")
list(APPEND c_protos google/protobuf/descriptor.proto)
list(APPEND c_protos google/protobuf/duration.proto)

set(sources)
foreach(proto IN LISTS c_protos)
    string(REGEX REPLACE "\\.proto$" ".pb-c" output ${proto})
    string(PREPEND output "${ELECTD_GEN_DIR}/")
    add_custom_command(
        OUTPUT "${output}.c" "${output}.h"
        COMMAND ${PROTOC_C} "-I${proto_dir}" "-I${PROTOBUF_INCLUDE_DIR}"
                "--c_out=${ELECTD_GEN_DIR}" ${proto}
        DEPENDS ${proto_files}
        COMMENT "protoc-c ${proto}"
        VERBATIM
    )
    list(APPEND sources "${output}.c")
endforeach()

set(descriptor_set "${ELECTD_GEN_DIR}/descriptor_set")
add_custom_command(
    OUTPUT "${descriptor_set}.binpb"
    COMMAND ${PROTOC} "-I${proto_dir}" "-I${PROTOBUF_INCLUDE_DIR}"
            --include_imports "--descriptor_set_out=${descriptor_set}.binpb"
            ${ELECTD_PROTOS}
    DEPENDS ${proto_files}
    COMMENT "protoc descriptor_set.binpb"
    VERBATIM
)
add_custom_command(
    OUTPUT "${descriptor_set}.c" "${descriptor_set}.h"
    COMMAND ${CMAKE_COMMAND} "-DINPUT=${descriptor_set}.binpb"
            "-DOUTPUT=${descriptor_set}" -DNAME=descriptor_set -P
            "${PROJECT_SOURCE_DIR}/cmake/embed.cmake"
    DEPENDS "${descriptor_set}.binpb" cmake/embed.cmake
    COMMENT "Embed descriptor_set.binpb"
    VERBATIM
)

add_library(electd-proto STATIC ${sources} "${descriptor_set}.c")
target_include_directories(electd-proto SYSTEM PUBLIC "${ELECTD_GEN_DIR}")
target_link_libraries(electd-proto PUBLIC PkgConfig::PROTOBUF_C)
