/* area.c - qmac area: what a machine's array and memories take on silicon. */
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

static void print_area(const struct qm_area *area) {
    char count[40] = "";
    if (area->unit != NULL) snprintf(count, sizeof count, "%g %s", area->count, area->unit);
    printf("%-12s %14s %9.4f mm2  (%.4f .. %.4f)\n", area->part, count, area->nominal_um2 / UM2_OF_MM2, area->low_um2 / UM2_OF_MM2,
           area->high_um2 / UM2_OF_MM2);
}

static enum qm_status area(const struct cli_line *line, void *fields, struct qm_diag *diag) {
    struct area_options *options = fields;
    struct qm_machine machine;
    QM_TRY(cli_take_file(line, &options->compilation.machine, diag));
    QM_TRY(cli_machine(&options->compilation, &machine, diag));
    printf("machine  %s: %ux%u cells; fingerprint %08x\n", qm_shown(machine.name).text, machine.rows, machine.cols,
           qm_machine_fingerprint(&machine));
    printf("At 45 nm, and of these alone: units, queues, registers, further ports, wires and the clock's tree are not in it.\n");
    for (enum qm_area_part part = 0; part < QM_AREA_PARTS; part++) {
        struct qm_area one = qm_area_of(&machine, part);
        print_area(&one);
    }
    struct qm_area sum = qm_area_sum(&machine);
    print_area(&sum);
    return QM_OK;
}

const struct cli_command cli_command_area = {
    .name = "area",
    .about = "what a machine's array and memories take on silicon",
    .usage = "usage: qmac area MACHINE [options]\n"
             "Prints the area of the cells and memories of a machine, by name or file, at 45 nm. spec/energy/area.def says where\n"
             "the figures come from and what has none.\n\n",
    .options = option_rows,
    .size = sizeof(struct area_options),
    .run = area};
