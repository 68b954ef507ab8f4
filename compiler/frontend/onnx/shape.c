/* shape.c - the types and shapes of ONNX's tensors. */
#include <string.h>

#include "compiler/frontend/onnx/onnx.h"

const char *onnx_type_name(int32_t type) {
    static const char *const names[] = {"no type", "float32", "uint8",   "int8",   "uint16", "int16",     "int32",      "int64",   "string",
                                        "bool",    "float16", "float64", "uint32", "uint64", "complex64", "complex128", "bfloat16"};
    switch (type) {
    case ONNX_UINT4: return "uint4";
    case ONNX_INT4: return "int4";
    case ONNX_UINT2: return "uint2";
    case ONNX_INT2: return "int2";
    default: return type >= 0 && type < (int32_t)(sizeof names / sizeof *names) ? names[type] : "a type of a later version";
    }
}

bool onnx_type_range(int32_t type, int64_t *low, int64_t *high) {
    static const struct {
        int32_t type, bits;
        bool is_signed;
    } types[] = {{ONNX_UINT8, 8, false}, {ONNX_INT8, 8, true}, {ONNX_UINT16, 16, false}, {ONNX_INT16, 16, true}, {ONNX_INT32, 32, true},
                 {ONNX_UINT4, 4, false}, {ONNX_INT4, 4, true}, {ONNX_UINT2, 2, false},   {ONNX_INT2, 2, true}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (types[i].type != type) continue;
        int64_t span = INT64_C(1) << types[i].bits;
        *low = types[i].is_signed ? -span / 2 : 0;
        *high = *low + span - 1;
        return true;
    }
    return false;
}

uint64_t onnx_elements(const struct onnx_shape *shape) {
    uint64_t elements = 1;
    for (uint32_t i = 0; i < shape->rank; i++) elements *= shape->dims[i];
    return elements;
}

bool onnx_same_shape(const struct onnx_shape *a, const struct onnx_shape *b) {
    return a->rank == b->rank && memcmp(a->dims, b->dims, a->rank * sizeof *a->dims) == 0;
}
