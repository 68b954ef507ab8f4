/* figures.c - how a part of a report gives each of its figures, and the walk over them. */
#include "report/figures.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/area.h"

enum { KEY_BYTES = 100, TEXT_BYTES = 400 };

static bool has_time(const struct qm_report_part *part) {
    return part->report->source.run->timed && (part->layer == NULL || !part->layer->on_host);
}

/* ---- a layer ---- */

static const char *name_of(const struct qm_report_part *part) {
    return part->layer->name;
}

static const char *op_of(const struct qm_report_part *part) {
    return part->layer->op;
}

static const char *shape_of(const struct qm_report_part *part) {
    return part->layer->shape;
}

static const char *precision_of(const struct qm_report_part *part) {
    return part->layer->precision;
}

static double is_on_host(const struct qm_report_part *part) {
    return part->layer != NULL && part->layer->on_host;
}

/* "compute", ...; "host" for a layer on the host, "-" without time. */
static const char *bound_of(const struct qm_report_part *part) {
    enum qm_layer_cause largest = QM_LAYER_COMPUTE;
    if (part->layer->on_host) return "host";
    if (part->counters.value[QM_C_cycles] == 0) return "-";
    for (enum qm_layer_cause i = QM_LAYER_COMPUTE; i < QM_LAYER_CAUSES; i++)
        if (part->causes[i] > part->causes[largest]) largest = i;
    return qm_layer_cause_name(largest);
}

static void cause_name(unsigned index, char *name, size_t size) {
    snprintf(name, size, "%s", qm_layer_cause_name(index));
}

static double cause(const struct qm_report_part *part, unsigned index) {
    return has_time(part) ? (double)part->causes[index] : NAN;
}

const char *qm_overflow_name(enum qm_overflow overflow) {
    static const char *const names[] = {
        [QM_OVERFLOW_NONE] = "none", [QM_OVERFLOW_POSSIBLE] = "possible", [QM_OVERFLOW_COUNTED] = "counted"};
    return names[overflow];
}

enum qm_overflow qm_report_overflow(const struct qm_report_part *part) {
    const struct qm_report_source *source = &part->report->source;
    bool may = part->layer != NULL && part->layer->may_overflow;
    if (part->layer == NULL && source->overflows > 0) return QM_OVERFLOW_COUNTED;
    for (uint32_t i = 0; part->layer == NULL && i < source->program->layer_count; i++) may |= source->program->layers[i].may_overflow;
    return may ? QM_OVERFLOW_POSSIBLE : QM_OVERFLOW_NONE;
}

static const char *overflow_of(const struct qm_report_part *part) {
    return qm_overflow_name(qm_report_overflow(part));
}

/* ---- work and time ---- */

static double macs_of(const struct qm_report_part *part) {
    return (double)part->macs;
}

static double cycles_of(const struct qm_report_part *part) {
    return (double)part->counters.value[QM_C_cycles];
}

static double seconds_of(const struct qm_report_part *part) {
    return cycles_of(part) / (part->report->source.machine->clock_mhz * 1e6);
}

/* Of nothing: 0. */
static double share(double part, double whole) {
    return whole > 0 ? part / whole : 0;
}

/* The products that all cells make in a cycle: of a layer at its precision, of the whole at 8 bits. */
static double peak_of(const struct qm_report_part *part) {
    const struct qm_machine *machine = part->report->source.machine;
    return (double)machine->rows * machine->cols * part->products_per_cell;
}

/* Share of the cells and cycles that the products needed at the precision of their layers. */
static double utilization_of(const struct qm_report_part *part) {
    const struct qm_machine *machine = part->report->source.machine;
    return share(part->cell_cycles, cycles_of(part) * machine->rows * machine->cols);
}

static void counter_name(unsigned index, char *name, size_t size) {
    snprintf(name, size, "%s", qm_counter_infos[index].name);
}

/* A counter. Events that depend on the program alone are always known. */
static double counter(const struct qm_report_part *part, unsigned index) {
    const struct qm_counter_info *info = &qm_counter_infos[index];
    bool is_event = info->group == NULL && index != QM_C_cycles;
    bool is_known = info->depends_on_values ? part->report->source.run->has_values : has_time(part) || is_event;
    return is_known ? (double)part->counters.value[index] : NAN;
}

/* ---- energy ---- */

static double energy_of(const struct qm_report_part *part) {
    return part->energy.total.nominal_pj;
}

static double energy_low_of(const struct qm_report_part *part) {
    return part->energy.total.low_pj;
}

static double energy_high_of(const struct qm_report_part *part) {
    return part->energy.total.high_pj;
}

/* Of the total, then of each component. */
enum { NOMINAL, LOW, HIGH, ENDS, ENERGIES = ENDS * (1 + QM_COMPONENTS) };

static void energy_name(unsigned index, char *name, size_t size) {
    static const char *const ends[ENDS] = {[NOMINAL] = "nominal", [LOW] = "low", [HIGH] = "high"};
    const char *component = index < ENDS ? "" : qm_component_name(index / ENDS - 1);
    snprintf(name, size, "%s%s%s", component, index < ENDS ? "" : ".", ends[index % ENDS]);
}

