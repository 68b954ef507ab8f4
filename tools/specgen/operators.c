/* operators.c - the operators of TFLite and of ONNX as tables: what each becomes in the graph, and where that runs.
 *
 * What a file's operator is stands in the ops.def of its front end, what an operator of the graph is in common/graph_ops.def; a row here
 * joins both.
 */
#include "tools/specgen/operators.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/graph.h"

static const struct graph_row {
    enum qm_types in, out;
    const char *integers, *real, *limits; /* where it runs in a graph of integers, of real numbers; "": such a graph has none */
} rows[] = {
#define QM_GRAPH_OP(name, in, out, legalize, integers, real, limits) {QM_TYPES_##in, QM_TYPES_##out, integers, real, limits},
#define QM_REAL_OP(name, real)                                       {QM_TYPES_INDICES, QM_TYPES_INDICES, "folded", real, ""},
#include "common/graph_ops.def"
#undef QM_GRAPH_OP
};

/* ---- TFLite ---- */

static const struct tflite_row {
    const char *name;
    enum qm_graph_op_kind kind;
    const char *limits;
} tflite[] = {
#define TFLITE_OPERATOR(name, code, kind, options, absent, inputs_min, inputs_max, outputs_max, read, limits) {#name, QM_OP_##kind, limits},
#include "compiler/frontend/tflite/ops.def"
#undef TFLITE_OPERATOR
};

/* "b, f", "int32": int8 and uint8 together are b, float32 is f. */
static void print_types(enum qm_types types) {
    static const struct {
        unsigned types;
        const char *name;
    } names[] = {{QM_TYPES_BYTES, "b"},   {QM_TYPES_I8, "int8"},   {QM_TYPES_F32, "f"},    {QM_TYPES_I32, "int32"},
                 {1U << QM_I64, "int64"}, {QM_TYPES_BOOL, "bool"}, {1U << QM_I16, "int16"}};
    unsigned left = types;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if ((left & names[i].types) != names[i].types) continue;
        printf("%s%s", left != types ? ", " : "", names[i].name);
        left &= ~names[i].types;
    }
}

void print_docs_tflite(void) {
    puts("| operator | types | becomes | runs | restrictions |\n|---|---|---|---|---|");
    for (size_t i = 0; i < sizeof tflite / sizeof *tflite; i++) {
        const struct graph_row *row = &rows[tflite[i].kind];
        const char *becomes = qm_graph_op_name(tflite[i].kind);
        printf("| %s | ", tflite[i].name);
        print_types(row->in);
        if (row->out != row->in) printf(" > ");
        if (row->out != row->in) print_types(row->out);
        printf(" | %s | %s | %s%s%s |\n", strcmp(becomes, tflite[i].name) != 0 ? becomes : "", row->integers, row->limits,
               row->limits[0] != '\0' && tflite[i].limits[0] != '\0' ? "; " : "", tflite[i].limits);
    }
}

/* ---- ONNX ---- */

enum { KINDS_MAX = 10 };
#define NO_KIND QM_GRAPH_OP_KINDS
static const struct onnx_row {
    const char *name, *domains, *attributes, *limits;
    enum qm_graph_op_kind kinds[KINDS_MAX]; /* up to NO_KIND */
} onnx[] = {
#define ONNX_OPERATOR(name, domains, inputs_min, inputs_max, attributes, read, limits, ...)                                                \
    {#name, #domains, attributes, limits, {__VA_ARGS__, NO_KIND}},
#include "compiler/frontend/onnx/ops.def"
#undef ONNX_OPERATOR
};

/* All names of the domains of a row: "ONNX_DOMAIN | ONNX_MICROSOFT". */
static void print_domains(const char *domains) {
    static const struct {
        const char *domain, *name;
    } names[] = {
#define ONNX_DOMAIN_NAME(domain, name) {#domain, name},
#include "compiler/frontend/onnx/versions.def"
#undef ONNX_DOMAIN_NAME
    };
    bool first = true;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (names[i].name[0] == '\0' || strstr(domains, names[i].domain) == NULL) continue;
        printf("%s%s", first ? "" : ", ", names[i].name);
        first = false;
    }
}

/* The versions that have an attribute, unless all have it: " (10-)", " (1-12)". */
static void print_versions(const char *operator, const char * attribute) {
    static const struct {
        const char *operator, * attribute;
        unsigned first, last;
    } versions[] = {
#define ONNX_VERSIONS(operator, attribute, first, last) {#operator, #attribute, first, last},
#include "compiler/frontend/onnx/versions.def"
#undef ONNX_VERSIONS
    };
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        if (strcmp(versions[i].operator, operator) != 0 || strcmp(versions[i].attribute, attribute) != 0) continue;
        printf(versions[i].last != 0 ? " (%u-%u)" : " (%u-)", versions[i].first, versions[i].last);
    }
}

static void print_attributes(const struct onnx_row *row) {
    char attribute[64];
    int length;
    for (const char *at = row->attributes; sscanf(at, " %63s%n", attribute, &length) == 1; at += length) {
        printf("%s%s", at != row->attributes ? ", " : "", attribute);
        print_versions(row->name, attribute);
    }
}

/* What the node is written with, and where the first of these runs. */
static void print_becomes(const struct onnx_row *row) {
    if (row->kinds[0] == NO_KIND) printf("nothing");
    for (uint32_t i = 0; row->kinds[i] != NO_KIND; i++) printf("%s%s", i > 0 ? ", " : "", qm_graph_op_name(row->kinds[i]));
    printf(" | %s", row->kinds[0] != NO_KIND ? rows[row->kinds[0]].real : "nothing");
}

static void print_newest(void) {
#define ONNX_NEWEST(version) printf("Versions 1 to %d of ONNX's operators are read.\n\n", version);
#include "compiler/frontend/onnx/versions.def"
#undef ONNX_NEWEST
}

void print_docs_onnx(void) {
    print_newest();
    puts("| operator | domains | attributes | becomes | runs | restrictions |\n|---|---|---|---|---|---|");
    for (size_t i = 0; i < sizeof onnx / sizeof *onnx; i++) {
        printf("| %s | ", onnx[i].name);
        print_domains(onnx[i].domains);
        printf(" | ");
        print_attributes(&onnx[i]);
        printf(" | ");
        print_becomes(&onnx[i]);
        printf(" | %s |\n", onnx[i].limits);
    }
}
