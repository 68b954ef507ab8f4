/* schema.c - what operator sets say of their operators: domains, versions, and types of attributes.
 *
 * An operator is a name in a domain, in the version that the file imports. What is not as its operator set has it might mean something
 * else, so that it is refused by name.
 */
#include <stdio.h>
#include <string.h>

#include "compiler/frontend/onnx/onnx.h"

/* ---- domains ---- */

/* The names of a domain: QONNX has moved, and PULP's tools write two. */
static const struct {
    enum onnx_domain domain;
    const char *name;
} domains[] = {{ONNX_DOMAIN, ""},
               {ONNX_DOMAIN, "ai.onnx"},
               {ONNX_MICROSOFT, "com.microsoft"},
               {ONNX_QONNX, "qonnx.custom_op.general"},
               {ONNX_QONNX, "onnx.brevitas"},
               {ONNX_QONNX, "finn.custom_op.general"},
               {ONNX_PULP, "PACTOps"},
               {ONNX_PULP, "ai.onnx.contrib"}};

static bool is_domain(const char *name, uint32_t of) {
    for (size_t i = 0; i < sizeof domains / sizeof *domains; i++)
        if ((domains[i].domain & of) != 0 && strcmp(name, domains[i].name) == 0) return true;
    return false;
}

bool onnx_is_in_domain(const Onnx__NodeProto *node, uint32_t of) {
    return is_domain(node->domain != NULL ? node->domain : "", of);
}

static const char *first_name(uint32_t of) {
    for (size_t i = 0; i < sizeof domains / sizeof *domains; i++)
        if ((domains[i].domain & of) != 0 && domains[i].name[0] != '\0') return domains[i].name;
    return "";
}

static bool is_function(const struct onnx_node *n, const char *domain) {
    for (size_t i = 0; i < n->r->model->n_functions; i++) {
        const Onnx__FunctionProto *function = n->r->model->functions[i];
        const char *of = function->domain != NULL ? function->domain : "";
        if (function->name != NULL && strcmp(function->name, n->source->op_type) == 0 && strcmp(of, domain) == 0) return true;
    }
    return false;
}

bool onnx_check_domain(const struct onnx_node *n, uint32_t known) {
    const char *domain = n->source->domain != NULL ? n->source->domain : "", *name = domain[0] != '\0' ? domain : "ai.onnx";
    if (is_function(n, domain)) return onnx_refuse(n, "is a function of the model itself (%.60s), which is not supported: inline it", name);
    if (onnx_is_in_domain(n->source, known)) return true;
    if (known != 0) return onnx_refuse(n, "of the domain %.60s is not supported; that of %s is", name, first_name(known));
    if (domain[0] != '\0') return onnx_refuse(n, "of the domain %.60s is not supported", name);
    if (strcmp(n->source->op_type, "DynamicQuantizeLinear") == 0)
        return onnx_refuse(n, "finds its scale when it runs, but instructions have theirs before: quantize the model statically");
    return onnx_refuse(n, "is not supported");
}

/* Zero points that may be absent [published: onnxruntime, docs/ContribOperators.md]. */
bool onnx_may_lack(const Onnx__NodeProto *node, uint32_t i) {
    static const struct {
        const char *operator;
        uint32_t inputs[2];
    } absent[] = {{"QLinearAdd", {2, 5}}, {"QLinearAveragePool", {2, 4}}, {"QLinearLeakyRelu", {2, 4}},
                  {"QLinearMul", {2, 5}}, {"QLinearSigmoid", {2, 4}},     {"QLinearSoftmax", {2, 2}}};
    for (size_t o = 0; o < sizeof absent / sizeof *absent; o++)
        if (strcmp(absent[o].operator, node->op_type) == 0) return i == absent[o].inputs[0] || i == absent[o].inputs[1];
    return false;
}

bool onnx_may_be_empty(const Onnx__NodeProto *node) {
    return strcmp(node->op_type, "Resize") == 0 || strncmp(node->op_type, "Reduce", 6) == 0;
}

bool onnx_is_quantized(const Onnx__NodeProto *node) {
    const char *name = node->op_type, *end = strstr(name, "Integer");
    return name[0] == 'Q' || strstr(name, "Quant") != NULL || strstr(name, "quant") != NULL || (end != NULL && strcmp(end, "Integer") == 0);
}

/* ---- versions ---- */

/* The newest version in which the operators that are read are known [published: onnx/defs, to ONNX 1.21]. */
enum { VERSION_MAX = 27 };

enum qm_status onnx_read_version(struct onnx_reader *r) {
    for (size_t i = 0; i < r->model->n_opset_import; i++) {
        const Onnx__OperatorSetIdProto *set = r->model->opset_import[i];
        if (is_domain(set->domain != NULL ? set->domain : "", ONNX_DOMAIN)) r->opset = set->version;
    }
    if (r->opset >= 1 && r->opset <= VERSION_MAX) return QM_OK;
    return qm_fail(r->diag, QM_BAD_INPUT, "%s: the model is of opset %lld of ONNX; 1 to %d are known", r->file->name, (long long)r->opset,
                   VERSION_MAX);
}