static double member_of(const struct qm_energy_sum *sum, unsigned index) {
    const struct qm_energy *energy = index < ENDS ? &sum->total : &sum->components[index / ENDS - 1];
    return index % ENDS == NOMINAL ? energy->nominal_pj : index % ENDS == LOW ? energy->low_pj : energy->high_pj;
}

static double energy_member(const struct qm_report_part *part, unsigned index) {
    return member_of(&part->energy, index);
}

static const char *energy_table_of(const struct qm_report_part *part) {
    return qm_energy_table_name(part->report->source.energy);
}

static const char *energy_table_sha256_of(const struct qm_report_part *part) {
    return qm_energy_table_digest(part->report->source.energy)->text;
}

static double is_outside_fit(const struct qm_report_part *part) {
    char text[TEXT_BYTES];
    return qm_energy_is_outside_fit(part->report->source.energy, part->report->source.machine, text, sizeof text);
}

static double area_of(const struct qm_report_part *part) {
    return qm_area_sum(part->report->source.machine).nominal_um2;
}

/* Of the whole run: products of the network on the device and their additions, two operations each. */
static double operations_of(const struct qm_report_part *part) {
    return 2 * (double)(part->macs - part->report->host_macs);
}

static double tops_of(const struct qm_report_part *part) {
    return operations_of(part) / seconds_of(part) * 1e-12;
}

/* Operations a picojoule are tera-operations a second and watt. */
static double tops_per_watt_of(const struct qm_report_part *part) {
    return operations_of(part) / energy_of(part);
}

static double tops_per_mm2_of(const struct qm_report_part *part) {
    return tops_of(part) / area_of(part) * 1e6;
}

static double average_power_of(const struct qm_report_part *part) {
    double seconds = seconds_of(part);
    return seconds > 0 ? energy_of(part) * 1e-9 / seconds : NAN;
}

/* ---- the DRAM, in bytes of whole beats; reads with instructions ---- */

static double read_bytes_of(const struct qm_report_part *part) {
    const uint64_t *value = part->counters.value;
    return (double)((value[QM_C_dram_read_beats] + value[QM_C_dram_fetch_beats]) * part->report->source.machine->axi_bytes);
}

static double write_bytes_of(const struct qm_report_part *part) {
    return (double)(part->counters.value[QM_C_dram_write_beats] * part->report->source.machine->axi_bytes);
}

static double dram_bytes_of(const struct qm_report_part *part) {
    return is_on_host(part) ? NAN : read_bytes_of(part) + write_bytes_of(part);
}

static double known(uint64_t cycles) {
    return cycles > 0 ? (double)cycles : NAN;
}

static double half_bandwidth_of(const struct qm_report_part *part) {
    return known(part->report->source.half_bandwidth_cycles);
}

static double double_bandwidth_of(const struct qm_report_part *part) {
    return known(part->report->source.double_bandwidth_cycles);
}

/* ---- the host ---- */

static double host_macs_share_of(const struct qm_report_part *part) {
    const struct qm_report *report = part->report;
    return share((double)report->host_macs, (double)report->total.macs);
}

static double host_bytes_share_of(const struct qm_report_part *part) {
    double bytes = (double)part->report->host_bytes;
    return share(bytes, bytes + dram_bytes_of(&part->report->total));
}

static double host_cycles_of(const struct qm_report_part *part) {
    return (double)part->report->host_cycles;
}

static double host_energy_member(const struct qm_report_part *part, unsigned index) {
    return member_of(&part->report->host_energy, index);
}

/* ---- the table ---- */

const struct qm_figure qm_figures[QM_FIGURES] = {
#define QM_FIGURE(id, ...) [QM_FIGURE_##id] = {__VA_ARGS__},
#include "report/figures.def"
#undef QM_FIGURE
};

double qm_figure_number(const struct qm_report_part *part, enum qm_figure_id id) {
    const struct qm_figure *figure = &qm_figures[id];
    return figure->needs_time && !has_time(part) ? NAN : figure->number(part);
}

static void visit_members(const struct qm_report_part *part, const struct qm_figure *figure, const char *key, qm_figure_visitor *visit,
                          void *context) {
    for (unsigned i = 0; i < figure->count; i++) {
        char name[KEY_BYTES], member[2 * KEY_BYTES];
        figure->member(i, name, sizeof name);
        snprintf(member, sizeof member, "%s.%s", key, name);
        visit(context, member, figure->unit, figure->member_number(part, i), NULL);
    }
}

void qm_figures_visit(const struct qm_report_part *part, qm_figure_visitor *visit, void *context) {
    for (enum qm_figure_id id = 0; id < QM_FIGURES; id++) {
        const struct qm_figure *figure = &qm_figures[id];
        const char *key = part->layer != NULL ? figure->layer : figure->total;
        if (key == NULL) continue;
        if (figure->needs_time && !has_time(part))
            visit(context, key, figure->unit, NAN, NULL);
        else if (figure->count > 0)
            visit_members(part, figure, key, visit, context);
        else if (figure->text != NULL)
            visit(context, key, figure->unit, NAN, figure->text(part));
        else
            visit(context, key, figure->unit, figure->number(part), NULL);
    }
}
