/* emulated_vnni.c - compiles kernels_vnni.c itself, with the names of its intrinsics and of their vectors made those of functions here.
 *
 * Each function does what the instruction set's manual says of the instruction [published: Intel 64 and IA-32 Architectures Software
 * Developer's Manual, volume 2]. Vectors of 128 bits and their instructions are those of every x86-64 processor and stay.
 */
#include "tests/unit/sim/functional/emulated_vnni.h"

#ifdef __x86_64__

#include <immintrin.h>
#include <string.h>

typedef union {
    uint8_t bytes[64];
    int8_t signed_bytes[64];
    uint32_t words[16];
} vector512;

static vector512 load512(const void *from) {
    vector512 v;
    memcpy(&v, from, sizeof v);
    return v;
}

static void store512(void *to, vector512 v) {
    memcpy(to, &v, sizeof v);
}

static vector512 set_words(uint32_t word) {
    vector512 v;
    for (int i = 0; i < 16; i++) v.words[i] = word;
    return v;
}

static vector512 set_bytes(char byte) {
    return set_words((uint8_t)byte * 0x01010101u);
}

static vector512 insert128(vector512 v, __m128i part, int at) {
    memcpy(v.bytes + 16 * at, &part, sizeof part);
    return v;
}

static vector512 repeat128(__m128i part) {
    return insert128(insert128(insert128(insert128(set_words(0), part, 0), part, 1), part, 2), part, 3);
}

static vector512 xor512(vector512 a, vector512 b) {
    for (int i = 0; i < 16; i++) a.words[i] ^= b.words[i];
    return a;
}

static vector512 add_words(vector512 a, vector512 b) {
    for (int i = 0; i < 16; i++) a.words[i] += b.words[i];
    return a;
}

static vector512 subtract_words(vector512 a, vector512 b) {
    for (int i = 0; i < 16; i++) a.words[i] -= b.words[i];
    return a;
}

static vector512 permute_words(vector512 order, vector512 a) {
    vector512 v;
    for (int i = 0; i < 16; i++) v.words[i] = a.words[order.words[i] & 15];
    return v;
}

/* Within each 128 bits. */
static vector512 shuffle_bytes(vector512 a, vector512 order) {
    vector512 v;
    for (int i = 0; i < 64; i++) v.bytes[i] = order.bytes[i] & 0x80 ? 0 : a.bytes[i / 16 * 16 + (order.bytes[i] & 15)];
    return v;
}

/* Unsigned bytes of a times signed ones of b, four products a lane, without saturation. */
static vector512 add_dot_products(vector512 sums, vector512 a, vector512 b) {
    for (int i = 0; i < 64; i++) sums.words[i / 4] += (uint32_t)(a.bytes[i] * b.signed_bytes[i]);
    return sums;
}

/* Lanes that the mask has not are neither read nor written. */
static __m128i load_bytes(__mmask16 mask, const void *from) {
    uint8_t bytes[16] = {0};
    for (int i = 0; i < 16; i++)
        if (mask >> i & 1) bytes[i] = ((const uint8_t *)from)[i];
    return _mm_loadu_si128((const __m128i *)bytes);
}

static vector512 load_words(__mmask16 mask, const int32_t *from) {
    vector512 v = set_words(0);
    for (int i = 0; i < 16; i++)
        if (mask >> i & 1) v.words[i] = (uint32_t)from[i];
    return v;
}

static void store_words(int32_t *to, __mmask16 mask, vector512 v) {
    for (int i = 0; i < 16; i++)
        if (mask >> i & 1) to[i] = (int32_t)v.words[i];
}

#undef _mm512_setr_epi32
#define __m512i                   vector512
#define _mm512_loadu_si512        load512
#define _mm512_storeu_si512       store512
#define _mm512_setzero_si512()    set_words(0)
#define _mm512_set1_epi32(word)   set_words((uint32_t)(word))
#define _mm512_set1_epi8          set_bytes
#define _mm512_setr_epi32(...)    load512((const uint32_t[]){__VA_ARGS__})
#define _mm512_broadcast_i32x4    repeat128
#define _mm512_castsi128_si512(x) insert128(set_words(0), x, 0)
#define _mm512_inserti32x4        insert128
#define _mm512_xor_si512          xor512
#define _mm512_add_epi32          add_words
#define _mm512_sub_epi32          subtract_words
#define _mm512_permutexvar_epi32  permute_words
#define _mm512_shuffle_epi8       shuffle_bytes
#define _mm512_dpbusd_epi32       add_dot_products
#define _mm512_maskz_loadu_epi32  load_words
#define _mm512_mask_storeu_epi32  store_words
#define _mm_maskz_loadu_epi8      load_bytes

/* Functions are compiled for the processor at hand, which need not have the instructions. */
#define target(...)
#undef __builtin_cpu_supports
#define __builtin_cpu_supports(name) true
#define kernel_vnni                  emulated_vnni

#include "sim/functional/fast/kernels_vnni.c"

#endif
