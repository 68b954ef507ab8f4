/* scale_oracle.c - asks two parties (oracle.h) for scale() of the same operands; the first difference is printed and ends the run.
 *
 *   build/scale_oracle GOT WANT ROUNDING COUNT SEED      GOT, WANT: model, gemmlowp, definition, rtl;
 *                                                        all corners, then COUNT random operands
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/isa.h"
#include "tests/oracle/oracle.h"

static oracle_party *party_of(const char *name) {
    static const struct {
        const char *name;
        oracle_party *party;
    } parties[] = {
        {"model", oracle_model},
        {"gemmlowp", oracle_gemmlowp},
        {"definition", oracle_definition},
        {"rtl", oracle_rtl},
    };
    for (size_t i = 0; i < sizeof parties / sizeof parties[0]; i++)
        if (strcmp(name, parties[i].name) == 0) return parties[i].party;
    return NULL;
}

static int64_t rounding_of(const char *name) {
    for (size_t i = 0; i < qm_enum_value_count; i++)
        if (strcmp(qm_enum_values[i].field, "rounding") == 0 && strcmp(qm_enum_values[i].name, name) == 0) return qm_enum_values[i].value;
    return -1;
}

static size_t first_difference(const int32_t *got, const int32_t *want, size_t count) {
    size_t i = 0;
    while (i < count && got[i] == want[i]) i++;
    return i;
}

static int compare(oracle_party *got_of, oracle_party *want_of, uint32_t rounding, struct oracle_stream *stream) {
    struct oracle_block block;
    int32_t got[ORACLE_BLOCK], want[ORACLE_BLOCK];
    for (oracle_stream_read(stream, &block); block.count > 0; oracle_stream_read(stream, &block)) {
        got_of(&block, rounding, got);
        want_of(&block, rounding, want);
        size_t i = first_difference(got, want, block.count);
        if (i == block.count) continue;
        printf("scale(%" PRId32 ", %" PRId32 ", %d) is %" PRId32 ", not %" PRId32 "\n", block.x[i], block.multiplier[i], block.shift[i],
               got[i], want[i]);
        return 1;
    }
    return 0;
}

int main(int argc, char **argv) {
    oracle_party *got_of = argc == 6 ? party_of(argv[1]) : NULL;
    oracle_party *want_of = argc == 6 ? party_of(argv[2]) : NULL;
    int64_t rounding = argc == 6 ? rounding_of(argv[3]) : -1;
    if (got_of == NULL || want_of == NULL || rounding < 0) {
        fprintf(stderr,
                "usage: scale_oracle GOT WANT ROUNDING COUNT SEED; parties: model gemmlowp definition rtl; ROUNDING as in spec/isa.def\n");
        return 2;
    }
    struct oracle_stream stream;
    oracle_stream_init(&stream, strtoull(argv[4], NULL, 0), strtoull(argv[5], NULL, 0));
    if (compare(got_of, want_of, (uint32_t)rounding, &stream) != 0) return 1;
    printf("%s: %s and %s are equal for %" PRIu64 " corner and %" PRIu64 " random operands, seed %s\n", argv[3], argv[1], argv[2],
           stream.corner_end, stream.end - stream.corner_end, argv[5]);
    return 0;
}
