/* requant.c - the modes of --requant: their names, and the rounding that each means. */
#include "compiler/compiler.h"
#include "common/isa.h"
#include "common/status.h"

static const struct {
    const char *name;
    uint32_t rounding;
} modes[QM_REQUANT_MODES] = {[QM_REQUANT_TFLITE] = {"tflite", QM_rounding_TFLITE},   [QM_REQUANT_LITERT] = {"litert", QM_rounding_TFLITE},
                             [QM_REQUANT_XNNPACK] = {"xnnpack", QM_rounding_TFLITE}, [QM_REQUANT_SINGLE] = {"single", QM_rounding_SINGLE},
                             [QM_REQUANT_EVEN] = {"even", QM_rounding_EVEN},         [QM_REQUANT_FLOOR] = {"floor", QM_rounding_FLOOR},
                             [QM_REQUANT_AWAY] = {"away", QM_rounding_AWAY}};

static enum qm_requant_mode own_mode(bool was_real) {
    return was_real ? QM_REQUANT_EVEN : QM_REQUANT_TFLITE;
}

bool qm_requant_overrides(enum qm_requant_mode mode, bool was_real) {
    return mode != QM_REQUANT_FILE && mode != own_mode(was_real);
}

const char *qm_requant_name(enum qm_requant_mode mode, bool was_real) {
    return modes[mode != QM_REQUANT_FILE ? mode : own_mode(was_real)].name;
}

bool qm_requant_is_profile(enum qm_requant_mode mode) {
    return mode == QM_REQUANT_LITERT || mode == QM_REQUANT_XNNPACK;
}

uint32_t qm_requant_rounding(enum qm_requant_mode mode) {
    QM_CHECK(mode != QM_REQUANT_FILE && mode < QM_REQUANT_MODES);
    return modes[mode].rounding;
}
