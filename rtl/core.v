// core.v - the machine itself, between registers and a bus port (docs/machine.md): control, instructions, units, memories, counters.
//
// This file only connects; what a wire says stands at the port that drives it. It gives fetch the read channel before load and sends
// beats to the one that asked. Addresses are offsets in the arena; how a bus encodes bursts is the matter of qmac.v. Every beat and
// response is taken when it is offered.
`include "qmac_defs.vh"
`default_nettype none

module core #(
    parameter integer Rows        = 16,
    parameter integer Cols        = 16,
    parameter integer CellBytes   = 2,
    parameter integer SpadBytes   = 262144,
    parameter integer AccRows     = 1024,
    parameter integer AccBits     = 32,
    parameter integer AccSaturate = 0,
    parameter integer AxiBytes    = 16,
    parameter integer QueueDepth  = 8,
    parameter integer FastArray   = 0       // the form of mac_array that simulates fast
) (
    input  wire                  clk_i,
    input  wire                  rst_ni,
    // to csr
    input  wire                  start_i,          // START is written
    input  wire [31:0]           program_addr_i,   // arena offset
    input  wire [31:0]           program_count_i,
    input  wire [31:0]           memory_size_i,    // bytes of the arena
    output wire                  busy_o,           // a run is not at its end
    output wire                  done_o,           // the last run ended well
    output wire                  failed_o,         // the last run ended with an error
    output wire [3:0]            error_o,
    output wire [31:0]           error_index_o,
    input  wire                  counter_re_i,     // a counter is read, if there is one at counter_index_i
    input  wire [5:0]            counter_index_i,
    output wire [63:0]           counter_o,        // in the cycle after counter_re_i, held until the next
    // to the bus port: read
    output wire                  ar_valid_o,       // a burst is asked for
    output wire                  ar_id_o,          // 0: by fetch, 1: by load
    output wire [31:0]           ar_offset_o,      // arena offset
    output wire [8:0]            ar_beats_o,
    input  wire                  ar_ready_i,       // the port takes a burst that is asked for now
    input  wire                  beat_i,           // a beat arrives
    input  wire                  beat_id_i,        // for whom
    input  wire [8*AxiBytes-1:0] beat_data_i,
    output wire                  burst_end_o,      // a beat now is the last of its burst
    // to the bus port: write
    output wire                  aw_valid_o,       // a burst is asked for
    output wire [31:0]           aw_offset_o,      // arena offset
    output wire [8:0]            aw_beats_o,
    input  wire                  aw_ready_i,       // the port takes a burst that is asked for now
    output wire                  w_valid_o,        // a beat is offered
    output wire [8*AxiBytes-1:0] w_data_o,
    output wire [AxiBytes-1:0]   w_strobe_o,
    output wire                  w_last_o,         // it is the last of its burst
    input  wire                  w_ready_i,        // the port takes a beat that is offered now
    input  wire                  response_i,       // a burst is written
    input  wire                  bus_error_i,      // a beat or a response says so
    // to trace: bit u is unit u's
    output wire [3:0]            unit_start_o,     // it starts an instruction
    output wire [3:0]            unit_end_o        // it ends one
);

    localparam integer LOAD = `QM_UNIT_LOAD, MATMUL = `QM_UNIT_MATMUL, POST = `QM_UNIT_POST, STORE = `QM_UNIT_STORE;

    // Instructions: from fetch through decode to the queues.
    wire          clear;              // START is accepted
    wire          fetch_run;          // busy, and no error is set
    wire          fetch_outstanding;  // a beat of fetch is still to come
    wire          fetch_exhausted;    // decode has popped the whole program
    wire          head_valid;         // fetch has an instruction for decode
    wire          accept;             // decode passes it on
    wire [511:0]  head;
    wire          head_check;         // it is to be checked
    wire [1:0]    head_unit;
    wire [3:0]    head_error;

    // Queues and units: bit u of a vector, bits 4*u +: 4 and 512*u +: 512 are unit u's.
    wire          start_enable;       // no error is set
    wire [3:0]    push;               // accept, for the unit of the head
    wire [3:0]    full, empty;        // its queue has no room, has no instruction
    wire [3:0]    front_valid;        // it has an instruction that is not started
    wire [3:0]    back_valid;         // it has one that is started, also in this cycle, and not taken
    wire [3:0]    token_ok;           // the tokens that the front instruction waits for are there
    wire [3:0]    start_ok = token_ok & {4{start_enable}};
    wire [3:0]    unit_take;          // its back takes an instruction
    wire [3:0]    unit_busy;          // something that it started is unfinished
    wire [15:0]   unit_wait;          // units whose tokens the front instruction waits for
    wire [15:0]   unit_signal;        // units that get a token of the ending instruction
    wire [2047:0] front_insn, back_insn;

    // Read: fetch before load.
    wire          fetch_ar_valid, load_ar_valid;
    wire [31:0]   fetch_ar_offset, load_ar_offset;
    wire [8:0]    fetch_ar_beats, load_ar_beats;
    wire          fetch_burst_end, load_burst_end;
    wire          fetch_beat = beat_i && !beat_id_i;
    wire          load_beat  = beat_i && beat_id_i;

    assign ar_valid_o  = fetch_ar_valid || load_ar_valid;
    assign ar_id_o     = !fetch_ar_valid;
    assign ar_offset_o = fetch_ar_valid ? fetch_ar_offset : load_ar_offset;
    assign ar_beats_o  = fetch_ar_valid ? fetch_ar_beats : load_ar_beats;
    assign burst_end_o = beat_id_i ? load_burst_end : fetch_burst_end;

    control u_control (
        .clk_i              (clk_i),
        .rst_ni             (rst_ni),
        .start_i            (start_i),
        .program_addr_i     (program_addr_i),
        .program_count_i    (program_count_i),
        .memory_size_i      (memory_size_i),
        .clear_o            (clear),
        .busy_o             (busy_o),
        .done_o             (done_o),
        .failed_o           (failed_o),
        .error_o            (error_o),
        .error_index_o      (error_index_o),
        .fetch_run_o        (fetch_run),
        .fetch_request_i    (fetch_ar_valid),
        .fetch_outstanding_i(fetch_outstanding),
        .fetch_exhausted_i  (fetch_exhausted),
        .head_valid_i       (head_valid),
        .head_check_o       (head_check),
        .head_unit_i        (head_unit),
        .head_error_i       (head_error),
        .accept_o           (accept),
        .start_enable_o     (start_enable),
        .push_o             (push),
        .full_i             (full),
        .empty_i            (empty),
        .unit_start_i       (unit_start_o),
        .unit_busy_i        (unit_busy),
        .bus_error_i        (bus_error_i)
    );

    fetch #(.AxiBytes(AxiBytes)) u_fetch (
        .clk_i          (clk_i),
        .rst_ni         (rst_ni),
        .clear_i        (clear),
        .run_i          (fetch_run),
        .program_addr_i (program_addr_i),
        .program_count_i(program_count_i),
        .outstanding_o  (fetch_outstanding),
        .exhausted_o    (fetch_exhausted),
        .ar_valid_o     (fetch_ar_valid),
        .ar_offset_o    (fetch_ar_offset),
        .ar_beats_o     (fetch_ar_beats),
        .ar_ready_i     (ar_ready_i),
        .beat_i         (fetch_beat),
        .data_i         (beat_data_i),
        .burst_end_o    (fetch_burst_end),
        .head_valid_o   (head_valid),
        .head_o         (head),
        .pop_i          (accept)
    );

    decode #(.Rows(Rows), .Cols(Cols), .CellBytes(CellBytes), .SpadBytes(SpadBytes), .AccRows(AccRows)) u_decode (
        .insn_i       (head),
        .memory_size_i(memory_size_i),
        .check_i      (head_check),
        .unit_o       (head_unit),
        .error_o      (head_error)
    );

    // Post and store take what they start.
    assign unit_take[POST]  = unit_start_o[POST];
    assign unit_take[STORE] = unit_start_o[STORE];
    wire unused_back = &{1'b0, back_valid[POST], back_valid[STORE], back_insn[512*POST +: 512], back_insn[512*STORE +: 512]};

    genvar u;
    generate
        for (u = 0; u < 4; u = u + 1) begin : gen_unit
            wire [511:0] front;
            assign front_insn[512*u +: 512] = front;
            assign unit_wait[4*u +: 4]      = `QM_F_WAIT(front);
            queue #(.Depth(QueueDepth)) u_queue (
                .clk_i        (clk_i),
                .rst_ni       (rst_ni),
                .clear_i      (clear),
                .push_i       (push[u]),
                .insn_i       (head),
                .full_o       (full[u]),
                .empty_o      (empty[u]),
                .front_valid_o(front_valid[u]),
                .front_insn_o (front),
                .start_i      (unit_start_o[u]),
                .back_valid_o (back_valid[u]),
                .back_insn_o  (back_insn[512*u +: 512]),
                .take_i       (unit_take[u])
            );
        end
    endgenerate

    token u_token (
        .clk_i   (clk_i),
        .rst_ni  (rst_ni),
        .clear_i (clear),
        .wait_i  (unit_wait),
        .ok_o    (token_ok),
        .start_i (unit_start_o),
        .end_i   (unit_end_o),
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
        .front_insn_i (front_insn[512*LOAD +: 512]),
        .start_ok_i   (start_ok[LOAD]),
        .back_valid_i (back_valid[LOAD]),
        .back_insn_i  (back_insn[512*LOAD +: 512]),
        .start_o      (unit_start_o[LOAD]),
        .take_o       (unit_take[LOAD]),
        .end_o        (unit_end_o[LOAD]),
        .end_signal_o (unit_signal[4*LOAD +: 4]),
        .busy_o       (unit_busy[LOAD]),
        .ar_valid_o   (load_ar_valid),
        .ar_offset_o  (load_ar_offset),
        .ar_beats_o   (load_ar_beats),
        .ar_ready_i   (ar_ready_i && !fetch_ar_valid),
        .beat_i       (load_beat),
        .data_i       (beat_data_i),
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
    wire              window_re, window_wide, weight_re, weight_wide, matmul_stream, matmul_wait_weights, matmul_drain;
    wire [23:0]       window_addr, weight_addr;
    wire [16*Rows-1:0] window_data;
    wire [16*Cols-1:0] weight_data;
    wire [31:0]       matmul_macs, matmul_macs_w4a8, matmul_macs_w4a4;
    wire [15:0]       matmul_stream_bytes, matmul_weight_read_bytes, matmul_weight_write_bytes,
                      matmul_acc_write_words, matmul_acc_read_words;
    wire              array_weight_valid, array_weight_buffer, array_sample_valid;
    wire [7:0]        array_weight_row;
    wire [1:0]        array_weight_mode, array_row_mode;
    wire [16*Cols-1:0] array_weight_data;
    wire              array_row_valid, array_row_buffer, array_row_unsigned;
    wire [16*Rows-1:0] array_row_data;
    wire [7:0]        array_row_sampled;
    wire [8*Cols-1:0] array_sample_data;
    wire [32*Cols-1:0] sums;
    wire              commit, commit_add;
    wire [15:0]       commit_addr, matmul_row_sum, acc_overflow_words;
    wire [15:0]       row_weight_zero;
    wire [31:0]       correction;
    wire [8:0]        commit_corrected;

    matmul #(.Rows(Rows), .Cols(Cols), .CellBytes(CellBytes)) u_matmul (
        .clk_i                  (clk_i),
        .rst_ni                 (rst_ni),
        .clear_i                (clear),
        .front_valid_i          (front_valid[MATMUL]),
        .front_insn_i           (front_insn[512*MATMUL +: 512]),
        .start_ok_i             (start_ok[MATMUL]),
        .back_valid_i           (back_valid[MATMUL]),
        .back_insn_i            (back_insn[512*MATMUL +: 512]),
        .start_o                (unit_start_o[MATMUL]),
        .take_o                 (unit_take[MATMUL]),
        .end_o                  (unit_end_o[MATMUL]),
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
        .window_wide_o          (window_wide),
        .window_addr_o          (window_addr),
        .window_data_i          (window_data),
        .weight_re_o            (weight_re),
        .weight_wide_o          (weight_wide),
        .weight_addr_o          (weight_addr),
        .weight_data_i          (weight_data),
        .array_weight_valid_o   (array_weight_valid),
        .array_weight_buffer_o  (array_weight_buffer),
        .array_weight_row_o     (array_weight_row),
        .array_weight_mode_o    (array_weight_mode),
        .array_weight_data_o    (array_weight_data),
        .array_row_valid_o      (array_row_valid),
        .array_row_buffer_o     (array_row_buffer),
        .array_row_unsigned_o   (array_row_unsigned),
        .array_row_mode_o       (array_row_mode),
        .array_row_data_o       (array_row_data),
        .array_row_sampled_o    (array_row_sampled),
        .array_sample_valid_o   (array_sample_valid),
        .array_sample_data_o    (array_sample_data),
        .row_weight_zero_o      (row_weight_zero),
        .commit_o               (commit),
        .commit_addr_o          (commit_addr),
        .commit_add_o           (commit_add),
        .commit_corrected_o     (commit_corrected)
    );

    mac_array #(.Rows(Rows), .Cols(Cols), .CellBytes(CellBytes), .FastArray(FastArray)) u_mac_array (
        .clk_i            (clk_i),
        .rst_ni           (rst_ni),
        .weight_valid_i   (array_weight_valid),
        .weight_buffer_i  (array_weight_buffer),
        .weight_row_i     (array_weight_row),
        .weight_mode_i    (array_weight_mode),
        .weight_data_i    (array_weight_data),
        .row_valid_i      (array_row_valid),
        .row_buffer_i     (array_row_buffer),
        .row_unsigned_i   (array_row_unsigned),
        .row_mode_i       (array_row_mode),
        .row_data_i       (array_row_data),
        .row_sampled_i    (array_row_sampled),
        .sample_valid_i   (array_sample_valid),
        .sample_data_i    (array_sample_data),
        .sums_o           (sums)
    );

    row_sum #(.Rows(Rows), .Cols(Cols), .CellBytes(CellBytes)) u_row_sum (
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
    wire              post_re, operand_re, post_we, post_row, post_param, post_drain;
    wire [23:0]       post_addr, operand_addr, post_waddr;
    wire [8*Cols-1:0] post_data, operand_data, post_wdata;
    wire [Cols-1:0]   post_wmask;
    wire [15:0]       post_read_bytes, post_write_bytes, post_acc_read_words, post_requantize, post_scale, post_pool;

    post #(.Rows(Rows), .Cols(Cols)) u_post (
        .clk_i           (clk_i),
        .rst_ni          (rst_ni),
        .clear_i         (clear),
        .front_valid_i   (front_valid[POST]),
        .front_insn_i    (front_insn[512*POST +: 512]),
        .start_ok_i      (start_ok[POST]),
        .start_o         (unit_start_o[POST]),
        .end_o           (unit_end_o[POST]),
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
        .operand_re_o    (operand_re),
        .operand_addr_o  (operand_addr),
        .operand_data_i  (operand_data),
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
        .front_insn_i (front_insn[512*STORE +: 512]),
        .start_ok_i   (start_ok[STORE]),
        .start_o      (unit_start_o[STORE]),
        .end_o        (unit_end_o[STORE]),
        .end_signal_o (unit_signal[4*STORE +: 4]),
        .busy_o       (unit_busy[STORE]),
        .aw_valid_o   (aw_valid_o),
        .aw_offset_o  (aw_offset_o),
        .aw_beats_o   (aw_beats_o),
        .aw_ready_i   (aw_ready_i),
        .w_valid_o    (w_valid_o),
        .w_strobe_o   (w_strobe_o),
        .w_last_o     (w_last_o),
        .w_ready_i    (w_ready_i),
        .response_i   (response_i),
        .store_re_o   (store_re),
        .store_addr_o (store_addr),
        .beat_o       (store_beat),
        .wait_memory_o(store_wait_memory),
        .read_bytes_o (store_read_bytes)
    );

    scratchpad #(.Rows(Rows), .Cols(Cols), .CellBytes(CellBytes), .SpadBytes(SpadBytes), .AxiBytes(AxiBytes)) u_scratchpad (
        .clk_i        (clk_i),
        .window_re_i  (window_re),
        .window_wide_i(window_wide),
        .window_addr_i(window_addr),
        .window_data_o(window_data),
        .weight_re_i  (weight_re),
        .weight_wide_i(weight_wide),
        .weight_addr_i(weight_addr),
        .weight_data_o(weight_data),
        .post_re_i    (post_re),
        .post_addr_i  (post_addr),
        .post_data_o  (post_data),
        .operand_re_i (operand_re),
        .operand_addr_i(operand_addr),
        .operand_data_o(operand_data),
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
        .store_data_o (w_data_o)
    );

    counters u_counters (
        .clk_i                   (clk_i),
        .rst_ni                  (rst_ni),
        .clear_i                 (clear),
        .busy_i                  (busy_o),
        .re_i                    (counter_re_i),
        .index_i                 (counter_index_i),
        .value_o                 (counter_o),
        .accept_i                (accept),
        .start_i                 (unit_start_o),
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

endmodule

`default_nettype wire
