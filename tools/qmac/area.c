/* area.c - qmac area: what a machine takes on silicon, block by block. */
#include <stdio.h>

#include "common/text.h"
#include "report/area.h"
#include "tools/qmac/cli.h"
#include "tools/qmac/commands.h"

static const double UM2_OF_MM2 = 1e6;

struct area_options {
    struct cli_compilation compilation;
};

#define FILLS(name) .field = offsetof(struct area_options, compilation.name)
static const struct cli_option option_rows[] = {
    {"set", "KNOB=VALUE", "change one knob, may be repeated", cli_take_list, FILLS(sets), .at_most = CLI_LIST_MAX}, {0}};

static void print_area(const char *name, const struct qm_area *area) {
    printf("%-12s %9.4f mm2  (%.4f .. %.4f)\n", name, area->nominal_um2 / UM2_OF_MM2, area->low_um2 / UM2_OF_MM2,
           area->high_um2 / UM2_OF_MM2);
}

/* Logic and memory of a component, each in a line of its own. */
static void print_component(const struct qm_machine *machine, enum qm_component component) {
    struct qm_block blocks = qm_blocks_sum(machine, component);
    struct qm_area logic = qm_area_of_block(&blocks), memory = qm_area_of_memory(machine, component);
    if (logic.nominal_um2 > 0) print_area(qm_component_name(component), &logic);
    if (memory.nominal_um2 > 0) print_area("  its memory", &memory);
}

static void print_blocks(const struct qm_machine *machine) {
    struct qm_block blocks[QM_BLOCKS];
    qm_blocks_of(machine, blocks);
    printf("\n%-16s %-12s %10s %10s %9s %12s\n", "module", "of", "flip-flops", "gates", "bits", "um2");
    for (int i = 0; i < QM_BLOCKS; i++) {
        struct qm_area area = qm_area_of_block(&blocks[i]);
        printf("%-16s %-12s %10.0f %10.0f %9.0f %12.0f\n", blocks[i].module, qm_component_name(blocks[i].component), blocks[i].flip_flops,
               blocks[i].gates, blocks[i].bits, area.nominal_um2);
    }
}

static enum qm_status area(const struct cli_line *line, void *fields, struct qm_diag *diag) {
    struct area_options *options = fields;
    struct qm_machine machine;
    QM_TRY(cli_take_file(line, &options->compilation.machine, diag));
    QM_TRY(cli_machine(&options->compilation, &machine, diag));
    printf("machine  %s: %ux%u cells; fingerprint %08x\n", qm_shown(machine.name).text, machine.rows, machine.cols,
           qm_machine_fingerprint(&machine));
    printf("At 45 nm, unsized: wires, pads, the clock's tree and the DRAM's controller are not in it.\n");
    for (enum qm_component i = 0; i < QM_COMPONENTS; i++) print_component(&machine, i);
    struct qm_area sum = qm_area_sum(&machine);
    print_area("all", &sum);
    print_blocks(&machine);
    return QM_OK;
}

const struct cli_command cli_command_area = {
    .name = "area",
    .about = "what a machine takes on silicon",
    .usage = "usage: qmac area MACHINE [options]\n"
             "Prints the area of a machine, by name or file, at 45 nm, and what each module of the RTL has: spec/energy/blocks.def and\n"
             "spec/energy/area.def say where the figures come from and what has none.\n\n",
    .options = option_rows,
    .size = sizeof(struct area_options),
    .run = area};
