/* data.c - see data.h. */
#include "tests/support/data.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

const struct data_network data_networks[DATA_NETWORKS] = {
    {"hello_world", "tflite-micro/models/hello_world_int8.tflite"},
    {"micro_speech", "tflite-micro/models/micro_speech_quantized.tflite"},
    {"person_detect", "tflite-micro/models/person_detect.tflite"},
    {"ad_autoencoder", "mlcommons-tiny/models/autoencoder_ad01_int8.tflite"},
    {"ds_cnn_kws", "mlcommons-tiny/models/ds_cnn_kws_int8.tflite"},
    {"resnet8_cifar10", "mlcommons-tiny/models/resnet8_cifar10_int8.tflite"},
    {"vww_mobilenet", "mlcommons-tiny/models/mobilenet_v1_025_96_vww_int8.tflite"},
    {"tf2_mobilenet_v2_224", "google-coral-test_data/models/tf2_mobilenet_v2_1.0_224_ptq.tflite"},
};

void data_need(void) {
    if (getenv("QMAC_DATA") != NULL) return;
    if (getenv("CI") != NULL) cr_assert_fail("QMAC_DATA is not set, and CI skips nothing");
    fprintf(stderr, "skip: QMAC_DATA is not set, so a test on its networks does not run\n");
    cr_skip("QMAC_DATA is not set");
}

char *data_path(struct qm_arena *arena, const char *format, ...) {
    char rest[256];
    va_list args;
    va_start(args, format);
    vsnprintf(rest, sizeof rest, format, args);
    va_end(args);
    return qm_arena_printf(arena, "%s/%s", getenv("QMAC_DATA"), rest);
}
