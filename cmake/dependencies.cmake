# SPDX-License-Identifier: Apache-2.0
#
# What electd is made of and the tools that generate parts of it.

include(CheckSymbolExists)
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

pkg_check_modules(GRPC REQUIRED IMPORTED_TARGET grpc)
pkg_check_modules(PROTOBUF_C REQUIRED IMPORTED_TARGET libprotobuf-c)
pkg_check_modules(UV REQUIRED IMPORTED_TARGET libuv)
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(JEMALLOC REQUIRED IMPORTED_TARGET jemalloc)

find_path(UTHASH_INCLUDE_DIR uthash.h REQUIRED)
add_library(uthash INTERFACE IMPORTED)
target_include_directories(uthash INTERFACE "${UTHASH_INCLUDE_DIR}")

find_library(UNISTRING_LIBRARY unistring REQUIRED)
find_path(UNISTRING_INCLUDE_DIR unistr.h REQUIRED)
add_library(unistring INTERFACE IMPORTED)
target_include_directories(unistring INTERFACE "${UNISTRING_INCLUDE_DIR}")
target_link_libraries(unistring INTERFACE "${UNISTRING_LIBRARY}")

find_program(PROTOC protoc REQUIRED)
find_program(PROTOC_C protoc-c REQUIRED)
find_path(PROTOBUF_INCLUDE_DIR google/protobuf/descriptor.proto REQUIRED)

# Newer gRPC logs through Abseil and has no such function.
set(CMAKE_REQUIRED_LIBRARIES PkgConfig::GRPC)
check_symbol_exists(
    gpr_set_log_function grpc/support/log.h HAVE_GPR_SET_LOG_FUNCTION
)
unset(CMAKE_REQUIRED_LIBRARIES)
set(ELECTD_GRPC_FEATURES)
if(HAVE_GPR_SET_LOG_FUNCTION)
    list(APPEND ELECTD_GRPC_FEATURES HAVE_GPR_SET_LOG_FUNCTION)
endif()
