/* requantize.c - REQUANTIZE without time: bias, scale per channel, the sum with a residual, zero point, clamp; then the table, or packing
 * to 4, 16 or 32 bits. */
#include "common/fixed_point.h"
#include "common/precision.h"
#include "sim/functional/fast/fast.h"
#include "sim/functional/fast/narrow.h"
#include "sim/functional/fast/operand.h"
#include "sim/functional/fast/scale.h"

static int32_t read_i32(const uint8_t *bytes) {
    return (int32_t)((uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24);
}

/* int32 bias[cols], int32 multiplier[cols], int8 shift[cols], little-endian. */
static void read_params(const uint8_t *params, int64_t cols, struct scale *scale) {
    for (int64_t c = 0; c < scale->n; c++) {
        scale->bias[c] = read_i32(params + 4 * c);
        scale->multiplier[c] = read_i32(params + 4 * (cols + c));
        scale->shift[c] = (int8_t)params[8 * cols + c];
    }
    scale_prepare(scale);
}

static void write_little_endian(uint8_t *out, uint32_t value, int64_t size) {
    for (int64_t i = 0; i < size; i++) out[i] = (uint8_t)(value >> (8 * i));
}

/* Elements of two or four bytes. */
static void requantize_wide(const struct qm_insn *insn, const struct scale *scale, struct scale_rows row, uint8_t *out) {
    int32_t scaled[SCALE_LANES];
    scaler_best()->words(scale, row, scaled, SCALE_LANES);
    for (int64_t c = 0; c < scale->n; c++) {
        uint32_t clamped = (uint32_t)qm_output(scaled[c], scale->zero, scale->low, scale->high);
        if (insn->out_type == QM_out_type_BITS16)
            write_little_endian(out + 2 * c, clamped, 2);
        else
            write_little_endian(out + 4 * c, (uint32_t)qm_saturate_i32((int64_t)scaled[c] + scale->zero), 4);
    }
}

/* Bytes that go through the table, or are packed in pairs. */
static void requantize_bytes(const struct qm_insn *insn, const uint8_t *table, const struct scale *scale, struct scale_rows row,
                             uint8_t *out) {
    uint8_t elements[SCALE_LANES];
    scaler_best()->bytes(scale, row, elements, SCALE_LANES);
    if (insn->out_type == QM_out_type_BITS4)
        narrow_pack(elements, scale->n, out);
    else
        for (int64_t c = 0; c < scale->n; c++) out[c] = table[elements[c]];
}

/* Output positions of one tile, out_pixel apart. They may overlap, so that each is finished before the next. */
static void requantize_rows(const struct qm_insn *insn, const struct qm_functional_memory *memory, const struct scale *scale,
                            struct scale_rows rows, uint8_t *out) {
    struct scale_rows row = {rows.sums, rows.sums_stride, 1};
    bool is_wide = qm_row_cycles(insn) > 1;
    if (!is_wide && insn->out_type != QM_out_type_BITS4 && insn->lookup != QM_lookup_TABLE) {
        scaler_best()->bytes(scale, rows, out, insn->out_pixel);
        return;
    }
    for (int64_t m = 0; m < rows.count; m++, row.sums += rows.sums_stride, out += insn->out_pixel)
        is_wide ? requantize_wide(insn, scale, row, out) : requantize_bytes(insn, memory->scratchpad + insn->table_addr, scale, row, out);
}

/* What is added to rows, and how: the scale of the first operand, the terms of the second, the scale of their sum. */
struct residual {
    struct scale a, sum;
    struct operand b;
};

static void residual_begin(const struct qm_insn *insn, struct residual *residual) {
    operand_scale(insn, insn->b_zero, insn->b_multiplier, insn->b_shift, &residual->b);
    scale_begin(insn, &residual->a);
    scale_set_all(&residual->a, SCALE_LANES, 0, (int32_t)insn->a_multiplier, (int32_t)insn->a_shift);
    scale_begin(insn, &residual->sum);
    scale_set_all(&residual->sum, SCALE_LANES, 0, (int32_t)insn->out_multiplier, (int32_t)insn->out_shift);
}

/* sums [rows.count][n], of at most SCALE_LANES: the rows, requantized, and the residual, both at the common scale. */
static void add_residual(const struct qm_insn *insn, struct residual *residual, const struct scale *scale, struct scale_rows rows,
                         const uint8_t *bytes, int32_t *sums) {
    int32_t raised[SCALE_LANES];
    int64_t n = scale->n, count = rows.count * n;
    scaler_best()->words(scale, rows, raised, n);
    for (int64_t i = 0; i < count; i++) {
        int32_t a = qm_output(raised[i], 0, (int32_t)insn->a_min, (int32_t)insn->a_max);
        raised[i] = (int32_t)((uint32_t)a << insn->pre_shift);
    }
    residual->a.n = count;
    scaler_best()->words(&residual->a, (struct scale_rows){raised, count, 1}, sums, count);
    for (int64_t m = 0; m < rows.count; m++, bytes += insn->b_pixel)
        for (int64_t c = 0; c < n; c++) sums[m * n + c] = (int32_t)((uint32_t)sums[m * n + c] + (uint32_t)residual->b.terms[bytes[c]]);
}

/* As requantize_rows, with the residual's bytes at the same positions; as many rows at a time as the scalers have lanes for. */
static void add_to_rows(const struct qm_insn *insn, const struct qm_functional_memory *memory, struct residual *residual,
                        const struct scale *scale, struct scale_rows rows, const uint8_t *bytes, uint8_t *out) {
    int32_t sums[SCALE_LANES];
    int64_t most = SCALE_LANES / scale->n;
    residual->sum.n = scale->n;
    for (int64_t m = 0; m < rows.count; m += most) {
        struct scale_rows some = {rows.sums + m * rows.sums_stride, rows.sums_stride, rows.count - m < most ? rows.count - m : most};
        add_residual(insn, residual, scale, some, bytes + m * insn->b_pixel, sums);
        requantize_rows(insn, memory, &residual->sum, (struct scale_rows){sums, scale->n, some.count}, out + m * insn->out_pixel);
    }
}

void fast_REQUANTIZE(const struct qm_insn *insn, struct qm_functional_memory *memory) {
    int64_t cols = memory->machine->cols, width = qm_machine_tile(memory->machine, insn->depthwise != 0);
    bool is_one_run =
        insn->out_pitch == insn->out_w * insn->out_pixel && (insn->residual == 0 || insn->b_pitch == insn->out_w * insn->b_pixel);
    int64_t runs = is_one_run ? 1 : insn->out_h;
    struct scale_rows rows = {memory->accumulator + insn->acc_addr * cols, cols, insn->out_w * insn->out_h / runs};
    struct scale scale; /* large: set field by field */
    struct residual residual;
    scale_begin(insn, &scale);
    if (insn->residual != 0) residual_begin(insn, &residual);
    for (int64_t tile = 0; tile < insn->tiles; tile++) {
        int64_t rest = insn->channels - tile * width;
        uint8_t *out = memory->scratchpad + insn->out_addr + qm_output_bytes(insn, tile * width);
        const uint8_t *bytes = memory->scratchpad + insn->b_addr + tile * width;
        scale.n = rest < width ? rest : width;
        read_params(memory->scratchpad + insn->param_addr + tile * QM_PARAMETER_BYTES * cols, cols, &scale);
        for (int64_t run = 0; run < runs; run++, rows.sums += rows.count * cols, out += insn->out_pitch, bytes += insn->b_pitch)
            if (insn->residual != 0)
                add_to_rows(insn, memory, &residual, &scale, rows, bytes, out);
            else
                requantize_rows(insn, memory, &scale, rows, out);
    }
}
