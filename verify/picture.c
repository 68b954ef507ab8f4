/* picture.c - what is in each cell follows from what entered: a row that enters in cycle t meets in cell (r, c) of cycle t + r + c the
 * weights that had entered before it, and its sums leave in cycle t + rows + cols - 1 (docs/machine.md, Array). */
#include "verify/picture.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/text.h"
#include "verify/waves.h"

enum { SIDE = QM_PICTURE_SIDE_MAX, IN_FLIGHT = 2 * SIDE, FRAMES = 2, TITLE_BYTES = 40, CELL_BYTES = 20 };

/* A row in the array, with the weights that it meets. */
struct entered {
    bool is_there;
    uint64_t index; /* frame in which it entered */
    int activations[SIDE];
    int8_t weights[SIDE][SIDE];
};

struct qm_picture {
    const struct qm_machine *machine;
    struct qm_frames *frames;
    uint64_t first, end;
    FILE *text;
    struct waves waves;            /* file NULL: none */
    int8_t weights[2][SIDE][SIDE]; /* by buffer */
    struct entered rows[IN_FLIGHT];
};

/* ---- what enters ---- */

static void take_row(struct qm_picture *picture, struct qm_frame *frame, uint64_t index) {
    const uint8_t *bytes = qm_frame_data(picture->frames, frame, QM_D_matmul_row_data);
    struct entered *row = &picture->rows[index % IN_FLIGHT];
    row->is_there = frame->values[QM_P_matmul_row] != 0;
    row->index = index;
    if (!row->is_there) return;
    for (uint32_t r = 0; r < picture->machine->rows; r++)
        row->activations[r] = frame->values[QM_P_matmul_row_unsigned] != 0 ? bytes[2 * r] : (int8_t)bytes[2 * r];
    memcpy(row->weights, picture->weights[frame->values[QM_P_matmul_row_buffer]], sizeof row->weights);
}

static void take_weights(struct qm_picture *picture, struct qm_frame *frame) {
    const uint8_t *bytes = qm_frame_data(picture->frames, frame, QM_D_matmul_weight_data);
    if (frame->values[QM_P_matmul_weight] == 0) return;
    int8_t *weights = picture->weights[frame->values[QM_P_matmul_weight_buffer]][frame->values[QM_P_matmul_weight_row]];
    for (uint32_t c = 0; c < picture->machine->cols; c++) weights[c] = (int8_t)bytes[2 * c];
}

/* The row that entered so many cycles before; NULL: none did. */
static const struct entered *row_of(const struct qm_picture *picture, uint64_t index, uint64_t age) {
    const struct entered *row = &picture->rows[(index - age) % IN_FLIGHT];
    return row->is_there && row->index + age == index ? row : NULL;
}

static int32_t number_of(const struct qm_picture *picture, struct qm_frame *frame, enum qm_probe_data data, uint32_t element) {
    int32_t number;
    memcpy(&number, qm_frame_data(picture->frames, frame, data) + element * sizeof number, sizeof number);
    return number;
}

static void check_sums(const struct qm_picture *picture, struct qm_frame *frame, uint64_t index) {
    const struct qm_machine *machine = picture->machine;
    if (frame->known[QM_D_mac_array_sums] == QM_KNOWN_NOTHING) return;
    const struct entered *row = row_of(picture, index, machine->rows + machine->cols - 1);
    QM_CHECK(row != NULL);
    for (uint32_t c = 0; c < machine->cols; c++) {
        int sum = 0;
        for (uint32_t r = 0; r < machine->rows; r++) sum += row->weights[r][c] * row->activations[r];
        QM_CHECK(sum == number_of(picture, frame, QM_D_mac_array_sums, c));
    }
}

/* ---- the text ---- */

static bool has_cells(const struct qm_picture *picture, uint64_t index) {
    for (uint32_t age = 0; age < picture->machine->rows + picture->machine->cols - 1; age++)
        if (row_of(picture, index, age) != NULL) return true;
    return false;
}

/* What a line is about; number stands where the title has a place for it. */
static void print_title(const struct qm_picture *picture, const char *title, uint32_t number) {
    char text[TITLE_BYTES];
    snprintf(text, sizeof text, title, number);
    fprintf(picture->text, "  %-20s", text);
}

static void print_cells(const struct qm_picture *picture, uint64_t index) {
    if (!has_cells(picture, index)) return;
    for (uint32_t r = 0; r < picture->machine->rows; r++) {
        print_title(picture, "cells of row %" PRIu32, r);
        for (uint32_t c = 0; c < picture->machine->cols; c++) {
            const struct entered *row = row_of(picture, index, r + c);
            char cell[CELL_BYTES] = ".";
            if (row != NULL) snprintf(cell, sizeof cell, "%d x %d", row->weights[r][c], row->activations[r]);
            fprintf(picture->text, "%12s", cell);
        }
        fputc('\n', picture->text);
    }
}

