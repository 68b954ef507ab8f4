// matmul.v - preloads weights and streams windows through the array.
//
// The preloader (front) fills weight buffers 0 and 1 in turn, the streamer (back) sends windows through the buffer that is full. A row
// or weight row is read from the scratchpad in its cycle of issue and enters the array in the next one; what the accumulator must know
// about a row travels beside the array in a delay line.
// Invariant: a buffer is written only while it is not full and used only while it is. docs/machine.md, Matmul.
`include "qmac_defs.vh"
`default_nettype none

module matmul #(
    parameter integer Rows      = 16,
    parameter integer Cols      = 16,
    parameter integer CellBytes = 2  // that a cell takes in a cycle: 2 fusible, 1 fixed to W8A8
) (
    input  wire               clk_i,
    input  wire               rst_ni,
    input  wire               clear_i,                  // START is accepted
    // to queue, token
    /* verilator lint_off UNUSEDSIGNAL */  // each half needs its own fields only
    input  wire               front_valid_i,            // an instruction is queued and not started
    input  wire [511:0]       front_insn_i,             // the oldest such
    input  wire               start_ok_i,               // no error is set, and the tokens that it waits for are there
    input  wire               back_valid_i,             // one is started, also in this cycle, and not taken
    input  wire [511:0]       back_insn_i,              // the oldest such
    /* verilator lint_on UNUSEDSIGNAL */
    output wire               start_o,                  // the preloader starts its instruction
    output wire               take_o,                   // the streamer takes its instruction
    output wire               end_o,                    // the last row of an instruction is committed
    output wire [3:0]         end_signal_o,             // units that get a token of it
    output wire               busy_o,                   // something that was started is unfinished
    // to counters
    output wire               stream_o,                 // a row is issued
    output wire               wait_weights_o,           // an instruction is in the streamer
    output wire               drain_o,                  // a row is on its way to the accumulator
    output wire [31:0]        macs_o,
    output wire [31:0]        macs_w4a8_o,
    output wire [31:0]        macs_w4a4_o,
    output wire [15:0]        row_sum_o,
    output wire [15:0]        stream_bytes_o,
    output wire [15:0]        weight_read_bytes_o,
    output wire [15:0]        weight_write_bytes_o,
    output wire [15:0]        acc_write_words_o,
    output wire [15:0]        acc_read_words_o,
    // to scratchpad
    output wire               window_re_o,              // a row is issued: its window is read
    output wire               window_wide_o,            // two bytes a row of the array
    output wire [23:0]        window_addr_o,
    input  wire [16*Rows-1:0] window_data_i,
    output wire               weight_re_o,              // a weight row is issued: it is read
    output wire               weight_wide_o,            // two bytes a cell
    output wire [23:0]        weight_addr_o,
    input  wire [16*Cols-1:0] weight_data_i,
    // to mac_array: what was read in the cycle before
    output wire               array_weight_valid_o,     // a weight row enters
    output wire               array_weight_buffer_o,    // into this buffer
    output wire [7:0]         array_weight_row_o,
    output wire [1:0]         array_weight_mode_o,
    output wire [16*Cols-1:0] array_weight_data_o,
    output wire               array_row_valid_o,        // a row enters
    output wire               array_row_buffer_o,       // it meets the weights of this buffer
    output wire               array_row_unsigned_o,     // activations are not negative
    output wire [1:0]         array_row_mode_o,
    output reg  [16*Rows-1:0] array_row_data_o,
    output reg  [7:0]         array_row_sampled_o,      // bit r: array row r takes the column's sample instead
    output wire               array_sample_valid_o,     // samples enter, or those that did move on
    output reg  [8*Cols-1:0]  array_sample_data_o,
    // to row_sum, with the row
    output wire signed [15:0] row_weight_zero_o,
    // to accumulator: commit_o in the cycle before the array gives the row's sums
    output wire               commit_o,                 // a row is committed in the next cycle
    output wire [15:0]        commit_addr_o,
    output wire               commit_add_o,             // it is added, not overwritten
    output wire [8:0]         commit_corrected_o        // columns from which the row's correction is subtracted
);

    localparam integer Narrow    = Rows < Cols ? Rows : Cols;
    localparam integer CommitLag = Rows + Cols - 1;  // from the issue of a row to commit_o
    localparam [33:0]  PieceX    = {18'd0, Rows[15:0]};
    localparam [2:0]   W8A8      = `QM_PRECISION_W8A8;
    localparam [33:0]  NarrowX   = {18'd0, Narrow[15:0]};
    localparam [15:0]  RowWords  = Cols[15:0];

    // Decode lets no other precision through to fixed cells.
    wire [2:0] front_precision = CellBytes == 1 ? W8A8 : `QM_F_PRECISION(front_insn_i);
    wire [2:0] back_precision  = CellBytes == 1 ? W8A8 : `QM_F_PRECISION(back_insn_i);

    reg [1:0] full_q;  // buffer i holds the weights of a step that has not been streamed to its end

    // ---- Preloader ----
    reg         preload_busy_q;    // an instruction is in the preloader
    reg         preload_buffer_q;  // buffer that is filled
    reg  [23:0] weight_addr_q;
    reg  [7:0]  weight_row_q;
    reg  [2:0]  preload_precision_q;

    wire [8:0]  preload_rows;
    wire [8:0]  preload_n;
    wire        preload_depthwise;  // the step is a chain
    wire        preload_last_step;  // the step is the last of the instruction

    wire preload      = preload_busy_q && !full_q[preload_buffer_q];              // a weight row is issued
    wire preload_step = preload && {1'b0, weight_row_q} + 9'd1 == preload_rows;  // last row of the step

    assign start_o = front_valid_i && start_ok_i && !preload_busy_q;

    /* verilator lint_off PINCONNECTEMPTY */
    matmul_steps #(.Rows(Rows), .Cols(Cols)) preload_steps (
        .clk_i      (clk_i),
        .load_i     (start_o),
        .kernel_h_i (`QM_F_KERNEL_H(front_insn_i)),
        .kernel_w_i (`QM_F_KERNEL_W(front_insn_i)),
        .run_bytes_i(`QM_F_RUN_BYTES(front_insn_i)),
        .channels_i (`QM_F_CHANNELS(front_insn_i)),
        .depthwise_i(`QM_F_DEPTHWISE(front_insn_i)),
        .narrow_i   (front_precision != W8A8),
        .advance_i  (preload_step),
        .k_o        (),
        .rows_o     (preload_rows),
        .n_o        (preload_n),
        .depthwise_o(preload_depthwise),
        .first_o    (),
        .run_end_o  (),
        .row_end_o  (),
        .tile_end_o (),
        .last_o     (preload_last_step)
    );
    /* verilator lint_on PINCONNECTEMPTY */

    always @(posedge clk_i) begin
        if (!rst_ni || clear_i) begin
            preload_busy_q   <= 1'b0;
            preload_buffer_q <= 1'b0;
        end else begin
            if (start_o)                                preload_busy_q <= 1'b1;
            else if (preload_step && preload_last_step) preload_busy_q <= 1'b0;
            if (preload_step) preload_buffer_q <= !preload_buffer_q;
        end
        if (start_o) begin
            preload_precision_q <= front_precision;
            weight_addr_q <= `QM_F_WEIGHT_ADDR(front_insn_i);
            weight_row_q  <= 8'd0;
        end else if (preload) begin
            weight_addr_q <= weight_addr_q + {13'd0, weight_row_bytes};
            weight_row_q  <= preload_step ? 8'd0 : weight_row_q + 8'd1;
        end
    end

    // wb(n) of docs/machine.md, and what the cells store.
    wire [13:0] weight_row_bits  = {5'd0, preload_n} << `QM_CELL_BITS_LOG2(preload_precision_q);
    wire [10:0] weight_row_bytes = weight_row_bits[13:3] + {10'd0, weight_row_bits[2:0] != 3'd0};
    wire [1:0]  preload_mode     = `QM_ARRAY_MODE(preload_precision_q);

    assign weight_re_o          = preload;
    assign weight_wide_o        = `QM_CELL_BITS_LOG2(preload_precision_q) > 3'd3;
    assign weight_addr_o        = weight_addr_q;
    assign weight_read_bytes_o  = preload ? {5'd0, weight_row_bytes} : 16'd0;
    assign weight_write_bytes_o = !preload ? 16'd0 : preload_mode == `QM_ARRAY_MODE_4X4 ? {6'd0, preload_n, 1'b0} : {7'd0, preload_n};

    // ---- Streamer: the instruction and its steps ----
    /* verilator lint_off UNUSEDSIGNAL */
    reg  [511:0]       insn_q;
    /* verilator lint_on UNUSEDSIGNAL */
    reg                stream_busy_q;    // an instruction is in the streamer
    reg                stream_buffer_q;  // buffer that is used

    wire [9:0]         stream_k;
    wire [8:0]         stream_n;
    wire [8:0]         stream_rows;       // of the array that have weights
    wire               stream_depthwise;  // the current step is a chain
    wire               stream_first;      // it is the first of the tile
    wire               run_end;           // it is the last of the run
    wire               row_end;           // of the window row
    wire               tile_end;          // of the tile
    wire               last_step;         // of the instruction

    // A row of outputs takes as many rows of the step as it reads samples, or, of a dense step, windows. A chain makes its outputs some
    // rows later: two walks over the same rows, one that reads and one that makes outputs.
    wire        take_chain  = `QM_F_DEPTHWISE(back_insn_i);
    /* verilator lint_off UNUSEDSIGNAL */
    wire [15:0] take_run    = `QM_F_RUN_BYTES(back_insn_i);  // taps, at most 8
    /* verilator lint_on UNUSEDSIGNAL */
    wire [2:0]  take_lead   = take_chain ? take_run[2:0] - 3'd1 - `QM_F_SKIP_LEFT(back_insn_i) : 3'd0;
    wire [2:0]  take_behind = take_chain ? take_lead - `QM_F_SKIP_RIGHT(back_insn_i) : 3'd0;
    wire [7:0]  take_step   = take_chain ? `QM_F_SAMPLE_STEP(back_insn_i) : 8'd1;
    wire [25:0] take_last   = ({10'd0, `QM_F_OUT_W(back_insn_i)} - 26'd1) * {18'd0, take_step} + {23'd0, take_behind};

    reg  [2:0]         lead_q;          // rows of the step before its first output
    reg  [2:0]         behind_q;        // rows of a row of outputs behind its last output
    reg  [7:0]         sample_step_q;   // rows from one output to the next
    reg  [25:0]        last_q;          // rows of a row of outputs, less one
    reg                read_q;          // the current row reads the map
    reg  [25:0]        read_left_q;     // rows of the row of outputs that read after the current one
    reg  [15:0]        read_y_left_q;   // rows of outputs after that
    reg  [2:0]         lead_left_q;
    reg  [25:0]        made_left_q;     // rows of the row of outputs after the current one
    reg  [15:0]        oy_left_q;       // rows of outputs after that
    reg  [7:0]         step_left_q;     // rows until the next output
    reg  [2:0]         made_q;          // rows of the row of outputs before the current one, no more than counts

    wire stream      = stream_busy_q && full_q[stream_buffer_q];  // a row is issued
    wire reading     = stream && read_q;                          // it reads the map
    wire making      = stream && lead_left_q == 3'd0;             // it belongs to a row of outputs
    wire output_row  = making && step_left_q == 8'd0 && made_left_q >= {23'd0, behind_q};  // it makes an output
    wire stream_step = making && oy_left_q == 16'd0 && made_left_q == {23'd0, behind_q};  // last row of the step
    wire stream_end  = stream_step && last_step;                                           // last row of the instruction

    assign take_o = back_valid_i && (!stream_busy_q || stream_end);

    /* verilator lint_off PINCONNECTEMPTY */
    matmul_steps #(.Rows(Rows), .Cols(Cols)) stream_steps (
        .clk_i      (clk_i),
        .load_i     (take_o),
        .kernel_h_i (`QM_F_KERNEL_H(back_insn_i)),
        .kernel_w_i (`QM_F_KERNEL_W(back_insn_i)),
        .run_bytes_i(`QM_F_RUN_BYTES(back_insn_i)),
        .channels_i (`QM_F_CHANNELS(back_insn_i)),
        .depthwise_i(`QM_F_DEPTHWISE(back_insn_i)),
        .narrow_i   (back_precision != W8A8),
        .advance_i  (stream_step),
        .k_o        (stream_k),
        .rows_o     (stream_rows),
        .n_o        (stream_n),
        .depthwise_o(stream_depthwise),
        .first_o    (stream_first),
        .run_end_o  (run_end),
        .row_end_o  (row_end),
        .tile_end_o (tile_end),
        .last_o     (last_step)
    );
    /* verilator lint_on PINCONNECTEMPTY */

    always @(posedge clk_i) begin
        if (!rst_ni || clear_i) begin
            full_q          <= 2'b00;
            stream_busy_q   <= 1'b0;
            stream_buffer_q <= 1'b0;
        end else begin
            if (preload_step) full_q[preload_buffer_q] <= 1'b1;
            if (stream_step)  full_q[stream_buffer_q]  <= 1'b0;
            if (stream_step)  stream_buffer_q <= !stream_buffer_q;
            if (take_o)          stream_busy_q <= 1'b1;
            else if (stream_end) stream_busy_q <= 1'b0;
        end
        if (take_o) insn_q <= back_insn_i;
    end

    // ---- Streamer: where the row's window lies ----
    // Position (0, 0) of the current tile, run and piece; x of the piece, and of the current row.
    reg  signed [33:0] tile_x_q;
    reg  signed [33:0] run_x_q;
    reg  signed [33:0] piece_x_q;
    reg  signed [25:0] run_y_q;
    reg  signed [33:0] x_q;
    reg  signed [25:0] y_q;

    reg  signed [33:0] tile_x_d;
    reg  signed [33:0] run_x_d;
    reg  signed [33:0] piece_x_d;
    reg  signed [25:0] run_y_d;

    wire [1:0]  stream_mode  = CellBytes == 1 ? `QM_ARRAY_MODE_8X8 : `QM_ARRAY_MODE(`QM_F_PRECISION(insn_q));
    wire [15:0] take_x_start = `QM_F_X_START(back_insn_i);
    wire [15:0] take_y_start = `QM_F_Y_START(back_insn_i);
    wire [15:0] y_start      = `QM_F_Y_START(insn_q);

    /* verilator lint_off BLKSEQ */  // the next values are names, worked out only at the end of a step
    always @(posedge clk_i) begin
        if (take_o) begin
            tile_x_q  <= {{18{take_x_start[15]}}, take_x_start};
            run_x_q   <= {{18{take_x_start[15]}}, take_x_start};
            piece_x_q <= {{18{take_x_start[15]}}, take_x_start};
            x_q       <= {{18{take_x_start[15]}}, take_x_start};
            run_y_q   <= {{10{take_y_start[15]}}, take_y_start};
            y_q       <= {{10{take_y_start[15]}}, take_y_start};
        end else if (stream_step) begin
            tile_x_d  = tile_x_q;
            run_x_d   = run_x_q;
            run_y_d   = run_y_q;
            if (tile_end) begin
                tile_x_d = tile_x_q + (stream_depthwise ? NarrowX : 34'd0);
                run_x_d  = tile_x_d;
                run_y_d  = {{10{y_start[15]}}, y_start};
            end else if (row_end) begin
                run_x_d  = tile_x_q;
                run_y_d  = run_y_q + {18'd0, `QM_F_Y_DILATION(insn_q)};
            end else if (run_end)
                run_x_d  = run_x_q + {18'd0, `QM_F_X_DILATION(insn_q)};
            piece_x_d = run_end ? run_x_d : piece_x_q + (stream_mode == `QM_ARRAY_MODE_8X8 ? PieceX : PieceX << 1);
            tile_x_q  <= tile_x_d;
            run_x_q   <= run_x_d;
            piece_x_q <= piece_x_d;
            x_q       <= piece_x_d;
            run_y_q   <= run_y_d;
            y_q       <= run_y_d;
        end else if (reading && read_left_q == 26'd0) begin
            x_q       <= piece_x_q;
            y_q       <= y_q + {18'd0, `QM_F_Y_STRIDE(insn_q)};
        end else if (reading)
            x_q       <= x_q + {18'd0, `QM_F_X_STRIDE(insn_q)};
    end
    /* verilator lint_on BLKSEQ */

    // The walk that reads.
    always @(posedge clk_i) begin
        if (take_o) begin
            lead_q        <= take_lead;
            behind_q      <= take_behind;
            sample_step_q <= take_step;
            last_q        <= take_last;
        end
        if (take_o || stream_step) begin
            read_q        <= 1'b1;
            read_left_q   <= take_o ? take_last : last_q;
            read_y_left_q <= (take_o ? `QM_F_OUT_H(back_insn_i) : `QM_F_OUT_H(insn_q)) - 16'd1;
        end else if (reading && read_left_q == 26'd0) begin
            read_q        <= read_y_left_q != 16'd0;
            read_left_q   <= last_q;
            read_y_left_q <= read_y_left_q - 16'd1;
        end else if (reading)
            read_left_q   <= read_left_q - 26'd1;
    end

    // The walk that makes outputs.
    always @(posedge clk_i) begin
        if (take_o || stream_step) begin
            lead_left_q <= take_o ? take_lead : lead_q;
            made_left_q <= take_o ? take_last : last_q;
            oy_left_q   <= (take_o ? `QM_F_OUT_H(back_insn_i) : `QM_F_OUT_H(insn_q)) - 16'd1;
            step_left_q <= 8'd0;
            made_q      <= 3'd0;
        end else if (making && made_left_q == 26'd0) begin
            made_left_q <= last_q;
            oy_left_q   <= oy_left_q - 16'd1;
            step_left_q <= 8'd0;
            made_q      <= 3'd0;
        end else if (making) begin
            made_left_q <= made_left_q - 26'd1;
            step_left_q <= step_left_q == 8'd0 ? sample_step_q - 8'd1 : step_left_q - 8'd1;
            if (made_q != 3'd7) made_q <= made_q + 3'd1;
        end else if (stream)
            lead_left_q <= lead_left_q - 3'd1;
    end

    // Array row r meets the sample that was read r rows ago: one of the same row of outputs, or the tap sees padding.
    reg [7:0] sampled;
    integer tap;
    always @*
        for (tap = 0; tap < 8; tap = tap + 1)
            sampled[tap] = stream_depthwise && tap[8:0] < stream_rows && tap[4:0] <= {2'd0, made_q} + {2'd0, lead_q}
                        && made_left_q + {23'd0, tap[2:0]} >= {23'd0, lead_q};

    wire [9:0] window_first;
    wire [9:0] window_end;

    window_address #(.Lanes(2*Rows)) window (
        .y_i           (y_q),
        .x_i           (x_q),
        .in_addr_i     (`QM_F_IN_ADDR(insn_q)),
        .in_pitch_i    (`QM_F_IN_PITCH(insn_q)),
        .in_row_bytes_i(`QM_F_IN_ROW_BYTES(insn_q)),
        .in_rows_i     (`QM_F_IN_ROWS(insn_q)),
        .addr_o        (window_addr_o),
        .first_o       (window_first),
        .end_o         (window_end)
    );

    assign window_re_o    = reading;
    assign window_wide_o  = stream_mode != `QM_ARRAY_MODE_8X8;
    assign stream_o       = stream;
    assign wait_weights_o = stream_busy_q;
    assign stream_bytes_o = reading ? {6'd0, stream_k} : 16'd0;

    // Products by the kind that the precision belongs to; a byte holds two 4-bit activations.
    wire [31:0] products = (stream_depthwise ? {23'd0, stream_rows} : {22'd0, stream_k}) * {23'd0, stream_n};

    assign macs_o      = output_row && stream_mode == `QM_ARRAY_MODE_8X8 ? products : 32'd0;
    assign macs_w4a8_o = output_row && stream_mode == `QM_ARRAY_MODE_8X4 ? products : 32'd0;
    assign macs_w4a4_o = output_row && stream_mode == `QM_ARRAY_MODE_4X4 ? products << 1 : 32'd0;

    // Activations that are added up for the zero point of the weights.
    wire corrected = `QM_F_WEIGHT_ZERO(insn_q) != 16'd0;  // the weights have a zero point

    assign row_sum_o = !stream || !corrected ? 16'd0 : stream_mode == `QM_ARRAY_MODE_4X4 ? {5'd0, stream_k, 1'b0} : {6'd0, stream_k};

    // ---- Into the array, in the cycle after the issue ----
    reg                feed_weight_q;  // a weight row was issued
    reg                feed_weight_buffer_q;
    reg  [7:0]         feed_weight_row_q;
    reg  [8:0]         feed_n_q;
    reg  [2:0]         feed_weight_precision_q;
    reg  [1:0]         feed_row_mode_q;
    reg                feed_row_q;     // a row was issued that makes an output
    reg                feed_chain_q;   // a row of a chain was issued
    reg  [7:0]         feed_sampled_q;
    reg  [8:0]         feed_taps_q;    // array rows that it meets
    reg                feed_row_buffer_q;
    reg                feed_unsigned_q;
    reg  [9:0]         feed_first_q;
    reg  [9:0]         feed_end_q;
    reg  [9:0]         feed_k_q;
    reg  [7:0]         feed_pad_q;
    reg  [15:0]        feed_weight_zero_q;

    always @(posedge clk_i) begin
        feed_weight_q <= rst_ni && preload;
        feed_row_q    <= rst_ni && output_row;
        feed_chain_q  <= rst_ni && stream && stream_depthwise;
        feed_k_q      <= reading ? stream_k : 10'd0;  // nothing is read: all lanes are zero
        feed_taps_q   <= output_row ? stream_rows : 9'd0;
        if (preload) begin
            feed_weight_buffer_q <= preload_buffer_q;
            feed_weight_row_q    <= preload_depthwise ? preload_rows[7:0] - 8'd1 - weight_row_q : weight_row_q;
            feed_n_q             <= preload_n;
            feed_weight_precision_q <= preload_precision_q;
        end
        if (stream) begin
            feed_row_buffer_q <= stream_buffer_q;
            feed_sampled_q    <= sampled;
            feed_row_mode_q   <= stream_mode;
            feed_unsigned_q   <= `QM_F_IN_UNSIGNED(insn_q);
            feed_first_q      <= window_first;
            feed_end_q        <= window_end;
            feed_pad_q        <= `QM_F_PAD_VALUE(insn_q);
            feed_weight_zero_q <= `QM_F_WEIGHT_ZERO(insn_q);
        end
    end

    weight_expand #(.Cols(Cols), .CellBytes(CellBytes)) weights (
        .precision_i(feed_weight_precision_q),
        .n_i        (feed_weight_q ? feed_n_q : 9'd0),
        .data_i     (weight_data_i),
        .data_o     (array_weight_data_o)
    );

    wire [8*Rows-1:0] upper_window, lower_window, upper_bytes, lower_bytes;
    assign {upper_window, lower_window} = window_data_i;
    wire [16*Rows-1:0] row_bytes = {upper_bytes, lower_bytes};
    window_select #(.Lanes(Rows)) row_lanes (
        .data_i (lower_window),
        .first_i(feed_first_q),
        .end_i  (feed_end_q),
        .count_i(feed_k_q),
        .pad_i  (feed_pad_q),
        .data_o (lower_bytes)
    );
    window_select #(.Lanes(Rows), .First(Rows)) wide_lanes (
        .data_i (upper_window),
        .first_i(feed_first_q),
        .end_i  (feed_end_q),
        .count_i(feed_k_q),
        .pad_i  (feed_pad_q),
        .data_o (upper_bytes)
    );

    // A row of the array takes one byte or two; of a chain the padding, where it does not take the samples.
    integer row;
    always @* begin
        array_row_data_o = row_bytes;
        if (feed_chain_q)
            for (row = 0; row < Rows; row = row + 1) array_row_data_o[16*row +: 16] = row[8:0] < feed_taps_q ? {8'd0, feed_pad_q} : 16'd0;
        else if (feed_row_mode_q == `QM_ARRAY_MODE_8X8)
            for (row = 0; row < Rows; row = row + 1) array_row_data_o[16*row +: 16] = {8'd0, row_bytes[8*row +: 8]};
    end

    integer column;
    always @*
        for (column = 0; column < Cols; column = column + 1)
            array_sample_data_o[8*column +: 8] = column < Narrow ? lower_bytes[8*(column % Narrow) +: 8] : 8'd0;

    always @* array_row_sampled_o = feed_chain_q && feed_row_q ? feed_sampled_q : 8'd0;

    assign array_weight_mode_o     = `QM_ARRAY_MODE(feed_weight_precision_q);
    assign array_row_mode_o        = feed_row_mode_q;
    assign array_weight_valid_o    = feed_weight_q;
    assign array_weight_buffer_o   = feed_weight_buffer_q;
    assign array_sample_valid_o    = feed_chain_q;
    assign array_weight_row_o      = feed_weight_row_q;
    assign array_row_valid_o       = feed_row_q;
    assign array_row_buffer_o      = feed_row_buffer_q;
    assign array_row_unsigned_o    = feed_unsigned_q;
    assign row_weight_zero_o       = feed_weight_zero_q;

    // ---- Beside the array: accumulator row, add or overwrite, end of the instruction ----
    reg  [15:0] tile_acc_q;   // accumulator row of the tile's first position
    reg  [15:0] acc_q;
    wire        commit_end;   // the row is the last of its instruction
    wire [3:0]  commit_signal;
    wire        rows_inside;  // a row is on its way

    always @(posedge clk_i) begin
        if (take_o) begin
            tile_acc_q <= `QM_F_ACC_ADDR(back_insn_i);
            acc_q      <= `QM_F_ACC_ADDR(back_insn_i);
        end else if (stream_step && tile_end) begin
            tile_acc_q <= acc_q + 16'd1;
            acc_q      <= acc_q + 16'd1;
        end else if (output_row)
            acc_q      <= stream_step ? tile_acc_q : acc_q + 16'd1;
    end

    delay_line #(.Width(31), .Cycles(CommitLag)) beside (
        .clk_i  (clk_i),
        .rst_ni (rst_ni),
        .valid_i(output_row),
        .data_i ({corrected ? stream_n : 9'd0, acc_q, `QM_F_ACCUMULATE(insn_q) || !stream_first, stream_end, `QM_F_SIGNAL(insn_q)}),
        .valid_o(commit_o),
        .data_o ({commit_corrected_o, commit_addr_o, commit_add_o, commit_end, commit_signal}),
        .any_o  (rows_inside)
    );

    // The cycle of the commit.
    reg       commit_q;      // a row is committed
    reg       commit_add_q;  // it is added to what was there
    reg       end_q;         // it is the last of its instruction
    reg [3:0] end_signal_q;

    always @(posedge clk_i) begin
        commit_q     <= rst_ni && commit_o;
        commit_add_q <= commit_add_o;
        end_q        <= rst_ni && commit_o && commit_end;
        end_signal_q <= commit_signal;
    end

    assign end_o             = end_q;
    assign end_signal_o      = end_signal_q;
    assign drain_o           = rows_inside || commit_q;
    assign busy_o            = preload_busy_q || stream_busy_q || drain_o;
    assign acc_write_words_o = commit_q ? RowWords : 16'd0;
    assign acc_read_words_o  = commit_q && commit_add_q ? RowWords : 16'd0;

endmodule

`default_nettype wire
