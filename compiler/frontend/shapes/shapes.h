/* shapes.h - tables of layer shapes: SCALE-Sim's topologies (topology.c), and networks of this project (network.c), whose layers are
 * connected. Both are CSV, a layer a row. They have no weights: the graph gets drawn ones, so that every size and time is real, and says
 * so (qm_graph.has_no_weights) unless the command gave the seed.
 */
#ifndef QM_COMPILER_FRONTEND_SHAPES_SHAPES_H
#define QM_COMPILER_FRONTEND_SHAPES_SHAPES_H

#include "compiler/frontend/frontend.h"

enum { SHAPES_CELLS_MAX = 16, SHAPES_EXTENT_MAX = 1 << 23 };

/* A line of the table: its cells without the blanks around them; those behind the last are "". */
struct shapes_row {
    uint32_t line; /* from 1 */
    uint32_t count;
    const char *cells[SHAPES_CELLS_MAX];
};

struct shapes_reader {
    const struct model_file *file;
    struct qm_graph_maker maker;
    struct qm_diag *diag;
    const char *at; /* what is not read yet */
    struct shapes_row row;
    uint32_t *weights; /* [weight_count] tensors whose elements are drawn at the end */
    uint32_t weight_count, weight_room;
};

/* ---- cells ---- */

/* Reads the next line that has something in it into row; false at the end. Cells behind SHAPES_CELLS_MAX are cut. */
bool shapes_next_row(struct shapes_reader *r);
/* QM_BAD_INPUT with file, line and the text. */
QM_MUST_USE enum qm_status shapes_refuse(struct shapes_reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A whole number from 1 to SHAPES_EXTENT_MAX. */
QM_MUST_USE enum qm_status shapes_number(struct shapes_reader *r, const char *text, const char *what, uint32_t *number);
/* Whether the text begins so, whatever its case. */
bool shapes_begins(const char *text, const char *begin);

/* ---- graph ---- */

struct shapes_window {
    uint32_t kernel_h, kernel_w, stride;
    uint32_t before_h, before_w, after_h, after_w; /* padding */
};

/* A map of int8 with that scale. */
uint32_t shapes_add_map(struct shapes_reader *r, const char *name, const struct qm_shape *shape, float scale);
/* An operator of one input and an output of that shape and name, whose scale is the input's. */
struct qm_graph_op *shapes_add_op(struct shapes_reader *r, enum qm_graph_op_kind kind, uint32_t in, const struct qm_shape *out);
/* Gives an operator a second input. */
void shapes_add_second(struct qm_graph_op *op, uint32_t second);
void shapes_set_window(struct qm_graph_op *op, const struct shapes_window *window);
/* A convolution, by filters for each channel when depthwise, of a map [1][h][w][c] that the window fits; returns its output. */
uint32_t shapes_add_convolution(struct shapes_reader *r, uint32_t in, const struct shapes_window *window, uint32_t channels,
                                bool depthwise);
/* A product with a matrix of k rows and so many columns, of a tensor that is rows of k; returns its output [rows][columns]. */
uint32_t shapes_add_dense(struct shapes_reader *r, uint32_t in, uint32_t k, uint32_t columns);
/* What products of k drawn numbers scale by so that they are in the range of what is multiplied. */
float shapes_spread(uint64_t k);

/* Reads the rows behind the head, which stands in row. */
QM_MUST_USE enum qm_status shapes_read_topology(struct shapes_reader *r);
QM_MUST_USE enum qm_status shapes_read_network(struct shapes_reader *r);
/* Whether row is such a head. */
bool shapes_is_topology(const struct shapes_row *row);
bool shapes_is_network(const struct shapes_row *row);

#endif
