/* record.c - from an instruction's fields to what time needs of them. */
#include "common/record.h"

static void record_matmul(const struct qm_insn *insn, const struct qm_machine *machine, const struct qm_matmul_shape *shape,
                          struct qm_record *record) {
    record->matmul.runs = shape->run_count(insn);
    record->matmul.run = shape->run(insn, machine);
}

/* A walk over the stretches: two a tile. */
static uint64_t parameter_items(const struct qm_post_shape *shape, const struct qm_insn *insn, const struct qm_machine *machine,
                                uint64_t items) {
    uint64_t parameters = 0;
    if (shape->stretch == NULL) return 0;
    for (uint64_t issued = 0; issued < items;) {
        struct qm_post_stretch stretch = shape->stretch(insn, machine, issued);
        if (stretch.is_param) parameters += stretch.items;
        issued += stretch.items;
    }
    return parameters;
}

static void record_post(const struct qm_insn *insn, const struct qm_machine *machine, const struct qm_post_shape *shape,
                        struct qm_record *record) {
    record->post.items = shape->item_count(insn, machine);
    record->post.parameter_items = parameter_items(shape, insn, machine, record->post.items);
    record->post.latency_cycles = qm_post_latency(insn);
}

static void record_transfer(const struct qm_insn *insn, struct qm_record *record) {
    record->transfer.address = (uint32_t)insn->dram_addr;
    record->transfer.row_bytes = (uint32_t)insn->row_bytes;
    record->transfer.row_count = (uint32_t)insn->row_count;
    record->transfer.plane_count = (uint32_t)insn->plane_count;
    record->transfer.row_stride = (uint32_t)insn->dram_row_stride;
    record->transfer.plane_stride = (uint32_t)insn->dram_plane_stride;
}

void qm_record_make(const struct qm_insn *insn, const struct qm_machine *machine, struct qm_record *record) {
    const struct qm_opcode_info *info = qm_opcode_info(insn->opcode);
    *record =
        (struct qm_record){.unit = (uint8_t)qm_opcode_unit(insn->opcode), .wait = (uint8_t)insn->wait, .signal = (uint8_t)insn->signal};
    if (info->post != NULL)
        record_post(insn, machine, info->post, record);
    else if (info->matmul != NULL)
        record_matmul(insn, machine, info->matmul, record);
    else
        record_transfer(insn, record);
}
