/* large.c - graphs of 20,000 operators: read and compiled in about their size's time, and by a small stack. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "compiler/compiler.h"
#include "tests/support/onnx_build.h"

enum { NODES = 20000, INT8 = 3, STACK_BYTES = 1 << 19, HANG_SECONDS = 300 };

struct large {
    struct onnx_build build;
    Onnx__NodeProto **nodes; /* [NODES] */
};

/* x + x, then + x again and again; or each node x + x, of which only the last is an output. */
static void open_large(struct large *large, struct qm_arena *arena, bool is_chain) {
    struct onnx_build *b = &large->build;
    double scale = 0.5, zero = 0;
    onnx_build_open(b, arena);
    onnx_build_input(b, "x", INT8, (struct onnx_build_shape){2, {1, 4}});
    onnx_build_constant(b, "s", 1, (struct onnx_build_shape){0, {0}}, &scale);
    onnx_build_constant(b, "z", INT8, (struct onnx_build_shape){0, {0}}, &zero);
    large->nodes = QM_ARENA_NEW(arena, Onnx__NodeProto *, NODES);
    for (uint32_t i = 0; i < NODES; i++) {
        const char *in = i == 0 || !is_chain ? "x" : qm_arena_printf(arena, "t%u", i);
        b->graph.n_node = 0;
        large->nodes[i] =
            onnx_build_node(b, "QLinearAdd", qm_arena_printf(arena, "%s s z x s z s z", in), qm_arena_printf(arena, "t%u", i + 1));
        large->nodes[i]->domain = "com.microsoft";
    }
    onnx_build_output(b, qm_arena_printf(arena, "t%u", NODES));
}

static struct qm_model_bytes pack_large(struct large *large, struct qm_arena *arena) {
    onnx_build_pack(&large->build); /* fills in all but the nodes */
    large->build.graph.node = large->nodes;
    large->build.graph.n_node = NODES;
    uint8_t *bytes = qm_arena_alloc(arena, onnx__model_proto__get_packed_size(&large->build.model));
    return (struct qm_model_bytes){bytes, onnx__model_proto__pack(&large->build.model, bytes), "large.onnx"};
}

struct compilation {
    struct qm_model_bytes model;
    struct qm_diag diag;
    enum qm_status status;
    uint32_t insns;
};

/* From here on the stack has STACK_BYTES at most. */
static void run(struct compilation *c) {
    struct qm_compile_options options = {0};
    struct qm_machine machine;
    struct qm_program *program = NULL;
    cr_assert(setrlimit(RLIMIT_STACK, &(struct rlimit){STACK_BYTES, STACK_BYTES}) == 0);
    qm_machine_init(&machine);
    c->status = qm_compile(&c->model, &machine, &options, &program, &c->diag);
    c->insns = program != NULL ? program->insn_count : 0;
    qm_program_destroy(program);
}

static struct large large;

Test(onnx_large, a_chain_is_compiled) {
    alarm(HANG_SECONDS);
    struct qm_arena *arena = qm_arena_create();
    open_large(&large, arena, true);
    struct compilation c = {.model = pack_large(&large, arena)};
    run(&c);
    cr_assert(eq(int, c.status, QM_OK), "%s", c.diag.text);
    cr_assert(c.insns >= NODES);
    qm_arena_destroy(arena);
}

Test(onnx_large, nodes_that_no_output_needs_are_passed_over) {
    alarm(HANG_SECONDS);
    struct qm_arena *arena = qm_arena_create();
    open_large(&large, arena, false);
    struct compilation c = {.model = pack_large(&large, arena)};
    run(&c);
    cr_assert(eq(int, c.status, QM_OK), "%s", c.diag.text);
    cr_assert(c.insns < 10);
    qm_arena_destroy(arena);
}

Test(onnx_large, a_chain_in_reverse_is_refused) {
    alarm(HANG_SECONDS);
    struct qm_arena *arena = qm_arena_create();
    open_large(&large, arena, true);
    for (uint32_t i = 0; i < NODES / 2; i++) {
        Onnx__NodeProto *node = large.nodes[i];
        large.nodes[i] = large.nodes[NODES - 1 - i];
        large.nodes[NODES - 1 - i] = node;
    }
    struct compilation c = {.model = pack_large(&large, arena)};
    run(&c);
    cr_assert(eq(int, c.status, QM_BAD_INPUT));
    cr_assert(strstr(c.diag.text, "operator 0 QLinearAdd: its input t19999 is made by operator 1 QLinearAdd, further down") != NULL, "%s",
              c.diag.text);
    qm_arena_destroy(arena);
}