static void print_entering(const struct qm_picture *picture, struct qm_frame *frame, uint64_t index) {
    const struct qm_machine *machine = picture->machine;
    const struct entered *row = row_of(picture, index, 0);
    if (frame->values[QM_P_matmul_weight] != 0) {
        uint32_t at = frame->values[QM_P_matmul_weight_row];
        print_title(picture, "weights enter, row %" PRIu32, at);
        for (uint32_t c = 0; c < machine->cols; c++)
            fprintf(picture->text, "%12d", picture->weights[frame->values[QM_P_matmul_weight_buffer]][at][c]);
        fputc('\n', picture->text);
    }
    if (row == NULL) return;
    print_title(picture, "activations enter, %" PRIu32 ":", machine->rows);
    for (uint32_t r = 0; r < machine->rows; r++) fprintf(picture->text, " %d", row->activations[r]);
    fputc('\n', picture->text);
}

static void print_numbers(const struct qm_picture *picture, struct qm_frame *frame, enum qm_probe_data data, const char *title) {
    if (frame->known[data] == QM_KNOWN_NOTHING) return;
    uint32_t count = picture->frames->layout.size[data] / (uint32_t)sizeof(int32_t);
    print_title(picture, title, 0);
    for (uint32_t i = 0; i < count; i++) fprintf(picture->text, "%12" PRId32, number_of(picture, frame, data, i));
    fputc('\n', picture->text);
}

static void print_written(const struct qm_picture *picture, struct qm_frame *frame) {
    const uint8_t *bytes = qm_frame_data(picture->frames, frame, QM_D_post_data);
    if (frame->values[QM_P_post_write] == 0) return;
    print_title(picture, "bytes written", 0);
    for (uint32_t i = 0; i < frame->values[QM_P_post_write_bytes]; i++) fprintf(picture->text, "%12d", bytes[i]);
    fputc('\n', picture->text);
}

static bool shows_something(const struct qm_picture *picture, const struct qm_frame *frame, uint64_t index) {
    return frame->values[QM_P_matmul_weight] != 0 || has_cells(picture, index) || frame->values[QM_P_accumulator_write] != 0 ||
           frame->known[QM_D_accumulator_read_data] != QM_KNOWN_NOTHING || frame->values[QM_P_post_write] != 0;
}

static void print_frame(const struct qm_picture *picture, struct qm_frame *frame, uint64_t index) {
    if (!shows_something(picture, frame, index)) return;
    fprintf(picture->text, "cycle %" PRIu64 "\n", index);
    print_entering(picture, frame, index);
    print_cells(picture, index);
    print_numbers(picture, frame, QM_D_mac_array_sums, "sums leave");
    print_numbers(picture, frame, QM_D_row_sum_correction, "less, from each sum");
    print_numbers(picture, frame, QM_D_accumulator_read_data, "accumulator is read");
    print_written(picture, frame);
}

/* ---- the picture ---- */

static void draw(void *context, uint64_t index) {
    struct qm_picture *picture = context;
    struct qm_frame *frame = qm_frames_at(picture->frames, index);
    take_row(picture, frame, index);
    take_weights(picture, frame);
    check_sums(picture, frame, index);
    if (index < picture->first || index >= picture->end) return;
    print_frame(picture, frame, index);
    if (picture->waves.file != NULL) waves_frame(&picture->waves, index, index);
}

struct qm_picture *qm_picture_create(const struct qm_machine *machine, uint64_t first, uint64_t count, FILE *text, FILE *vcd,
                                     struct qm_frames *frames) {
    struct qm_picture *picture = qm_alloc_zeroed(1, sizeof *picture);
    *picture = (struct qm_picture){
        .machine = machine, .frames = frames, .first = first, .end = first + count, .text = text, .waves = {.file = vcd, .frames = frames}};
    qm_frames_init(frames, machine, FRAMES);
    frames->written = draw;
    frames->context = picture;
    if (vcd != NULL) waves_head(&picture->waves);
    return picture;
}

void qm_picture_destroy(struct qm_picture *picture) {
    qm_frames_fini(picture->frames);
    free(picture);
}

enum qm_status qm_picture_check(const struct qm_program *program, struct qm_diag *diag) {
    const struct qm_machine *machine = &program->machine;
    if (machine->rows > SIDE || machine->cols > SIDE)
        return qm_fail(diag, QM_BAD_INPUT, "%s: %" PRIu32 "x%" PRIu32 " cells are not drawn: take at most %dx%d, --machine tiny",
                       qm_shown(program->model).text, machine->rows, machine->cols, SIDE, SIDE);
    for (uint32_t i = 0; i < program->insn_count; i++) {
        struct qm_insn insn;
        qm_insn_unpack(program->insns[i], &insn);
        if (insn.opcode == QM_MATMUL && (insn.precision != QM_precision_W8A8 || insn.depthwise != 0))
            return qm_fail(diag, QM_BAD_INPUT, "%s: layer %s is not drawn: its cells meet more than an activation and a weight of 8 bits",
                           qm_shown(program->model).text, qm_shown(program->layers[program->insn_layer[i]].name).text);
    }
    return QM_OK;
}
