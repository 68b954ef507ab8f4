/* grid.c - reads axes and makes machines by index. Every value goes through qm_machine_set, so that a grid takes what --set takes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explore/explore.h"

enum { NAME_BYTES = 64, ASSIGNMENT_BYTES = 256 };

/* Checks one value and appends it to the axis. */
static enum qm_status add_value(const char *text, const char *name, const char *value, size_t length, struct grid_axis *axis,
                                struct qm_diag *diag) {
    char assignment[ASSIGNMENT_BYTES];
    struct qm_machine machine;
    qm_machine_init(&machine);
    if (length == 0) return qm_fail(diag, QM_BAD_INPUT, "--set %.100s: a value is missing: write %s=8,16", text, name);
    snprintf(assignment, sizeof assignment, "%s=%.*s", name, (int)(length < 100 ? length : 100), value);
    QM_TRY(qm_machine_set(&machine, assignment, diag));
    axis->param = qm_param_find(name);
    uint32_t number = qm_machine_knob(&machine, axis->param);
    for (uint32_t i = 0; i < axis->count; i++)
        if (axis->values[i] == number)
            return qm_fail(diag, QM_BAD_INPUT, "--set %.100s: %s is given twice", text, qm_param_text(axis->param, number).text);
    axis->values[axis->count++] = number;
    return QM_OK;
}

void grid_init(struct grid *grid) {
    *grid = (struct grid){.axis_count = GRID_KNOBS, .axes = {[GRID_PRECISION] = {.count = 1}, [GRID_ENERGY] = {.count = 1}}};
    qm_machine_init(&grid->base);
}

enum qm_status grid_add_axis(struct grid *grid, const char *text, struct qm_arena *arena, struct qm_diag *diag) {
    char name[NAME_BYTES];
    const char *equals = strchr(text, '=');
    if (equals == NULL || (size_t)(equals - text) >= sizeof name)
        return qm_fail(diag, QM_BAD_INPUT, "--set %.100s: write knob=value,value,...", text);
    snprintf(name, sizeof name, "%.*s", (int)(equals - text), text);
    for (uint32_t i = GRID_KNOBS; i < grid->axis_count; i++)
        if (strcmp(grid->axes[i].param->name, name) == 0)
            return qm_fail(diag, QM_BAD_INPUT, "--set %.100s: there is an axis %s already", text, name);
    QM_CHECK(grid->axis_count < GRID_AXES_MAX && GRID_KNOBS + qm_param_count <= GRID_AXES_MAX);
    struct grid_axis axis = {.values = QM_ARENA_NEW(arena, uint32_t, strlen(equals))};
    for (const char *at = equals; *at != '\0'; at += 1 + strcspn(at + 1, ","))
        QM_TRY(add_value(text, name, at + 1, strcspn(at + 1, ","), &axis, diag));
    grid->axes[grid->axis_count++] = axis;
    return QM_OK;
}

uint64_t grid_count(const struct grid *grid) {
    uint64_t count = 1;
    for (uint32_t i = 0; i < grid->axis_count && count <= POINTS_MAX; i++) count *= grid->axes[i].count;
    return count;
}

void grid_place(const struct grid *grid, uint64_t index, struct place *place) {
    place->machine = grid->base;
    for (uint32_t i = grid->axis_count; i-- > 0;) {
        const struct grid_axis *axis = &grid->axes[i];
        uint32_t choice = (uint32_t)(index % axis->count);
        index /= axis->count;
        if (axis->param != NULL) *(uint32_t *)((char *)&place->machine + axis->param->offset) = axis->values[choice];
        if (i == GRID_PRECISION) place->precision = choice;
        if (i == GRID_ENERGY) place->energy = choice;
    }
}