/* Attributes that not all versions of an operator have [published: onnx/defs]. Those of Pad are missing: PULP's files have them in any. */
static const struct {
    const char *operator, * attribute;
    int64_t first, last; /* versions of the operator set; last 0: there is none */
} versions[] = {{"ArgMax", "select_last_index", 12, 0},
                {"ArgMin", "select_last_index", 12, 0},
                {"AveragePool", "ceil_mode", 10, 0},
                {"AveragePool", "count_include_pad", 7, 0},
                {"AveragePool", "dilations", 19, 0},
                {"BatchNormalization", "is_test", 1, 6},
                {"BatchNormalization", "spatial", 1, 8},
                {"BatchNormalization", "training_mode", 14, 0},
                {"Cast", "saturate", 19, 0},
                {"Clip", "max", 1, 10},
                {"Clip", "min", 1, 10},
                {"Constant", "value_float", 12, 0},
                {"Constant", "value_floats", 12, 0},
                {"Constant", "value_int", 12, 0},
                {"Constant", "value_ints", 12, 0},
                {"DequantizeLinear", "axis", 13, 0},
                {"DequantizeLinear", "block_size", 21, 0},
                {"DequantizeLinear", "output_dtype", 23, 0},
                {"DepthToSpace", "mode", 11, 0},
                {"Dropout", "is_test", 1, 6},
                {"Dropout", "ratio", 1, 11},
                {"Dropout", "seed", 12, 0},
                {"MaxPool", "ceil_mode", 10, 0},
                {"MaxPool", "dilations", 10, 0},
                {"MaxPool", "storage_order", 8, 0},
                {"QuantizeLinear", "axis", 13, 0},
                {"QuantizeLinear", "block_size", 21, 0},
                {"QuantizeLinear", "output_dtype", 21, 0},
                {"QuantizeLinear", "precision", 23, 0},
                {"QuantizeLinear", "saturate", 19, 0},
                {"ReduceL1", "axes", 1, 17},
                {"ReduceL1", "noop_with_empty_axes", 18, 0},
                {"ReduceL2", "axes", 1, 17},
                {"ReduceL2", "noop_with_empty_axes", 18, 0},
                {"ReduceMax", "axes", 1, 17},
                {"ReduceMax", "noop_with_empty_axes", 18, 0},
                {"ReduceMean", "axes", 1, 17},
                {"ReduceMean", "noop_with_empty_axes", 18, 0},
                {"ReduceMin", "axes", 1, 17},
                {"ReduceMin", "noop_with_empty_axes", 18, 0},
                {"ReduceProd", "axes", 1, 17},
                {"ReduceProd", "noop_with_empty_axes", 18, 0},
                {"ReduceSum", "axes", 1, 12},
                {"ReduceSum", "noop_with_empty_axes", 13, 0},
                {"ReduceSumSquare", "axes", 1, 17},
                {"ReduceSumSquare", "noop_with_empty_axes", 18, 0},
                {"Reshape", "allowzero", 14, 0},
                {"Resize", "antialias", 18, 0},
                {"Resize", "axes", 18, 0},
                {"Resize", "coordinate_transformation_mode", 11, 0},
                {"Resize", "cubic_coeff_a", 11, 0},
                {"Resize", "exclude_outside", 11, 0},
                {"Resize", "extrapolation_value", 11, 0},
                {"Resize", "keep_aspect_ratio_policy", 18, 0},
                {"Resize", "nearest_mode", 11, 0},
                {"Shape", "end", 15, 0},
                {"Shape", "start", 15, 0},
                {"Slice", "axes", 1, 9},
                {"Slice", "ends", 1, 9},
                {"Slice", "starts", 1, 9},
                {"Split", "num_outputs", 18, 0},
                {"Split", "split", 1, 12},
                {"Squeeze", "axes", 1, 12},
                {"Unsqueeze", "axes", 1, 12}};

static bool is_of_version(const struct onnx_node *n, const char *attribute) {
    int64_t version = n->r->opset;
    if (!onnx_is_in_domain(n->source, ONNX_DOMAIN)) return true;
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++)
        if (strcmp(versions[i].operator, n->source->op_type) == 0 && strcmp(versions[i].attribute, attribute) == 0)
            return version >= versions[i].first && (versions[i].last == 0 || version <= versions[i].last);
    return true;
}

/* ---- types of attributes ---- */

enum { FLOAT = 1, INT = 2, TEXT = 4, TENSOR = 8, FLOATS = 16, INTS = 32 };

