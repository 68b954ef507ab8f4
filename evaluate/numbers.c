/* numbers.c - the elements of constants, as integers and as doubles. Data need not be aligned. */
#include <math.h>
#include <string.h>

#include "common/status.h"
#include "evaluate/evaluate.h"

/* One element at any address. */
union element {
    int8_t i8;
    uint8_t u8;
    int16_t i16;
    uint16_t u16;
    int32_t i32;
    int64_t i64;
    float f32;
    double f64;
} __attribute__((packed, may_alias));

static const union element *element_of(const struct qm_graph_tensor *tensor, size_t i) {
    return (const union element *)((const uint8_t *)tensor->data + i * qm_dtype_bytes(tensor->dtype));
}

int64_t evaluate_integer(const struct qm_graph_tensor *tensor, size_t i) {
    const union element *element = element_of(tensor, i);
    switch (tensor->dtype) {
    case QM_I8: return element->i8;
    case QM_U8: return element->u8;
    case QM_I16: return element->i16;
    case QM_U16: return element->u16;
    case QM_I32: return element->i32;
    case QM_I64: return element->i64;
    case QM_BOOL:
    case QM_F32:
    case QM_F64:
    case QM_ANY_DTYPES: break;
    }
    QM_CHECK(!"a type of integers");
    return 0;
}

double evaluate_stored(const struct qm_graph_tensor *tensor, size_t i) {
    if (tensor->dtype == QM_F32) return (double)element_of(tensor, i)->f32;
    if (tensor->dtype == QM_F64) return element_of(tensor, i)->f64;
    return (double)evaluate_integer(tensor, i);
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

bool evaluate_range(const struct qm_graph_tensor *tensor, double *low, double *high) {
    bool is_unsigned = tensor->dtype == QM_U8 || tensor->dtype == QM_U16;
    if (tensor->dtype == QM_F32 || tensor->dtype == QM_F64) return false;
    double span = (double)(UINT64_C(1) << (qm_graph_bits(tensor) - 1)) * 2;
    *low = is_unsigned ? 0 : -span / 2;
    *high = *low + span - 1;
    return true;
}

/* ---- storing ---- */

/* How numbers become elements of a type. */
struct storage {
    enum qm_dtype dtype;
    bool is_whole;
    double low, high; /* of integers: what the type holds and a double has exactly */
};

static struct storage storage_of(enum qm_dtype dtype) {
    struct storage storage = {.dtype = dtype};
    storage.is_whole = evaluate_range(&(struct qm_graph_tensor){.dtype = dtype}, &storage.low, &storage.high);
    storage.low = fmax(storage.low, 1 - EVALUATE_EXACT);
    storage.high = fmin(storage.high, EVALUATE_EXACT - 1);
    return storage;
}

/* False: the number is no integer, or none that the type holds, or one that may have been rounded. */
static bool fits(const struct storage *storage, double number) {
    return !storage->is_whole || (number >= storage->low && number <= storage->high && (double)(int64_t)number == number);
}

/* Floats are rounded to the type. */
static void store(const struct storage *storage, double number, void *to) {
    float single = (float)number;
    int64_t whole = storage->is_whole ? (int64_t)number : 0;
    const void *source = storage->dtype == QM_F64 ? (const void *)&number : (const void *)&single;
    memcpy(to, storage->is_whole ? &whole /* its low bytes, which are first */ : source, qm_dtype_bytes(storage->dtype));
}

bool evaluate_fits(enum qm_dtype dtype, const double *numbers, size_t count) {
    struct storage storage = storage_of(dtype);
    for (size_t i = 0; i < count && storage.is_whole; i++)
        if (!fits(&storage, numbers[i])) return false;
    return true;
}

bool evaluate_store(enum qm_dtype dtype, const double *numbers, size_t count, void *data) {
    struct storage storage = storage_of(dtype);
    uint8_t *to = data;
    if (!evaluate_fits(dtype, numbers, count)) return false;
    for (size_t i = 0; i < count; i++) store(&storage, numbers[i], to + i * qm_dtype_bytes(dtype));
    return true;
}
