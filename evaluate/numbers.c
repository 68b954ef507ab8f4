/* numbers.c - the elements of constants as doubles. Data need not be aligned. */
#include <string.h>

#include "evaluate/evaluate.h"

/* One element of a type, at bytes that need not be aligned. */
#define LOADED(type, data, i)                                                                                                              \
    ({                                                                                                                                     \
        type loaded;                                                                                                                       \
        memcpy(&loaded, (const uint8_t *)(data) + (i) * sizeof loaded, sizeof loaded);                                                     \
        (double)loaded;                                                                                                                    \
    })

double evaluate_stored(const struct qm_graph_tensor *tensor, size_t i) {
    switch (tensor->dtype) {
    case QM_I8: return ((const int8_t *)tensor->data)[i];
    case QM_U8: return ((const uint8_t *)tensor->data)[i];
    case QM_I16: return LOADED(int16_t, tensor->data, i);
    case QM_U16: return LOADED(uint16_t, tensor->data, i);
    case QM_I32: return LOADED(int32_t, tensor->data, i);
    case QM_I64: return LOADED(int64_t, tensor->data, i);
    case QM_F32: return LOADED(float, tensor->data, i);
    case QM_F64: return LOADED(double, tensor->data, i);
    case QM_ANY_DTYPES: break;
    }
    return 0;
}

void evaluate_numbers_to(const struct qm_graph_tensor *tensor, double *numbers) {
    const struct qm_quant *quant = &tensor->quant;
    size_t elements = (size_t)qm_graph_elements(tensor), inner = 1;
    for (uint32_t d = quant->axis + 1; d < tensor->rank; d++) inner *= tensor->dims[d];
    for (size_t i = 0; i < elements; i++) {
        numbers[i] = evaluate_stored(tensor, i);
        if (quant->count == 0) continue;
        size_t c = quant->count > 1 ? i / inner % quant->count : 0;
        numbers[i] = (numbers[i] - (double)quant->zero_point[c]) * (double)quant->scale[c];
    }
}

double *evaluate_numbers(const struct qm_graph_tensor *tensor, struct qm_arena *arena) {
    double *numbers = QM_ARENA_NEW(arena, double, qm_graph_elements(tensor));
    evaluate_numbers_to(tensor, numbers);
    return numbers;
}

void evaluate_store(enum qm_dtype dtype, const double *numbers, size_t count, void *data) {
    uint8_t *to = data;
    for (size_t i = 0; i < count; i++, to += qm_dtype_bytes(dtype)) {
        float single = (float)numbers[i];
        int64_t whole = numbers[i] >= 0x1p63 ? INT64_MAX : numbers[i] > -0x1p63 ? (int64_t)numbers[i] : INT64_MIN;
        const void *source = dtype == QM_F64 ? (const void *)&numbers[i] : dtype == QM_F32 ? (const void *)&single : (const void *)&whole;
        memcpy(to, source, qm_dtype_bytes(dtype));
    }
}

bool evaluate_range(const struct qm_graph_tensor *tensor, double *low, double *high) {
    bool is_unsigned = tensor->dtype == QM_U8 || tensor->dtype == QM_U16;
    if (tensor->dtype == QM_F32 || tensor->dtype == QM_F64) return false;
    double span = (double)(UINT64_C(1) << (qm_graph_bits(tensor) - 1)) * 2;
    *low = is_unsigned ? 0 : -span / 2;
    *high = *low + span - 1;
    return true;
}
