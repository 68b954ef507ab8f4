// qmac.v - the accelerator: registers behind AXI4-Lite, memory through AXI4, four units between them (docs/machine.md).
//
// This file only connects. It adds the arena's base to offsets, gives fetch the read address before load, and sends beats to the one
// that asked. RREADY and BREADY are constant: every beat and response is taken when it is offered.
`include "qmac_defs.vh"
`default_nettype none

module qmac #(
    parameter Rows               = 16,
    parameter Cols               = 16,
    parameter SpadBytes          = 262144,
    parameter AccRows            = 1024,
    parameter AccBits            = 32,
    parameter AccSaturate        = 0,
    parameter AxiBytes           = 16,
    parameter QueueDepth         = 8,
    parameter FastArray          = 0,       // the form of mac_array that simulates fast
    parameter [31:0] Fingerprint = 32'd0    // of the knobs above: what the FINGERPRINT register says
) (
    input  wire                  clk_i,
    input  wire                  rst_ni,
    output wire                  irq_o,

    // AXI4-Lite slave: registers
    input  wire                  s_axil_awvalid_i,
    input  wire [11:0]           s_axil_awaddr_i,
    output wire                  s_axil_awready_o,
    input  wire                  s_axil_wvalid_i,
    input  wire [31:0]           s_axil_wdata_i,
    input  wire [3:0]            s_axil_wstrb_i,
    output wire                  s_axil_wready_o,
    output wire                  s_axil_bvalid_o,
    output wire [1:0]            s_axil_bresp_o,
    input  wire                  s_axil_bready_i,
    input  wire                  s_axil_arvalid_i,
    input  wire [11:0]           s_axil_araddr_i,
    output wire                  s_axil_arready_o,
    output wire                  s_axil_rvalid_o,
    output wire [31:0]           s_axil_rdata_o,
    output wire [1:0]            s_axil_rresp_o,
    input  wire                  s_axil_rready_i,

    // AXI4 master: memory. Id 0: fetch, id 1: load
    output wire                  m_axi_arvalid_o,
    output wire                  m_axi_arid_o,
    output wire [63:0]           m_axi_araddr_o,
    output wire [7:0]            m_axi_arlen_o,
    output wire [2:0]            m_axi_arsize_o,
    output wire [1:0]            m_axi_arburst_o,
    input  wire                  m_axi_arready_i,
    input  wire                  m_axi_rvalid_i,
    input  wire                  m_axi_rid_i,
    input  wire [8*AxiBytes-1:0] m_axi_rdata_i,
    input  wire [1:0]            m_axi_rresp_i,
    input  wire                  m_axi_rlast_i,
    output wire                  m_axi_rready_o,
    output wire                  m_axi_awvalid_o,
    output wire                  m_axi_awid_o,
    output wire [63:0]           m_axi_awaddr_o,
    output wire [7:0]            m_axi_awlen_o,
    output wire [2:0]            m_axi_awsize_o,
    output wire [1:0]            m_axi_awburst_o,
    input  wire                  m_axi_awready_i,
    output wire                  m_axi_wvalid_o,
    output wire [8*AxiBytes-1:0] m_axi_wdata_o,
    output wire [AxiBytes-1:0]   m_axi_wstrb_o,
    output wire                  m_axi_wlast_o,
    input  wire                  m_axi_wready_i,
    input  wire                  m_axi_bvalid_i,
    input  wire                  m_axi_bid_i,
    input  wire [1:0]            m_axi_bresp_i,
    output wire                  m_axi_bready_o,

    // to a bench
    output wire                  trace_busy_o,   // this cycle is busy
    output wire [3:0]            trace_start_o,  // units that started, ended an instruction in the cycle before
    output wire [3:0]            trace_end_o
);

    localparam Lane = $clog2(AxiBytes);
    localparam LOAD = `QM_UNIT_LOAD, MATMUL = `QM_UNIT_MATMUL, POST = `QM_UNIT_POST, STORE = `QM_UNIT_STORE;

    generate
        if (Rows < 1 || Rows > 256 || Cols < 1 || Cols > 256) Rows_and_Cols_must_be_from_1_to_256 check_array ();
        if (SpadBytes < 1024 || SpadBytes > 16777216 || (SpadBytes & (SpadBytes - 1)) != 0)
            SpadBytes_must_be_a_power_of_two_from_1024_to_16777216 check_scratchpad ();
        if (`QM_PARAMETER_BYTES * Cols > SpadBytes) SpadBytes_must_be_9_or_more_for_each_of_Cols check_channels ();  // parameters of a tile
        if (AccRows < 2 || AccRows > 65536 || (AccRows & (AccRows - 1)) != 0)
            AccRows_must_be_a_power_of_two_from_2_to_65536 check_accumulator ();
        if (AccBits < 16 || AccBits > 32 || AccSaturate < 0 || AccSaturate > 1)
            AccBits_must_be_from_16_to_32_and_AccSaturate_0_or_1 check_sums ();
        if (AxiBytes < 4 || AxiBytes > 64 || (AxiBytes & (AxiBytes - 1)) != 0)
            AxiBytes_must_be_a_power_of_two_from_4_to_64 check_axi ();
        if (QueueDepth < 2 || QueueDepth > 64 || (QueueDepth & (QueueDepth - 1)) != 0)
            QueueDepth_must_be_a_power_of_two_from_2_to_64 check_queue ();
    endgenerate

    // Registers, the run, counters.
    wire        start, clear, busy, done, failed, start_enable;
    wire [31:0] program_addr, program_count, memory_size, error_index;
    wire [63:0] memory_base, counter;
    wire [5:0]  counter_index;
    wire [3:0]  error;

    // Instructions: from fetch through decode to the queues. Bit u of a vector is unit u's.
    wire         fetch_run, fetch_outstanding, fetch_exhausted, head_valid, accept;
    wire [511:0] head;
    wire [1:0]   head_unit;
    wire [3:0]   head_error, push, full, empty, front_valid, back_valid, start_ok;
    wire [3:0]   unit_start, unit_take, unit_end, unit_busy;
    wire [15:0]  unit_signal;
    wire [511:0] load_front, load_back, matmul_front, matmul_back, post_front, store_front;
    wire [511:0] unused_post_back, unused_store_back;
    wire [1:0]   unused_back_valid = {back_valid[STORE], back_valid[POST]};

    // AXI read: fetch before load.
    wire         fetch_ar_valid, load_ar_valid;
    wire [31:0]  fetch_ar_offset, load_ar_offset;
    wire [8:0]   fetch_ar_beats, load_ar_beats;
    wire [8:0]   ar_len = (fetch_ar_valid ? fetch_ar_beats : load_ar_beats) - 9'd1;
    wire         fetch_beat = m_axi_rvalid_i && !m_axi_rid_i;
    wire         load_beat  = m_axi_rvalid_i && m_axi_rid_i;

    assign m_axi_arvalid_o = fetch_ar_valid || load_ar_valid;
    assign m_axi_arid_o    = !fetch_ar_valid;
    assign m_axi_araddr_o  = memory_base + {32'd0, fetch_ar_valid ? fetch_ar_offset : load_ar_offset};
    assign m_axi_arlen_o   = ar_len[7:0];
    assign m_axi_arsize_o  = Lane[2:0];
    assign m_axi_arburst_o = 2'b01;
    assign m_axi_rready_o  = 1'b1;

    // AXI write: store.
    wire [31:0]  aw_offset;
    wire [8:0]   aw_beats;
    wire [8:0]   aw_len = aw_beats - 9'd1;

    assign m_axi_awid_o    = 1'b0;
    assign m_axi_awaddr_o  = memory_base + {32'd0, aw_offset};
    assign m_axi_awlen_o   = aw_len[7:0];
    assign m_axi_awsize_o  = Lane[2:0];
    assign m_axi_awburst_o = 2'b01;
    assign m_axi_bready_o  = 1'b1;

    wire         fetch_burst_end, load_burst_end;
    wire         burst_end   = fetch_beat ? fetch_burst_end : load_burst_end;
    wire         read_error  = m_axi_rvalid_i && (m_axi_rresp_i != 2'b00 || m_axi_rlast_i != burst_end);
    wire         bus_error   = read_error || (m_axi_bvalid_i && m_axi_bresp_i != 2'b00);
    wire         unused_axi  = &{1'b0, m_axi_bid_i, ar_len[8], aw_len[8]};

    assign s_axil_bresp_o = 2'b00;
    assign s_axil_rresp_o = 2'b00;
    assign trace_busy_o   = busy;

    csr #(.Fingerprint(Fingerprint)) u_csr (
        .clk_i          (clk_i),
        .rst_ni         (rst_ni),
        .aw_valid_i     (s_axil_awvalid_i),
        .aw_addr_i      (s_axil_awaddr_i),
        .aw_ready_o     (s_axil_awready_o),
        .w_valid_i      (s_axil_wvalid_i),
        .w_data_i       (s_axil_wdata_i),
        .w_strobe_i     (s_axil_wstrb_i),
        .w_ready_o      (s_axil_wready_o),
        .b_valid_o      (s_axil_bvalid_o),
        .b_ready_i      (s_axil_bready_i),
        .ar_valid_i     (s_axil_arvalid_i),
        .ar_addr_i      (s_axil_araddr_i),
        .ar_ready_o     (s_axil_arready_o),
        .r_valid_o      (s_axil_rvalid_o),
        .r_data_o       (s_axil_rdata_o),
        .r_ready_i      (s_axil_rready_i),
        .irq_o          (irq_o),
        .start_o        (start),
        .program_addr_o (program_addr),
        .program_count_o(program_count),
        .memory_size_o  (memory_size),
        .memory_base_o  (memory_base),
        .busy_i         (busy),
        .done_i         (done),
        .failed_i       (failed),
        .error_i        (error),
        .error_index_i  (error_index),
        .counter_index_o(counter_index),
        .counter_i      (counter)
    );

    control u_control (
        .clk_i              (clk_i),
        .rst_ni             (rst_ni),
        .start_i            (start),
        .program_addr_i     (program_addr),
        .program_count_i    (program_count),
        .memory_size_i      (memory_size),
        .clear_o            (clear),
        .busy_o             (busy),
        .done_o             (done),
        .failed_o           (failed),
        .error_o            (error),
        .error_index_o      (error_index),
        .fetch_run_o        (fetch_run),
        .fetch_request_i    (fetch_ar_valid),
        .fetch_outstanding_i(fetch_outstanding),
        .fetch_exhausted_i  (fetch_exhausted),
        .head_valid_i       (head_valid),
        .head_unit_i        (head_unit),
        .head_error_i       (head_error),
        .accept_o           (accept),
        .start_enable_o     (start_enable),
        .push_o             (push),
        .full_i             (full),
        .empty_i            (empty),
        .unit_start_i       (unit_start),
        .unit_busy_i        (unit_busy),
        .bus_error_i        (bus_error)
    );

    fetch #(.AxiBytes(AxiBytes)) u_fetch (
        .clk_i          (clk_i),
        .rst_ni         (rst_ni),
        .clear_i        (clear),
        .run_i          (fetch_run),
        .program_addr_i (program_addr),
        .program_count_i(program_count),
        .outstanding_o  (fetch_outstanding),
        .exhausted_o    (fetch_exhausted),
        .ar_valid_o     (fetch_ar_valid),
        .ar_offset_o    (fetch_ar_offset),
        .ar_beats_o     (fetch_ar_beats),
        .ar_ready_i     (m_axi_arready_i),
        .beat_i         (fetch_beat),
        .data_i         (m_axi_rdata_i),
        .burst_end_o    (fetch_burst_end),
        .head_valid_o   (head_valid),
        .head_o         (head),
        .pop_i          (accept)
    );

    decode #(.Rows(Rows), .Cols(Cols), .SpadBytes(SpadBytes), .AccRows(AccRows)) u_decode (
        .insn_i       (head),
        .memory_size_i(memory_size),
        .unit_o       (head_unit),
        .error_o      (head_error)
    );

    queue #(.Depth(QueueDepth)) u_load_queue (
        .clk_i        (clk_i),
        .rst_ni       (rst_ni),
        .clear_i      (clear),
        .push_i       (push[LOAD]),
        .insn_i       (head),
        .full_o       (full[LOAD]),
        .empty_o      (empty[LOAD]),
        .front_valid_o(front_valid[LOAD]),
        .front_insn_o (load_front),
        .start_i      (unit_start[LOAD]),
        .back_valid_o (back_valid[LOAD]),
        .back_insn_o  (load_back),
        .take_i       (unit_take[LOAD])
    );

    queue #(.Depth(QueueDepth)) u_matmul_queue (
        .clk_i        (clk_i),
        .rst_ni       (rst_ni),
        .clear_i      (clear),
        .push_i       (push[MATMUL]),
        .insn_i       (head),
        .full_o       (full[MATMUL]),
        .empty_o      (empty[MATMUL]),
        .front_valid_o(front_valid[MATMUL]),
        .front_insn_o (matmul_front),
        .start_i      (unit_start[MATMUL]),
        .back_valid_o (back_valid[MATMUL]),
        .back_insn_o  (matmul_back),
        .take_i       (unit_take[MATMUL])
    );

    queue #(.Depth(QueueDepth)) u_post_queue (
        .clk_i        (clk_i),
        .rst_ni       (rst_ni),
        .clear_i      (clear),
        .push_i       (push[POST]),
        .insn_i       (head),
        .full_o       (full[POST]),
        .empty_o      (empty[POST]),
        .front_valid_o(front_valid[POST]),
        .front_insn_o (post_front),
        .start_i      (unit_start[POST]),
        .back_valid_o (back_valid[POST]),
        .back_insn_o  (unused_post_back),
        .take_i       (unit_take[POST])
    );

    queue #(.Depth(QueueDepth)) u_store_queue (
        .clk_i        (clk_i),
        .rst_ni       (rst_ni),
        .clear_i      (clear),
        .push_i       (push[STORE]),
        .insn_i       (head),
        .full_o       (full[STORE]),
        .empty_o      (empty[STORE]),
        .front_valid_o(front_valid[STORE]),
        .front_insn_o (store_front),
        .start_i      (unit_start[STORE]),
        .back_valid_o (back_valid[STORE]),
        .back_insn_o  (unused_store_back),
        .take_i       (unit_take[STORE])
    );

    assign unit_take[POST]  = unit_start[POST];
    assign unit_take[STORE] = unit_start[STORE];

    // Tokens.
    wire [3:0]  token_ok;
    assign start_ok = token_ok & {4{start_enable}};

    token u_token (
        .clk_i   (clk_i),
        .rst_ni  (rst_ni),
        .clear_i (clear),
        .wait_i  ({`QM_F_WAIT(store_front), `QM_F_WAIT(post_front), `QM_F_WAIT(matmul_front), `QM_F_WAIT(load_front)}),
        .ok_o    (token_ok),
        .start_i (unit_start),
        .end_i   (unit_end),
        .signal_i(unit_signal)
    );

    // Load.
    wire                  load_we, load_beat_counted, load_wait_memory;
    wire [23:0]           load_addr;
    wire [8*AxiBytes-1:0] load_data;
    wire [AxiBytes-1:0]   load_mask;
    wire [15:0]           load_write_bytes;

    load #(.AxiBytes(AxiBytes)) u_load (
        .clk_i        (clk_i),
        .rst_ni       (rst_ni),
        .clear_i      (clear),
        .front_valid_i(front_valid[LOAD]),
        .front_insn_i (load_front),
        .start_ok_i   (start_ok[LOAD]),
        .back_valid_i (back_valid[LOAD]),
        .back_insn_i  (load_back),
        .start_o      (unit_start[LOAD]),
        .take_o       (unit_take[LOAD]),
        .end_o        (unit_end[LOAD]),
        .end_signal_o (unit_signal[4*LOAD +: 4]),
        .busy_o       (unit_busy[LOAD]),
        .ar_valid_o   (load_ar_valid),
        .ar_offset_o  (load_ar_offset),
        .ar_beats_o   (load_ar_beats),
        .ar_ready_i   (m_axi_arready_i && !fetch_ar_valid),
        .beat_i       (load_beat),
        .data_i       (m_axi_rdata_i),
        .burst_end_o  (load_burst_end),
        .load_we_o    (load_we),
        .load_addr_o  (load_addr),
        .load_data_o  (load_data),
        .load_mask_o  (load_mask),
        .beat_o       (load_beat_counted),
        .wait_memory_o(load_wait_memory),
        .write_bytes_o(load_write_bytes)
    );

    // Matmul, array, accumulator.
    wire              window_re, weight_re, matmul_stream, matmul_wait_weights, matmul_drain;
    wire [23:0]       window_addr, weight_addr;
    wire [16*Rows-1:0] window_data;
    wire [16*Cols-1:0] weight_data;
    wire [31:0]       matmul_macs, matmul_macs_w4a8, matmul_macs_w4a4;
    wire [15:0]       matmul_stream_bytes, matmul_weight_read_bytes, matmul_weight_write_bytes,
                      matmul_acc_write_words, matmul_acc_read_words;
    wire              array_weight_valid, array_weight_buffer, array_weight_diagonal;
    wire [7:0]        array_weight_row;
    wire [1:0]        array_weight_mode, array_row_mode;
    wire [16*Cols-1:0] array_weight_data;
    wire              array_row_valid, array_row_buffer, array_row_unsigned;
    wire [16*Rows-1:0] array_row_data;
    wire [32*Cols-1:0] sums;
    wire              commit, commit_add;
    wire [15:0]       commit_addr, matmul_row_sum, acc_overflow_words;
    wire [15:0]       row_weight_zero;
    wire [31:0]       correction;
    wire [8:0]        commit_corrected;

    matmul #(.Rows(Rows), .Cols(Cols)) u_matmul (
        .clk_i                  (clk_i),
        .rst_ni                 (rst_ni),
        .clear_i                (clear),
        .front_valid_i          (front_valid[MATMUL]),
        .front_insn_i           (matmul_front),
        .start_ok_i             (start_ok[MATMUL]),
        .back_valid_i           (back_valid[MATMUL]),
        .back_insn_i            (matmul_back),
        .start_o                (unit_start[MATMUL]),
        .take_o                 (unit_take[MATMUL]),
        .end_o                  (unit_end[MATMUL]),
        .end_signal_o           (unit_signal[4*MATMUL +: 4]),
        .busy_o                 (unit_busy[MATMUL]),
        .stream_o               (matmul_stream),
        .wait_weights_o         (matmul_wait_weights),
        .drain_o                (matmul_drain),
        .macs_o                 (matmul_macs),
        .macs_w4a8_o            (matmul_macs_w4a8),
        .macs_w4a4_o            (matmul_macs_w4a4),
        .row_sum_o              (matmul_row_sum),
        .stream_bytes_o         (matmul_stream_bytes),
        .weight_read_bytes_o    (matmul_weight_read_bytes),
        .weight_write_bytes_o   (matmul_weight_write_bytes),
        .acc_write_words_o      (matmul_acc_write_words),
        .acc_read_words_o       (matmul_acc_read_words),
        .window_re_o            (window_re),
        .window_addr_o          (window_addr),
        .window_data_i          (window_data),
        .weight_re_o            (weight_re),
        .weight_addr_o          (weight_addr),
        .weight_data_i          (weight_data),
        .array_weight_valid_o   (array_weight_valid),
        .array_weight_buffer_o  (array_weight_buffer),
        .array_weight_diagonal_o(array_weight_diagonal),
        .array_weight_row_o     (array_weight_row),
        .array_weight_mode_o    (array_weight_mode),
        .array_weight_data_o    (array_weight_data),
        .array_row_valid_o      (array_row_valid),
        .array_row_buffer_o     (array_row_buffer),
        .array_row_unsigned_o   (array_row_unsigned),
        .array_row_mode_o       (array_row_mode),
        .array_row_data_o       (array_row_data),
        .row_weight_zero_o      (row_weight_zero),
        .commit_o               (commit),
        .commit_addr_o          (commit_addr),
        .commit_add_o           (commit_add),
        .commit_corrected_o     (commit_corrected)
    );

    mac_array #(.Rows(Rows), .Cols(Cols), .FastArray(FastArray)) u_mac_array (
        .clk_i            (clk_i),
        .rst_ni           (rst_ni),
        .weight_valid_i   (array_weight_valid),
        .weight_buffer_i  (array_weight_buffer),
        .weight_diagonal_i(array_weight_diagonal),
        .weight_row_i     (array_weight_row),
        .weight_mode_i    (array_weight_mode),
        .weight_data_i    (array_weight_data),
        .row_valid_i      (array_row_valid),
        .row_buffer_i     (array_row_buffer),
        .row_unsigned_i   (array_row_unsigned),
        .row_mode_i       (array_row_mode),
        .row_data_i       (array_row_data),
        .sums_o           (sums)
    );

    row_sum #(.Rows(Rows), .Cols(Cols)) u_row_sum (
        .clk_i            (clk_i),
        .rst_ni           (rst_ni),
        .row_valid_i      (array_row_valid),
        .row_unsigned_i   (array_row_unsigned),
        .row_mode_i       (array_row_mode),
        .row_data_i       (array_row_data),
        .row_weight_zero_i(row_weight_zero),
        .correction_o     (correction)
    );

    wire               post_acc_re;
    wire [15:0]        post_acc_addr;
    wire [32*Cols-1:0] post_acc_data;

    accumulator #(.Cols(Cols), .AccRows(AccRows), .AccBits(AccBits), .AccSaturate(AccSaturate)) u_accumulator (
        .clk_i             (clk_i),
        .rst_ni            (rst_ni),
        .commit_i          (commit),
        .commit_addr_i     (commit_addr),
        .commit_add_i      (commit_add),
        .commit_corrected_i(commit_corrected),
        .sums_i            (sums),
        .correction_i      (correction),
        .overflow_words_o  (acc_overflow_words),
        .post_acc_re_i     (post_acc_re),
        .post_acc_addr_i   (post_acc_addr),
        .post_acc_data_o   (post_acc_data)
    );

    // Post.
    wire              post_re, post_we, post_row, post_param, post_drain;
    wire [23:0]       post_addr, post_waddr;
    wire [8*Cols-1:0] post_data, post_wdata;
    wire [Cols-1:0]   post_wmask;
    wire [15:0]       post_read_bytes, post_write_bytes, post_acc_read_words, post_requantize, post_scale, post_pool;

    post #(.Rows(Rows), .Cols(Cols)) u_post (
        .clk_i           (clk_i),
        .rst_ni          (rst_ni),
        .clear_i         (clear),
        .front_valid_i   (front_valid[POST]),
        .front_insn_i    (post_front),
        .start_ok_i      (start_ok[POST]),
        .start_o         (unit_start[POST]),
        .end_o           (unit_end[POST]),
        .end_signal_o    (unit_signal[4*POST +: 4]),
        .busy_o          (unit_busy[POST]),
        .row_o           (post_row),
        .param_o         (post_param),
        .drain_o         (post_drain),
        .read_bytes_o    (post_read_bytes),
        .write_bytes_o   (post_write_bytes),
        .acc_read_words_o(post_acc_read_words),
        .requantize_o    (post_requantize),
        .scale_o         (post_scale),
        .pool_o          (post_pool),
        .post_re_o       (post_re),
        .post_addr_o     (post_addr),
        .post_data_i     (post_data),
        .post_we_o       (post_we),
        .post_waddr_o    (post_waddr),
        .post_wdata_o    (post_wdata),
        .post_wmask_o    (post_wmask),
        .post_acc_re_o   (post_acc_re),
        .post_acc_addr_o (post_acc_addr),
        .post_acc_data_i (post_acc_data)
    );

    // Store.
    wire        store_re, store_beat, store_wait_memory;
    wire [23:0] store_addr;
    wire [15:0] store_read_bytes;

    store #(.AxiBytes(AxiBytes)) u_store (
        .clk_i        (clk_i),
        .rst_ni       (rst_ni),
        .clear_i      (clear),
        .front_valid_i(front_valid[STORE]),
        .front_insn_i (store_front),
        .start_ok_i   (start_ok[STORE]),
        .start_o      (unit_start[STORE]),
        .end_o        (unit_end[STORE]),
        .end_signal_o (unit_signal[4*STORE +: 4]),
        .busy_o       (unit_busy[STORE]),
        .aw_valid_o   (m_axi_awvalid_o),
        .aw_offset_o  (aw_offset),
        .aw_beats_o   (aw_beats),
        .aw_ready_i   (m_axi_awready_i),
        .w_valid_o    (m_axi_wvalid_o),
        .w_strobe_o   (m_axi_wstrb_o),
        .w_last_o     (m_axi_wlast_o),
        .w_ready_i    (m_axi_wready_i),
        .response_i   (m_axi_bvalid_i),
        .store_re_o   (store_re),
        .store_addr_o (store_addr),
        .beat_o       (store_beat),
        .wait_memory_o(store_wait_memory),
        .read_bytes_o (store_read_bytes)
    );

    scratchpad #(.Rows(Rows), .Cols(Cols), .SpadBytes(SpadBytes), .AxiBytes(AxiBytes)) u_scratchpad (
        .clk_i        (clk_i),
        .window_re_i  (window_re),
        .window_addr_i(window_addr),
        .window_data_o(window_data),
        .weight_re_i  (weight_re),
        .weight_addr_i(weight_addr),
        .weight_data_o(weight_data),
        .post_re_i    (post_re),
        .post_addr_i  (post_addr),
        .post_data_o  (post_data),
        .post_we_i    (post_we),
        .post_waddr_i (post_waddr),
        .post_wdata_i (post_wdata),
        .post_wmask_i (post_wmask),
        .load_we_i    (load_we),
        .load_addr_i  (load_addr),
        .load_data_i  (load_data),
        .load_mask_i  (load_mask),
        .store_re_i   (store_re),
        .store_addr_i (store_addr),
        .store_data_o (m_axi_wdata_o)
    );

    counters u_counters (
        .clk_i                   (clk_i),
        .rst_ni                  (rst_ni),
        .clear_i                 (clear),
        .busy_i                  (busy),
        .index_i                 (counter_index),
        .value_o                 (counter),
        .accept_i                (accept),
        .start_i                 (unit_start),
        .waiting_i               (front_valid),
        .load_beat_i             (load_beat_counted),
        .load_wait_memory_i      (load_wait_memory),
        .load_write_bytes_i      (load_write_bytes),
        .fetch_beat_i            (fetch_beat),
        .matmul_stream_i         (matmul_stream),
        .matmul_wait_weights_i   (matmul_wait_weights),
        .matmul_drain_i          (matmul_drain),
        .matmul_macs_i           (matmul_macs),
        .matmul_macs_w4a8_i      (matmul_macs_w4a8),
        .matmul_macs_w4a4_i      (matmul_macs_w4a4),
        .matmul_row_sum_i        (matmul_row_sum),
        .matmul_stream_bytes_i   (matmul_stream_bytes),
        .matmul_weight_read_bytes_i (matmul_weight_read_bytes),
        .matmul_weight_write_bytes_i(matmul_weight_write_bytes),
        .matmul_acc_write_words_i(matmul_acc_write_words),
        .matmul_acc_read_words_i (matmul_acc_read_words),
        .acc_overflow_words_i    (acc_overflow_words),
        .post_row_i              (post_row),
        .post_param_i            (post_param),
        .post_drain_i            (post_drain),
        .post_read_bytes_i       (post_read_bytes),
        .post_write_bytes_i      (post_write_bytes),
        .post_acc_read_words_i   (post_acc_read_words),
        .post_requantize_i       (post_requantize),
        .post_scale_i            (post_scale),
        .post_pool_i             (post_pool),
        .store_beat_i            (store_beat),
        .store_wait_memory_i     (store_wait_memory),
        .store_read_bytes_i      (store_read_bytes)
    );

    `QM_PROBES

    trace u_trace (
        .clk_i        (clk_i),
        .rst_ni       (rst_ni),
        .start_i      (unit_start),
        .end_i        (unit_end),
        .trace_start_o(trace_start_o),
        .trace_end_o  (trace_end_o)
    );

endmodule

`default_nettype wire
