// SPDX-License-Identifier: Apache-2.0
//
// Compressed messages, whole and broken, in pieces of every size.

#include <grpc/grpc.h>
#include <stdbool.h>
#include <string.h>
#include <zlib.h>

#include "support/test.h"

#include "rpc/inflate.h"

#define SIZE_MAX_HERE 1000
#define PACKED_MAX 8192

static const grpc_compression_algorithm algorithms[] = {GRPC_COMPRESS_GZIP,
                                                        GRPC_COMPRESS_DEFLATE};

// Letters that zlib cannot make much smaller, or that it can.
static void fill(uint8_t *bytes, size_t size, bool is_varied)
{
    uint32_t number = 1;

    for (size_t i = 0; i < size; i++) {
        number = number * 1664525 + 1013904223;
        bytes[i] = is_varied ? (uint8_t)(number >> 24) : 'a';
    }
}

static size_t pack(grpc_compression_algorithm algorithm, const uint8_t *bytes,
                   size_t size, uint8_t packed[PACKED_MAX])
{
    int bits = algorithm == GRPC_COMPRESS_GZIP ? 15 + 16 : 15;
    z_stream stream = {.avail_in = 0};

    assert_int_equal(deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, bits,
                                  8, Z_DEFAULT_STRATEGY),
                     Z_OK);
    stream.next_in = (uint8_t *)(uintptr_t)bytes;
    stream.avail_in = (uInt)size;
    stream.next_out = packed;
    stream.avail_out = PACKED_MAX;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    deflateEnd(&stream);
    return PACKED_MAX - stream.avail_out;
}

// As it comes from the wire, in pieces; between them empty ones.
static grpc_byte_buffer *buffer_of(grpc_compression_algorithm algorithm,
                                   const uint8_t *packed, size_t size,
                                   size_t piece)
{
    grpc_byte_buffer *buffer =
        grpc_raw_compressed_byte_buffer_create(NULL, 0, algorithm);
    grpc_slice_buffer *slices = &buffer->data.raw.slice_buffer;

    while (size > 0) {
        size_t part = size < piece ? size : piece;

        grpc_slice_buffer_add_indexed(
            slices, grpc_slice_from_copied_buffer((const char *)packed, part));
        grpc_slice_buffer_add_indexed(slices, grpc_empty_slice());
        packed += part;
        size -= part;
    }
    return buffer;
}

static enum rpc_inflated inflate_pieces(grpc_compression_algorithm algorithm,
                                        const uint8_t *packed, size_t size,
                                        size_t piece, grpc_slice *slice)
{
    grpc_byte_buffer *buffer = buffer_of(algorithm, packed, size, piece);
    enum rpc_inflated result = rpc_inflate(buffer, SIZE_MAX_HERE, slice);

    grpc_byte_buffer_destroy(buffer);
    return result;
}

static void expect_same(grpc_compression_algorithm algorithm,
                        const uint8_t *bytes, size_t size)
{
    uint8_t packed[PACKED_MAX];
    size_t packed_size = pack(algorithm, bytes, size, packed);
    grpc_slice slice;

    for (size_t piece = 1; piece <= packed_size; piece += 1 + piece / 4) {
        assert_int_equal(
            inflate_pieces(algorithm, packed, packed_size, piece, &slice),
            RPC_INFLATED);
        assert_int_equal(GRPC_SLICE_LENGTH(slice), size);
        assert_memory_equal(GRPC_SLICE_START_PTR(slice), bytes, size);
        grpc_slice_unref(slice);
    }
}

static void expect_not(enum rpc_inflated expected,
                       grpc_compression_algorithm algorithm,
                       const uint8_t *packed, size_t size)
{
    grpc_slice slice;

    for (size_t piece = 1; piece <= size; piece += 1 + piece / 4) {
        assert_int_equal(inflate_pieces(algorithm, packed, size, piece, &slice),
                         expected);
    }
}

static void test_what_fits_is_unpacked(void **state)
{
    static const size_t sizes[] = {0, 1, 500, SIZE_MAX_HERE - 1, SIZE_MAX_HERE};
    uint8_t bytes[SIZE_MAX_HERE];

    (void)state;
    for (size_t i = 0; i < 2 * sizeof sizes / sizeof sizes[0]; i++) {
        fill(bytes, sizeof bytes, i % 2 == 0);
        expect_same(GRPC_COMPRESS_GZIP, bytes, sizes[i / 2]);
        expect_same(GRPC_COMPRESS_DEFLATE, bytes, sizes[i / 2]);
    }
}

static void test_what_is_larger_is_not(void **state)
{
    static uint8_t bytes[1000000];
    uint8_t packed[PACKED_MAX];

    (void)state;
    fill(bytes, sizeof bytes, false);
    for (size_t i = 0; i < 2; i++) {
        expect_not(RPC_INFLATED_TOO_MUCH, algorithms[i], packed,
                   pack(algorithms[i], bytes, SIZE_MAX_HERE + 1, packed));
        expect_not(RPC_INFLATED_TOO_MUCH, algorithms[i], packed,
                   pack(algorithms[i], bytes, sizeof bytes, packed));
    }
}

static void test_what_ends_early_or_late_is_broken(void **state)
{
    uint8_t bytes[200];
    uint8_t packed[PACKED_MAX];

    (void)state;
    fill(bytes, sizeof bytes, true);
    for (size_t i = 0; i < 2; i++) {
        size_t size = pack(algorithms[i], bytes, sizeof bytes, packed);

        for (size_t cut = 1; cut < size; cut++) {
            expect_not(RPC_INFLATED_BROKEN, algorithms[i], packed, cut);
        }
        packed[size] = 0;
        expect_not(RPC_INFLATED_BROKEN, algorithms[i], packed, size + 1);
    }
}

static void test_other_bytes_are_broken(void **state)
{
    uint8_t bytes[200];
    uint8_t packed[PACKED_MAX];
    size_t size;

    (void)state;
    fill(bytes, sizeof bytes, true);
    expect_not(RPC_INFLATED_BROKEN, GRPC_COMPRESS_GZIP, bytes, sizeof bytes);
    expect_not(RPC_INFLATED_BROKEN, GRPC_COMPRESS_DEFLATE, bytes, sizeof bytes);
    // The one for the other.
    size = pack(GRPC_COMPRESS_GZIP, bytes, sizeof bytes, packed);
    expect_not(RPC_INFLATED_BROKEN, GRPC_COMPRESS_DEFLATE, packed, size);
    size = pack(GRPC_COMPRESS_DEFLATE, bytes, sizeof bytes, packed);
    expect_not(RPC_INFLATED_BROKEN, GRPC_COMPRESS_GZIP, packed, size);
    // A wrong checksum.
    packed[size - 1] ^= 1;
    expect_not(RPC_INFLATED_BROKEN, GRPC_COMPRESS_DEFLATE, packed, size);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_fits_is_unpacked),
        cmocka_unit_test(test_what_is_larger_is_not),
        cmocka_unit_test(test_what_ends_early_or_late_is_broken),
        cmocka_unit_test(test_other_bytes_are_broken),
    };
    int failed;

    grpc_init();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    grpc_shutdown_blocking();
    return failed;
}
