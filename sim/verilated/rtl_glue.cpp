// rtl_glue.cpp - copies pins between struct rtl_in, the Verilated model and struct rtl_out; compiled once for each machine.
//
// One tick is one rising edge: inputs are set with the clock, Verilator settles what depends on them before it runs the registers. No
// output but the register port's readiness depends on an input, so none has to be settled twice.
#include "sim/verilated/rtl_glue.h"

#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>

#include "Vqmac.h"
#include "Vqmac___024root.h"
#include "verilated.h"

struct rtl_model {
    VerilatedContext context;
    Vqmac top{&context, "qmac"};
};

static void clock(Vqmac &top) {
    top.clk_i = 1;
    top.eval();
    top.clk_i = 0;
    top.eval();
}

static void set_inputs(Vqmac &top, const rtl_in *in) {
    top.s_axil_awvalid_i = in->csr_write && !in->csr_no_address;
    top.s_axil_wvalid_i = in->csr_write && !in->csr_no_data;
    top.s_axil_wstrb_i = 0xf & ~in->csr_strobe_off;
    top.s_axil_bready_i = top.s_axil_rready_i = !in->csr_not_ready;
    top.s_axil_awaddr_i = top.s_axil_araddr_i = in->csr_address;
    top.s_axil_wdata_i = in->csr_data;
    top.s_axil_arvalid_i = in->csr_read;
    top.m_axi_arready_i = in->ar_ready;
    top.m_axi_rvalid_i = in->r_valid;
    top.m_axi_rid_i = in->r_id;
    top.m_axi_rlast_i = in->r_last;
    top.m_axi_rresp_i = in->r_error ? 2 : 0;
    top.m_axi_awready_i = in->aw_ready;
    top.m_axi_wready_i = in->w_ready;
    top.m_axi_bvalid_i = in->b_valid;
    top.m_axi_bresp_i = in->b_error ? 2 : 0;
    if (in->r_valid) std::memcpy(&top.m_axi_rdata_i, in->r_data, sizeof top.m_axi_rdata_i);
}

static void get_outputs(const Vqmac &top, rtl_out *out) {
    out->csr_written = top.s_axil_bvalid_o;
    out->csr_read_valid = top.s_axil_rvalid_o;
    out->csr_error = top.s_axil_bresp_o | top.s_axil_rresp_o;
    out->csr_read_data = top.s_axil_rdata_o;
    out->csr_address_ready = top.s_axil_awready_o;
    out->csr_data_ready = top.s_axil_wready_o;
    out->csr_read_ready = top.s_axil_arready_o;
    out->irq = top.irq_o;
    out->busy = top.trace_busy_o;
    out->ar_valid = top.m_axi_arvalid_o;
    out->ar_id = top.m_axi_arid_o;
    out->ar_size = top.m_axi_arsize_o;
    out->ar_burst = top.m_axi_arburst_o;
    out->r_ready = top.m_axi_rready_o;
    out->ar_beats = top.m_axi_arlen_o + 1u;
    out->ar_address = top.m_axi_araddr_o;
    out->aw_valid = top.m_axi_awvalid_o;
    out->aw_id = top.m_axi_awid_o;
    out->aw_size = top.m_axi_awsize_o;
    out->aw_burst = top.m_axi_awburst_o;
    out->b_ready = top.m_axi_bready_o;
    out->aw_beats = top.m_axi_awlen_o + 1u;
    out->aw_address = top.m_axi_awaddr_o;
    out->w_valid = top.m_axi_wvalid_o;
    out->w_last = top.m_axi_wlast_o;
    out->w_strobe = top.m_axi_wstrb_o;
    if (out->w_valid) std::memcpy(out->w_data, &top.m_axi_wdata_o, sizeof top.m_axi_wdata_o);
    out->trace_start = top.trace_start_o;
    out->trace_end = top.trace_end_o;
}

#define EXPORT extern "C" __attribute__((visibility("default")))

// Verilator's functions know no model, so the host is the library's.
static const rtl_host *host;

extern "C" int rtl_print(const char *format, ...) {
    char text[4096];
    va_list args;
    va_start(args, format);
    int size = std::vsnprintf(text, sizeof text, format, args);
    va_end(args);
    host->said(text);
    return size;
}

static void end(const char *file, int line, const char *what) {
    char text[1024];
    std::snprintf(text, sizeof text, "%s:%d: %s", file, line, what);
    host->ended(text);
}

void vl_finish(const char *file, int line, const char *) {
    end(file, line, "$finish");
}

void vl_stop(const char *file, int line, const char *) {
    end(file, line, "$stop");
}

void vl_fatal(const char *file, int line, const char *, const char *message) {
    end(file, line, message);
}

EXPORT rtl_model *rtl_create(const rtl_host *loader) {
    host = loader;
    std::set_new_handler(host->no_memory);
    std::set_terminate(host->no_memory); // Verilator starts threads, which takes memory as well
    rtl_model *model = new rtl_model;
    rtl_reset(model);
    return model;
}

EXPORT void rtl_reset(rtl_model *model) {
    rtl_in quiet = {};
    quiet.csr_not_ready = 1; // an answer goes because of the reset, not because it is taken
    set_inputs(model->top, &quiet);
    model->top.rst_ni = 0;
    clock(model->top);
    model->top.rst_ni = 1;
}

EXPORT void rtl_destroy(rtl_model *model) {
    model->top.final();
    delete model;
}

EXPORT void rtl_tick(rtl_model *model, const rtl_in *in, rtl_out *out) {
    set_inputs(model->top, in);
    clock(model->top);
    get_outputs(model->top, out);
}

EXPORT uint8_t *rtl_scratchpad(rtl_model *model) {
    return reinterpret_cast<uint8_t *>(&model->top.rootp->qmac__DOT__u_core__DOT__u_scratchpad__DOT__mem[0]);
}

EXPORT uint8_t *rtl_accumulator(rtl_model *model) {
    return reinterpret_cast<uint8_t *>(&model->top.rootp->qmac__DOT__u_core__DOT__u_accumulator__DOT__mem[0]);
}

EXPORT uint32_t rtl_accumulator_row_bytes(const rtl_model *model) {
    return sizeof model->top.rootp->qmac__DOT__u_core__DOT__u_accumulator__DOT__mem[0];
}

#ifdef QM_PROBED
EXPORT void rtl_probe(const rtl_model *model, uint32_t *values, uint8_t *data, const uint32_t *sizes, const uint32_t *offsets) {
    const Vqmac___024root &root = *model->top.rootp;
#define QM_PROBE(unit, name, width, insn, gate, verilog, c) *values++ = root.qmac__DOT__u_core__DOT__probe_##unit##_##name;
#define QM_PROBE_DATA(unit, name, width, insn, bytes, element, verilog)                                                                    \
    std::memcpy(data + *offsets++, &root.qmac__DOT__u_core__DOT__probe_##unit##_##name, *sizes++);
#include "spec/probes.def"
#undef QM_PROBE
#undef QM_PROBE_DATA
}
#endif
