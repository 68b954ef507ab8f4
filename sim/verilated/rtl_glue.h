/* rtl_glue.h - the C door to one Verilated machine: pins in, one clock, pins out. All logic is on the C side.
 *
 * Each machine is a shared library with these functions; a device loads the one of its fingerprint. The outputs of a tick are registers of
 * the RTL, so they are those of the cycle that begins; the trace speaks of the cycle that ended.
 */
#ifndef QM_SIM_VERILATED_RTL_GLUE_H
#define QM_SIM_VERILATED_RTL_GLUE_H

#include <stdint.h>

enum { RTL_AXI_BYTES_MAX = 64 };

struct rtl_in {
    /* AXI4-Lite */
    uint8_t csr_write, csr_read;         /* address and data, or the read address, are valid in this cycle */
    uint8_t csr_no_address, csr_no_data; /* a write of which only the other half is valid */
    uint8_t csr_not_ready;               /* no response and no read data is taken */
    uint8_t csr_strobe_off;              /* bit i: byte i is not written */
    uint16_t csr_address;
    uint32_t csr_data;
    /* AXI4 */
    uint8_t ar_ready, r_valid, r_id, r_last, r_error;
    uint8_t aw_ready, w_ready, b_valid, b_error;
    const uint8_t *r_data; /* [axi_bytes], read when r_valid */
};

struct rtl_out {
    uint8_t csr_written, csr_read_valid, csr_error;
    uint8_t csr_address_ready, csr_data_ready, csr_read_ready; /* would be taken if the inputs stayed for another cycle */
    uint32_t csr_read_data;
    uint8_t irq, busy;
    uint8_t ar_valid, ar_id, aw_valid, aw_id, w_valid, w_last;
    uint8_t ar_size, ar_burst, aw_size, aw_burst; /* as AXI codes them */
    uint8_t r_ready, b_ready;
    uint32_t ar_beats, aw_beats;
    uint64_t ar_address, aw_address, w_strobe;
    uint8_t w_data[RTL_AXI_BYTES_MAX]; /* set when w_valid */
    uint8_t trace_start, trace_end;    /* bit u: unit u, in the cycle that ended */
};

#ifdef __cplusplus
extern "C" {
#endif

struct rtl_model;

/* What the Verilated machine asks of the program that loads it. Those that end the process do not return. */
struct rtl_host {
    void (*no_memory)(void);         /* ends it */
    void (*ended)(const char *what); /* ends it: $finish, $stop or $fatal, with its place */
    void (*said)(const char *text);  /* $display and its kin: any part of a line, or several */
};

struct rtl_model *rtl_create(const struct rtl_host *host); /* after reset; host stays */
/* In the place of printf in what Verilator brings along. */
int rtl_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
void rtl_destroy(struct rtl_model *model);
void rtl_reset(struct rtl_model *model);
void rtl_tick(struct rtl_model *model, const struct rtl_in *in, struct rtl_out *out);
uint8_t *rtl_scratchpad(struct rtl_model *model); /* [scratchpad_bytes], borrowed */

/* Borrowed; a row has rtl_accumulator_row_bytes, in which lane c begins at bit c * accumulator_bits, lowest bits first. */
uint8_t *rtl_accumulator(struct rtl_model *model);
uint32_t rtl_accumulator_row_bytes(const struct rtl_model *model);
/* Of a library with QM_PROBED: what was between the blocks in the cycle that ended: values [QM_PROBES], and data signals of sizes[] bytes
 * at data + offsets[] (sim/probe.h). */
void rtl_probe(const struct rtl_model *model, uint32_t *values, uint8_t *data, const uint32_t *sizes, const uint32_t *offsets);

#ifdef __cplusplus
}
#endif

#endif
