/* operands.c - the stream of operands: corners first, then random ones of three kinds.
 *
 * Uniform operands almost never meet a tie, and most of their results are 0 or saturated. So a third has a shift that suits the product,
 * and a third is at a tie or next to one: x = odd * 2^a and multiplier = odd * 2^b lie at a tie where 31 - shift = a + b + 1,
 * and half a unit as the addend makes an integer of it (OFFSET: half a step is 2^20).
 */
#include "tests/oracle/oracle.h"

static void add_corner(struct oracle_stream *stream, uint32_t value) {
    for (uint64_t i = 0; i < stream->corner_values; i++)
        if ((uint32_t)stream->corners[i] == value) return;
    stream->corners[stream->corner_values++] = (int32_t)value;
}

void oracle_stream_init(struct oracle_stream *stream, uint64_t random_count, uint64_t seed) {
    *stream = (struct oracle_stream){.random = seed};
    for (int bit = 0; bit < 32; bit++)
        for (uint32_t near = 0; near < 3; near++) {
            uint32_t value = ((uint32_t)1 << bit) + near - 1;
            add_corner(stream, value);
            add_corner(stream, 0 - value);
        }
    stream->corner_end = 256 * stream->corner_values * stream->corner_values;
    stream->end = stream->corner_end + random_count;
}

/* SplitMix64 [published: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014]. */
static uint64_t draw(struct oracle_stream *stream) {
    uint64_t z = stream->random += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static void set_corner(struct oracle_stream *stream, struct oracle_block *block, size_t i) {
    uint64_t values = stream->corner_values;
    block->x[i] = stream->corners[stream->next % values];
    block->multiplier[i] = stream->corners[stream->next / values % values];
    block->shift[i] = (int8_t)((int64_t)(stream->next / values / values) - 128);
    block->addend[i] = stream->corners[draw(stream) % values];
}

static void set_random(struct oracle_stream *stream, struct oracle_block *block, size_t i) {
    uint64_t words = draw(stream), bits = draw(stream);
    uint32_t kind = bits % 3;
    uint32_t a = bits >> 8 & 31, b = bits >> 16 & 31, beside = (bits >> 24) % 3, width = bits >> 32 & 31;
    uint32_t x = (uint32_t)words, multiplier = (uint32_t)(words >> 32);
    int shift = (int)(bits >> 40 & 255) - 128;
    uint32_t addend = (uint32_t)draw(stream);
    if (kind == 1) {
        x = (uint32_t)((int32_t)x >> width);
        multiplier = multiplier >> 2 | 1u << 30;
        shift = (int)(width + (bits >> 40 & 7)) - 31;
    } else if (kind == 2) {
        x = ((x | 1) << a) + beside - 1;
        multiplier = (multiplier | 1) << b;
        shift = 30 - (int)(a + b);
        addend = (bits >> 40 & 1) == 0 ? ((uint32_t)1 << (a + b) % 32) + beside - 1 : (uint32_t)(bits >> 41 & 4095) << 20;
    }
    block->x[i] = (int32_t)x;
    block->multiplier[i] = (int32_t)multiplier;
    block->shift[i] = (int8_t)shift;
    block->addend[i] = (int32_t)addend;
}

void oracle_stream_read(struct oracle_stream *stream, struct oracle_block *block) {
    block->count = 0;
    for (; block->count < ORACLE_BLOCK && stream->next < stream->end; stream->next++) {
        if (stream->next < stream->corner_end)
            set_corner(stream, block, block->count++);
        else
            set_random(stream, block, block->count++);
    }
}