/* Names of one type, whatever operator has them; with an operator in front: only there. */
static const struct {
    uint32_t types;
    const char *names;
} types[] = {
    {FLOAT, "alpha beta cubic_coeff_a epsilon extrapolation_value gamma max min momentum ratio value_float"},
    {INT,
     "add_bits allowzero antialias axis bias_bits block_size blocksize ceil_mode channels_last count_include_pad end exclude_outside group "
     "in1_add in1_mul in1_n_levels in1_rq in1_shift in2_add in2_mul in2_n_levels in2_rq in2_shift is_test keepdims mult_bits "
     "narrow noop_with_empty_axes num_outputs opset out_add out_bits out_mul out_n_levels out_rq out_shift output_dtype precision "
     "saturate seed select_last_index spatial start stash_type storage_order to training_mode transA transB value_int weight_bits"},
    {TEXT, "approximate auto_pad coordinate_transformation_mode keep_aspect_ratio_policy mode nearest_mode rounding_mode"},
    {INTS, "axes dilations ends kernel_shape output_padding output_shape pads perm split starts strides value_ints"},
    {FLOATS, "value_floats"},
    {TENSOR, "value"},
    {FLOAT | INT, "Pad.value"}, /* PULP writes an integer */
    {INT | FLOAT | TENSOR, "div n_levels n_levels_out"},
    {INT | TENSOR, "signed"}};

/* What each type is in the file, and in messages. */
static const struct {
    uint32_t type;
    Onnx__AttributeProto__AttributeType number;
    const char *name;
} kinds[] = {
    {FLOAT, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT, "a float"},  {INT, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT, "an integer"},
    {TEXT, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING, "a string"}, {TENSOR, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR, "a tensor"},
    {FLOATS, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS, "floats"}, {INTS, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS, "integers"}};

/* The types whose fields the file has. A number 0 and an empty list may be left out. */
static uint32_t types_there(const Onnx__AttributeProto *a) {
    return (a->has_f ? FLOAT : 0U) | (a->has_i ? INT : 0U) | (a->has_s ? TEXT : 0U) | (a->t != NULL ? TENSOR : 0U) |
           (a->n_floats > 0 ? FLOATS : 0U) | (a->n_ints > 0 ? INTS : 0U);
}

/* The type that the file says; old files say none. */
static uint32_t type_said(const Onnx__AttributeProto *a, uint32_t otherwise) {
    if (!a->has_type || a->type == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__UNDEFINED) return otherwise;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].number == a->type) return kinds[i].type;
    return 0;
}

static bool is_listed(const char *list, const char *word) {
    size_t length = strlen(word);
    for (const char *at = list; length > 0 && (at = strstr(at, word)) != NULL; at += length)
        if ((at == list || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0')) return true;
    return false;
}

static uint32_t types_of_name(const char *name) {
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (is_listed(types[i].names, name)) return types[i].types;
    return 0;
}

static uint32_t allowed_types(const struct onnx_node *n, const char *name) {
    char own[80];
    snprintf(own, sizeof own, "%.30s.%.40s", n->source->op_type, name);
    uint32_t of_operator = types_of_name(own);
    return of_operator != 0 ? of_operator : types_of_name(name);
}

static bool check_type(const struct onnx_node *n, const Onnx__AttributeProto *a) {
    uint32_t allowed = allowed_types(n, a->name), there = types_there(a);
    const char *wanted = "of a type that is known";
    if ((type_said(a, allowed) & allowed) != 0 && (there == 0 || (there & type_said(a, allowed)) != 0)) return true;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if ((kinds[i].type & allowed) != 0) wanted = kinds[i].name;
    return onnx_refuse(n, "has the attribute %.40s of another type; it must be %s", a->name, wanted);
}

static bool is_twice(const struct onnx_node *n, size_t index) {
    for (size_t i = 0; i < index; i++)
        if (strcmp(n->source->attribute[i]->name, n->source->attribute[index]->name) == 0) return true;
    return false;
}

bool onnx_check_attributes(const struct onnx_node *n, const char *known) {
    for (size_t i = 0; i < n->source->n_attribute; i++) {
        const Onnx__AttributeProto *a = n->source->attribute[i];
        if (a->name == NULL || !is_listed(known, a->name))
            return onnx_refuse(n, "has the attribute %.40s, which is not known", a->name != NULL ? a->name : "without a name");
        if (a->ref_attr_name != NULL && a->ref_attr_name[0] != '\0')
            return onnx_refuse(n, "has the attribute %.40s of a function, outside of one", a->name);
        if (is_twice(n, i)) return onnx_refuse(n, "has the attribute %.40s twice", a->name);
        if (!is_of_version(n, a->name))
            return onnx_refuse(n, "has the attribute %.40s, which opset %lld does not have", a->name, (long long)n->r->opset);
        if (!check_type(n, a)) return false;
    }
    return true;
}
