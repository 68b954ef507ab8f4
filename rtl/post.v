// post.v - requantizes, pools, adds and copies, one item a cycle.
//
// A walker issues items; what was issued in one cycle is read in the next one. A row of sums gets its bias then, is multiplied and rounded.
// A window is reduced, and its result is x. ADD scales both operands, or multiplies them with each other, and what they give is x, three
// cycles later; with a residual a row is the first operand. x is multiplied and rounded; that, or the row, is clamped and written. A row of
// wide elements has an item for each cycle in which it is written; the first of them computes it.
// Invariant: one instruction at a time, so that insn_q holds still until its last output is written. docs/machine.md, Post.
`include "qmac_defs.vh"
`default_nettype none

module post #(
    parameter integer Rows = 16,
    parameter integer Cols = 16
) (
    input  wire               clk_i,
    input  wire               rst_ni,
    input  wire               clear_i,           // START is accepted
    // to queue, token
    input  wire               front_valid_i,     // an instruction is queued and not started
    input  wire [511:0]       front_insn_i,      // the oldest such
    input  wire               start_ok_i,        // no error is set, and the tokens that it waits for are there
    output wire               start_o,           // the instruction starts
    output wire               end_o,             // its last output is written
    output wire [3:0]         end_signal_o,      // units that get a token of it
    output wire               busy_o,            // it is unfinished
    // to counters
    output wire               row_o,             // an item is issued
    output wire               param_o,           // a read of parameters or table is issued
    output wire               drain_o,           // an instruction is unfinished
    output wire [15:0]        read_bytes_o,
    output wire [15:0]        write_bytes_o,
    output wire [15:0]        acc_read_words_o,
    output wire [15:0]        requantize_o,
    output wire [15:0]        scale_o,
    output wire [15:0]        pool_o,
    // to scratchpad
    output wire               post_re_o,         // a read is issued
    output wire [23:0]        post_addr_o,
    input  wire [8*Cols-1:0]  post_data_i,
    output wire               operand_re_o,      // a read of the second operand is issued
    output wire [23:0]        operand_addr_o,
    input  wire [8*Cols-1:0]  operand_data_i,
    output wire               post_we_o,         // an output is written
    output wire [23:0]        post_waddr_o,
    output wire [8*Cols-1:0]  post_wdata_o,
    output wire [Cols-1:0]    post_wmask_o,      // bytes of it
    // to accumulator
    output wire               post_acc_re_o,     // a read of sums is issued
    output wire [15:0]        post_acc_addr_o,
    input  wire [32*Cols-1:0] post_acc_data_i
);

    localparam [8:0]   AllLanes   = Cols[8:0];
    localparam integer TableReads = (`QM_TABLE_BYTES + Cols - 1) / Cols;

    /* verilator lint_off UNUSEDSIGNAL */
    reg  [511:0] insn_q;
    /* verilator lint_on UNUSEDSIGNAL */
    reg          busy_q;  // an instruction is started and unfinished

    wire requantizing = `QM_F_OPCODE(insn_q) == `QM_OP_REQUANTIZE;
    wire pooling      = `QM_F_OPCODE(insn_q) == `QM_OP_POOL;
    wire adding       = `QM_F_OPCODE(insn_q) == `QM_OP_ADD;
    wire product      = adding && `QM_F_BINARY(insn_q) == `QM_BINARY_PRODUCT;
    wire residual     = requantizing && `QM_F_RESIDUAL(insn_q);
    wire summing      = adding || residual;
    wire copying      = `QM_F_OPCODE(insn_q) == `QM_OP_COPY;

    assign start_o = front_valid_i && start_ok_i && !busy_q;

    always @(posedge clk_i) begin
        if (!rst_ni || clear_i) busy_q <= 1'b0;
        else if (start_o)       busy_q <= 1'b1;
        else if (end_o)         busy_q <= 1'b0;
        if (start_o) insn_q <= front_insn_i;
    end

    // ---- Issue ----
    wire              reads_table;  // a read of the lookup table is issued
    wire [7:0]        table_index;
    wire              param;        // a parameter read
    wire [3:0]        param_index;
    wire              item;         // an item is issued
    wire              item_first;   // the first tap of a POOL's output, the first cycle of a row
    wire              item_output;  // something is written for it
    wire              item_last;    // with it the instruction is complete
    wire [8:0]        item_n;       // its elements
    wire [8:0]        item_bytes;   // what is written
    wire [23:0]       item_out;     // where it goes
    wire [23:0]       item_addr;    // what it reads, ADD, table and parameters
    wire signed [33:0] item_x;
    wire signed [25:0] item_y;
    wire [23:0]       window_addr;
    wire [9:0]        window_first;
    wire [9:0]        window_end;

    post_walk #(.Rows(Rows), .Cols(Cols)) walk (
        .clk_i         (clk_i),
        .rst_ni        (rst_ni),
        .clear_i       (clear_i),
        .start_i       (start_o),
        .start_insn_i  (front_insn_i),
        .insn_i        (insn_q),
        .table_o       (reads_table),
        .table_index_o (table_index),
        .param_o       (param),
        .param_index_o (param_index),
        .item_o        (item),
        .first_o       (item_first),
        .output_o      (item_output),
        .last_o        (item_last),
        .n_o           (item_n),
        .bytes_o       (item_bytes),
        .x_o           (item_x),
        .y_o           (item_y),
        .addr_o        (item_addr),
        .operand_addr_o(operand_addr_o),
        .out_addr_o    (item_out),
        .acc_addr_o    (post_acc_addr_o)
    );
    window_address #(.Lanes(Cols)) window (
        .y_i           (item_y),
        .x_i           (item_x),
        .in_addr_i     (`QM_F_IN_ADDR(insn_q)),
        .in_pitch_i    (`QM_F_IN_PITCH(insn_q)),
        .in_row_bytes_i(`QM_F_IN_ROW_BYTES(insn_q)),
        .in_rows_i     (`QM_F_IN_ROWS(insn_q)),
        .addr_o        (window_addr),
        .first_o       (window_first),
        .end_o         (window_end)
    );

    wire item_result = item_output && !copying && (item_first || !requantizing);  // elements will be scaled

    assign post_re_o        = reads_table || param || (item && !requantizing);
    assign post_addr_o      = requantizing || adding ? item_addr : window_addr;
    assign operand_re_o     = item && (adding || (residual && item_first));
    assign post_acc_re_o    = item && requantizing && item_first;

    assign row_o            = item;
    assign param_o          = reads_table || param;
    assign drain_o          = busy_q;
    assign busy_o           = busy_q;
    wire [15:0] one_n       = {7'd0, item_n};
    wire [15:0] two_n       = {6'd0, item_n, 1'b0};
    assign read_bytes_o     = param ? {7'd0, AllLanes} : (post_re_o ? one_n : 16'd0) + (operand_re_o ? one_n : 16'd0);
    assign acc_read_words_o = post_acc_re_o ? {7'd0, AllLanes} : 16'd0;
    assign requantize_o     = item_result ? residual ? two_n : one_n : 16'd0;
    assign scale_o          = operand_re_o ? product ? one_n : two_n : 16'd0;
    assign pool_o           = item && pooling ? one_n : 16'd0;

    // ---- The cycle after: data_* describe what was read ----
    reg       data_table_q;   // a part of the lookup table
    reg [7:0] data_table_index_q;
    reg       data_param_q;   // parameters
    reg [3:0] data_param_index_q;
    reg       data_item_q;    // an item
    reg       data_first_q;   // the first tap of a POOL's output
    reg [8:0] data_n_q;
    reg [9:0] data_begin_q;
    reg [9:0] data_end_q;

    always @(posedge clk_i) begin
        data_table_q       <= rst_ni && reads_table;
        data_table_index_q <= table_index;
        data_param_q       <= rst_ni && param;
        data_param_index_q <= param_index;
        data_item_q        <= rst_ni && item;
        if (item) begin
            data_first_q <= item_first;
            data_n_q     <= item_n;
            data_begin_q <= adding ? 10'd0 : window_first;
            data_end_q   <= adding ? {1'b0, AllLanes} : window_end;
        end
    end

    wire [8*Cols-1:0] data;

    window_select #(.Lanes(Cols)) lanes (
        .data_i (post_data_i),
        .first_i(data_begin_q),
        .end_i  (data_end_q),
        .count_i(data_item_q && !requantizing ? {1'b0, data_n_q} : 10'd0),
        .pad_i  (`QM_F_PAD_VALUE(insn_q)),
        .data_o (data)
    );

    // Parameters of the tile, as they lie in memory: bias, multiplier, shift.
    reg  [8*`QM_PARAMETER_BYTES*Cols-1:0] params_q;
    wire [32*Cols-1:0] bias        = params_q[0 +: 32*Cols];
    wire [32*Cols-1:0] multipliers = params_q[32*Cols +: 32*Cols];
    wire [8*Cols-1:0]  shifts      = params_q[64*Cols +: 8*Cols];

    integer p;
    always @(posedge clk_i)
        if (data_param_q)
            for (p = 0; p < `QM_PARAMETER_BYTES; p = p + 1)
                if (data_param_index_q == p[3:0]) params_q[8*Cols*p +: 8*Cols] <= post_data_i;

    // The lookup table, as it was read: the last read may bring more than the rest of it.
    reg [8*Cols*TableReads-1:0] table_q;

    always @(posedge clk_i)
        if (data_table_q) table_q[8*Cols*data_table_index_q +: 8*Cols] <= post_data_i;

    // ---- Outputs on their way: three cycles until a row is an operand, three for operands, then all take the same five ----
    wire        row_out_valid;  // the row of an item with a residual is rounded
    wire [34:0] row_out;
    wire        row_out_any;
    wire        sum_out_valid;  // the operands of an item are rounded
    wire [34:0] sum_out;
    wire        sum_out_any;
    wire [34:0] item_out_data = {item_last, item_n[0], item_bytes, item_out};
    wire        out_last;       // the output is the last of the instruction
    wire        out_odd;        // elements
    wire [8:0]  out_bytes;
    wire        out_any;
    wire        passed_any;

    /* verilator lint_off UNUSEDSIGNAL */
    wire        unused_any = row_out_any || sum_out_any || out_any || passed_any;
    /* verilator lint_on UNUSEDSIGNAL */

    delay_line #(.Width(35), .Cycles(3)) row_line (
        .clk_i  (clk_i),
        .rst_ni (rst_ni),
        .valid_i(item_output && residual),
        .data_i (item_out_data),
        .valid_o(row_out_valid),
        .data_o (row_out),
        .any_o  (row_out_any)
    );
    delay_line #(.Width(35), .Cycles(3)) sum_line (
        .clk_i  (clk_i),
        .rst_ni (rst_ni),
        .valid_i(adding ? item_output : row_out_valid),
        .data_i (adding ? item_out_data : row_out),
        .valid_o(sum_out_valid),
        .data_o (sum_out),
        .any_o  (sum_out_any)
    );
    delay_line #(.Width(35), .Cycles(5)) out_line (
        .clk_i  (clk_i),
        .rst_ni (rst_ni),
        .valid_i(summing ? sum_out_valid : item_output),
        .data_i (summing ? sum_out : item_out_data),
        .valid_o(post_we_o),
        .data_o ({out_last, out_odd, out_bytes, post_waddr_o}),
        .any_o  (out_any)
    );

    reg bias_valid_q;          // a row of sums gets its bias in this cycle
    reg row_multiply_q;        // it is multiplied
    reg row_round_q;           // its product is rounded
    reg row_valid_q;           // it is there
    reg operands_multiply_q;   // operands are multiplied
    reg operands_round_q;      // their products are rounded
    reg x_valid_q;             // x is made
    reg multiply_valid_q;      // x is multiplied
    reg round_valid_q;         // the product is rounded
    reg clamp_valid_q;         // the result is clamped

    wire operands_valid = adding ? data_item_q : residual && row_valid_q;  // operands lose their zero points

    always @(posedge clk_i) begin
        bias_valid_q        <= rst_ni && item && item_first && requantizing;
        row_multiply_q      <= rst_ni && bias_valid_q;
        row_round_q         <= rst_ni && row_multiply_q;
        row_valid_q         <= rst_ni && row_round_q;
        operands_multiply_q <= rst_ni && operands_valid;
        operands_round_q    <= rst_ni && operands_multiply_q;
        x_valid_q           <= rst_ni && (pooling ? item_output : operands_round_q);
        multiply_valid_q    <= rst_ni && x_valid_q;
        round_valid_q       <= rst_ni && multiply_valid_q;
        clamp_valid_q       <= rst_ni && (requantizing && !residual ? row_round_q : round_valid_q);
    end

    // What passes by the scaling: bytes of COPY, and those of a residual until the row is an operand.
    wire [8*Cols-1:0] passed;
    wire              passed_valid;

    delay_line #(.Width(8*Cols), .Cycles(3)) passed_line (
        .clk_i  (clk_i),
        .rst_ni (rst_ni),
        .valid_i(copying ? data_item_q : residual && bias_valid_q),
        .data_i (copying ? data : operand_data_i),
        .valid_o(passed_valid),
        .data_o (passed),
        .any_o  (passed_any)
    );

    // The bias is added to the product, not to the sum.
    wire on_product = `QM_F_ROUNDING(insn_q) == `QM_ROUNDING_ADDEND || `QM_F_ROUNDING(insn_q) == `QM_ROUNDING_OFFSET;

    // ---- Rows of sums, operands, and x: reduced windows, or what operands give ----
    reg  [32*Cols-1:0] biased_q;
    wire [32*Cols-1:0] rows;       // scaled
    reg  [32*Cols-1:0] a_q;        // operands without their zero points, << pre_shift; of a product without the shift
    reg  [32*Cols-1:0] b_q;
    wire [32*Cols-1:0] a_scaled;
    wire [32*Cols-1:0] b_scaled;
    reg  [32*Cols-1:0] pool_q;     // reduction of the taps so far
    reg  [32*Cols-1:0] x_q;
    wire [32*Cols-1:0] results;    // x scaled
    reg  [31:0]        element;
    reg  [31:0]        operand;
    reg  [31:0]        reduced;

    wire               is_unsigned = `QM_F_IN_UNSIGNED(insn_q);
    wire [15:0]        a_zero      = `QM_F_A_ZERO(insn_q);
    wire [15:0]        b_zero      = `QM_F_B_ZERO(insn_q);
    wire [15:0]        a_min       = `QM_F_A_MIN(insn_q);
    wire [15:0]        a_max       = `QM_F_A_MAX(insn_q);
    wire signed [31:0] a_least     = {{16{a_min[15]}}, a_min};
    wire signed [31:0] a_most      = {{16{a_max[15]}}, a_max};
    wire [4:0]         pre_shift   = product ? 5'd0 : `QM_F_PRE_SHIFT(insn_q);
    wire [8*Cols-1:0]  b_bytes     = adding ? operand_data_i : passed;

    /* verilator lint_off BLKSEQ */  // element, operand and reduced are names for parts of one lane's expression
    integer c;
    always @(posedge clk_i) begin
        if (bias_valid_q)
            for (c = 0; c < Cols; c = c + 1)
                biased_q[32*c +: 32] <= post_acc_data_i[32*c +: 32] + (on_product ? 32'd0 : bias[32*c +: 32]);
        if (operands_valid)
            for (c = 0; c < Cols; c = c + 1) begin
                if (adding) begin
                    operand = {{24{data[8*c + 7] && !is_unsigned}}, data[8*c +: 8]} - {{16{a_zero[15]}}, a_zero};
                end else begin
                    operand = $signed(rows[32*c +: 32]) < a_least ? a_least : rows[32*c +: 32];
                    operand = $signed(operand) > a_most ? a_most : operand;
                end
                a_q[32*c +: 32] <= operand << pre_shift;
                operand = {{24{b_bytes[8*c + 7] && !is_unsigned}}, b_bytes[8*c +: 8]} - {{16{b_zero[15]}}, b_zero};
                b_q[32*c +: 32] <= operand << pre_shift;
            end
        if (data_item_q && pooling)
            for (c = 0; c < Cols; c = c + 1) begin
                element = {{24{data[8*c + 7] && !is_unsigned}}, data[8*c +: 8]};
                if (data_first_q)
                    reduced = element;
                else if (`QM_F_POOL_KIND(insn_q) == `QM_POOL_KIND_SUM)
                    reduced = pool_q[32*c +: 32] + element;
                else
                    reduced = $signed(pool_q[32*c +: 32]) > $signed(element) ? pool_q[32*c +: 32] : element;
                pool_q[32*c +: 32] <= reduced;
                if (x_valid_q) x_q[32*c +: 32] <= reduced + `QM_F_POOL_BIAS(insn_q);
            end
        if (x_valid_q && summing)
            for (c = 0; c < Cols; c = c + 1)
                x_q[32*c +: 32] <= b_scaled[32*c +: 32] + (product ? 32'd0 : a_scaled[32*c +: 32]);
    end
    /* verilator lint_on BLKSEQ */

    // ---- Scaling: of rows, of operands, and of x. A product takes the place of the second operand's scaling. ----
    wire [7:0]  b_shift    = product ? 8'd31 : `QM_F_B_SHIFT(insn_q);
    wire [2:0]  b_rounding = product ? `QM_ROUNDING_FLOOR : `QM_F_ROUNDING(insn_q);

    genvar l;
    generate
        for (l = 0; l < Cols; l = l + 1) begin : gen_lane
            requantize row (
                .clk_i       (clk_i),
                .multiply_i  (row_multiply_q),
                .round_i     (row_round_q),
                .x_i         (biased_q[32*l +: 32]),
                .multiplier_i(multipliers[32*l +: 32]),
                .addend_i    (bias[32*l +: 32]),
                .shift_i     (shifts[8*l +: 8]),
                .rounding_i  (`QM_F_ROUNDING(insn_q)),
                .result_o    (rows[32*l +: 32])
            );
            requantize a (
                .clk_i       (clk_i),
                .multiply_i  (operands_multiply_q && !product),
                .round_i     (operands_round_q && !product),
                .x_i         (a_q[32*l +: 32]),
                .multiplier_i(`QM_F_A_MULTIPLIER(insn_q)),
                .addend_i    (32'd0),
                .shift_i     (`QM_F_A_SHIFT(insn_q)),
                .rounding_i  (`QM_F_ROUNDING(insn_q)),
                .result_o    (a_scaled[32*l +: 32])
            );
            requantize b (
                .clk_i       (clk_i),
                .multiply_i  (operands_multiply_q),
                .round_i     (operands_round_q),
                .x_i         (b_q[32*l +: 32]),
                .multiplier_i(product ? a_q[32*l +: 32] : `QM_F_B_MULTIPLIER(insn_q)),
                .addend_i    (32'd0),
                .shift_i     (b_shift),
                .rounding_i  (b_rounding),
                .result_o    (b_scaled[32*l +: 32])
            );
            requantize result (
                .clk_i       (clk_i),
                .multiply_i  (multiply_valid_q),
                .round_i     (round_valid_q),
                .x_i         (x_q[32*l +: 32]),
                .multiplier_i(`QM_F_OUT_MULTIPLIER(insn_q)),
                .addend_i    (32'd0),
                .shift_i     (`QM_F_OUT_SHIFT(insn_q)),
                .rounding_i  (`QM_F_ROUNDING(insn_q)),
                .result_o    (results[32*l +: 32])
            );
        end
    endgenerate

    wire [32*Cols-1:0] scaled = requantizing && !residual ? rows : results;

    // ---- Zero point, clamp and table; bytes of COPY come by at the same time ----
    reg  [32*Cols-1:0] out_q;         // what is to be written, C bytes a cycle from the lowest on
    reg  signed [32:0] shifted;
    reg  signed [32:0] clamped;
    reg  [31:0]        saturated;

    wire [1:0]  out_type  = `QM_F_OUT_TYPE(insn_q);
    wire        wide      = out_type == `QM_OUT_TYPE_BITS16 || out_type == `QM_OUT_TYPE_BITS32;  // a row takes more than one write
    wire        looks_up  = requantizing && `QM_F_LOOKUP(insn_q) == `QM_LOOKUP_TABLE;
    wire [15:0] out_zero  = `QM_F_OUT_ZERO(insn_q);
    wire [15:0] clamp_min = `QM_F_CLAMP_MIN(insn_q);
    wire [15:0] clamp_max = `QM_F_CLAMP_MAX(insn_q);
    wire signed [32:0] out_least = {{17{clamp_min[15]}}, clamp_min};
    wire signed [32:0] out_most  = {{17{clamp_max[15]}}, clamp_max};

    /* verilator lint_off BLKSEQ */
    integer o;
    always @(posedge clk_i)
        if (passed_valid && copying)
            out_q[8*Cols-1:0] <= passed;
        else if (clamp_valid_q)
            for (o = 0; o < Cols; o = o + 1) begin
                shifted   = {scaled[32*o + 31], scaled[32*o +: 32]} + {{17{out_zero[15]}}, out_zero};
                saturated = shifted[32] == shifted[31] ? shifted[31:0] : {shifted[32], {31{!shifted[32]}}};
                clamped   = shifted < out_least ? out_least : shifted;
                clamped   = clamped > out_most ? out_most : clamped;
                case (out_type)
                    `QM_OUT_TYPE_BITS4:  out_q[4*o +: 4]   <= clamped[3:0];
                    `QM_OUT_TYPE_BITS16: out_q[16*o +: 16] <= clamped[15:0];
                    `QM_OUT_TYPE_BITS32: out_q[32*o +: 32] <= saturated;
                    default:             out_q[8*o +: 8]   <= looks_up ? table_q[8*clamped[7:0] +: 8] : clamped[7:0];
                endcase
            end
        else if (post_we_o && wide)
            out_q <= out_q >> 8*Cols;
    /* verilator lint_on BLKSEQ */

    // ---- Write: an odd last nibble has no neighbour ----
    reg [8*Cols-1:0] write_data;
    reg [Cols-1:0]   write_mask;
    integer          m;
    always @* begin
        write_data = out_q[8*Cols-1:0];
        write_mask = post_we_o ? ~({Cols{1'b1}} << out_bytes) : {Cols{1'b0}};
        if (out_type == `QM_OUT_TYPE_BITS4 && out_odd)
            for (m = 0; m < Cols; m = m + 1)
                if (m[8:0] + 9'd1 == out_bytes) write_data[8*m + 4 +: 4] = 4'd0;
    end

    assign post_wdata_o  = write_data;
    assign post_wmask_o  = write_mask;
    assign write_bytes_o = post_we_o ? {7'd0, out_bytes} : 16'd0;
    assign end_o         = post_we_o && out_last;
    assign end_signal_o  = `QM_F_SIGNAL(insn_q);

endmodule

`default_nettype wire
