/* blocks.c - DEPTH_TO_SPACE, SPACE_TO_DEPTH, SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND: blocks of space as channels, or as a batch. */
#include <string.h>

#include "compiler/frontend/tflite/tflite.h"

enum { BLOCK_MAX = 65535 };

/* The block of both dimensions of a map. False: refused. */
static bool read_block(const struct tflite_operator *o, uint32_t *block) {
    int32_t size = fb_i32(&o->r->fb, &o->options, BLOCK_SIZE, 0);
    *block = (uint32_t)size;
    if (tflite_input(o, 0)->rank != 4)
        tflite_refuse(o, "the input has %u dimensions; it must have 4", tflite_input(o, 0)->rank);
    else if (size < 1 || size > BLOCK_MAX)
        tflite_refuse(o, "the block is %d; it must be 1 to %d", size, BLOCK_MAX);
    o->op->block[1] = o->op->block[2] = *block;
    return o->r->fb.status == QM_OK;
}

void tflite_read_depth_to_space(const struct tflite_operator *o) {
    const uint32_t *in = tflite_input(o, 0)->dims;
    uint32_t block;
    if (!read_block(o, &block)) return;
    if (in[3] % ((uint64_t)block * block) != 0) {
        tflite_refuse(o, "%u channels are no blocks of %ux%u", in[3], block, block);
        return;
    }
    tflite_check_shape(o, 0, 4, (uint32_t[]){in[0], in[1] * block, in[2] * block, in[3] / (block * block)});
}

void tflite_read_space_to_depth(const struct tflite_operator *o) {
    const uint32_t *in = tflite_input(o, 0)->dims;
    uint32_t block;
    if (!read_block(o, &block)) return;
    if (in[1] % block != 0 || in[2] % block != 0) {
        tflite_refuse(o, "%ux%u positions are no blocks of %ux%u", in[1], in[2], block, block);
        return;
    }
    tflite_check_shape(o, 0, 4, (uint32_t[]){in[0], in[1] / block, in[2] / block, in[3] * block * block});
}

/* Reads the block and what is padded or cut, of the dimensions behind the first, and their product. False: refused. */
static bool read_blocks(const struct tflite_operator *o, uint32_t *batches) {
    const struct qm_graph_tensor *in = tflite_input(o, 0);
    int32_t block[QM_MAX_RANK], pads[2 * QM_MAX_RANK];
    uint32_t count = (uint32_t)qm_graph_elements(tflite_input(o, 1));
    if (count + 1 > in->rank) {
        tflite_refuse(o, "blocks of %u dimensions, but the input has %u", count, in->rank);
        return false;
    }
    if (!tflite_read_integers(o, 1, count, block) || !tflite_read_integers(o, 2, 2 * count, pads)) return false;
    for (uint32_t d = 0; d < QM_MAX_RANK; d++) o->op->block[d] = 1;
    *batches = 1;
    for (uint32_t i = 0; i < count; i++) {
        bool fits = block[i] >= 1 && block[i] <= BLOCK_MAX && (uint64_t)*batches * (uint32_t)block[i] <= INT32_MAX;
        if (!fits || pads[2 * i] < 0 || pads[2 * i + 1] < 0) {
            tflite_refuse(o, "dimension %u has a block of %d, and %d and %d around it", i + 1, block[i], pads[2 * i], pads[2 * i + 1]);
            return false;
        }
        o->op->block[i + 1] = (uint32_t)block[i];
        o->op->pads[i + 1].before = (uint32_t)pads[2 * i];
        o->op->pads[i + 1].after = (uint32_t)pads[2 * i + 1];
        *batches *= (uint32_t)block[i];
    }
    return true;
}

void tflite_read_space_to_batch(const struct tflite_operator *o) {
    const struct qm_graph_tensor *in = tflite_input(o, 0);
    uint32_t dims[QM_MAX_RANK], batches;
    if (!read_blocks(o, &batches)) return;
    memcpy(dims, in->dims, sizeof dims);
    dims[0] = tflite_times(o, in->dims[0], batches);
    for (uint32_t d = 1; d < in->rank; d++) {
        uint64_t padded = (uint64_t)in->dims[d] + o->op->pads[d].before + o->op->pads[d].after;
        if (padded % o->op->block[d] != 0) {
            tflite_refuse(o, "%llu padded elements are no blocks of %u", (unsigned long long)padded, o->op->block[d]);
            return;
        }
        dims[d] = (uint32_t)(padded / o->op->block[d]);
    }
    tflite_check_shape(o, 0, in->rank, dims);
    tflite_keep_inputs(o, 1);
}

void tflite_read_batch_to_space(const struct tflite_operator *o) {
    const struct qm_graph_tensor *in = tflite_input(o, 0);
    uint32_t dims[QM_MAX_RANK], batches;
    if (!read_blocks(o, &batches)) return;
    memcpy(dims, in->dims, sizeof dims);
    if (in->dims[0] % batches != 0) tflite_refuse(o, "a batch of %u is no blocks of %u", in->dims[0], batches);
    dims[0] /= batches;
    for (uint32_t d = 1; d < in->rank; d++) {
        uint64_t cut = (uint64_t)o->op->pads[d].before + o->op->pads[d].after, whole = (uint64_t)in->dims[d] * o->op->block[d];
        if (cut >= whole || whole > INT32_MAX) {
            tflite_refuse(o, "%llu of %llu elements are cut", (unsigned long long)cut, (unsigned long long)whole);
            return;
        }
        dims[d] = (uint32_t)(whole - cut);
    }
    tflite_check_shape(o, 0, in->rank, dims);
    tflite_keep_inputs(o, 1);
}
