// mac_array_fast.v - what mac_array_cells computes, written to simulate fast; chosen by FastArray of mac_array.
//
// Work is done in issue order, so a row's sums can be computed when it enters, with the weights of that moment, and kept in a
// circular buffer until the cycle in which the cells would deliver them. Compared with them by tests/rtl/mac_array_tb.v.
// docs/machine.md, Matmul.
`include "qmac_defs.vh"
`default_nettype none

module mac_array_fast #(
    parameter integer Rows      = 16,
    parameter integer Cols      = 16,
    parameter integer CellBytes = 2  // that a cell takes in a cycle: 2 fusible, 1 fixed to mode 8X8
) (
    input  wire               clk_i,
    input  wire               rst_ni,
    // from matmul: a weight row, for array row weight_row_i
    input  wire               weight_valid_i,     // a weight row enters
    input  wire               weight_buffer_i,    // into this buffer
    input  wire [7:0]         weight_row_i,
    input  wire [1:0]         weight_mode_i,      // as row_mode_i
    input  wire [16*Cols-1:0] weight_data_i,      // a cell's weights: one signed byte, or nibbles from the lowest on
    // from matmul: a row of activations; bytes are zero when row_valid_i is 0
    input  wire               row_valid_i,        // a row enters
    input  wire               row_buffer_i,       // it meets the weights of this buffer
    input  wire               row_unsigned_i,     // activations are not negative
    input  wire [1:0]         row_mode_i,         // QM_ARRAY_MODE_*: how a cell multiplies
    input  wire [16*Rows-1:0] row_data_i,         // two bytes a cell; the second is zero in mode 8X8
    input  wire [7:0]         row_sampled_i,      // bit r: row r of the array takes the samples of the columns instead
    // from matmul: a sample a column; array row r meets the one of r cycles before
    input  wire               sample_valid_i,     // there is one, or those before move on
    input  wire [8*Cols-1:0]  sample_data_i,
    // to accumulator: the sums of the row that entered Rows+Cols-1 cycles ago; meaningless if none did
    output wire [32*Cols-1:0] sums_o
);

    localparam integer Latency  = Rows + Cols - 1;
    localparam integer SlotBits = Latency > 1 ? $clog2(Latency) : 1;
    localparam integer LastSlot = Latency - 1;

    // Weights are held sign-extended in 32 bits with the columns side by side: host vector instructions multiply and add them as they are.
    // A step's rows have the mode of its weights, so bytes and nibbles are kept apart, and each mode multiplies no more than it needs.
    reg [31:0]         weights [0:1][0:Rows-1][0:Cols-1];    // [buffer][row][col], mode 8X8
    reg [31:0]         digits  [0:1][0:4*Rows-1][0:Cols-1];  // [buffer][4*row + digit][col], the other modes
    reg [15:0]         activations [0:Rows-1];
    reg [7:0]          samples [0:`QM_CHAIN_TAPS-1][0:Cols-1];  // [cycles before][col]
    reg [15:0]         parts [0:4*Rows-1];                   // [4*row + digit]
    reg [15:0]         factor;                               // one of these
    reg [31:0]         totals [0:Cols-1];
    reg [32*Cols-1:0]  sums;

    reg [32*Cols-1:0]  results [0:Latency-1];
    reg [SlotBits-1:0] slot_q;                        // written now, and read now: Latency cycles lie between

    // Blocking assignments: each array is seen by this block alone, and sums stand before the new weights. The loops over k count before
    // they multiply, so that Verilator leaves them loops: what it unrolls, the compiler does not vectorize.
`ifdef SYNTHESIS
    FastArray_is_for_simulation illegal ();  // Yosys has no loops but those that it unrolls
`else
    /* verilator lint_off BLKSEQ */
    integer r;
    integer c;
    integer d;
    integer k;

    task shift_samples;
        begin
            k = `QM_CHAIN_TAPS;
            while (k > 1) begin
                k = k - 1;
                for (c = 0; c < Cols; c = c + 1) samples[k][c] = samples[k - 1][c];
            end
            for (c = 0; c < Cols; c = c + 1) samples[0][c] = sample_data_i[8*c +: 8];
        end
    endtask

    always @(posedge clk_i) begin
        if (sample_valid_i) shift_samples;
        for (c = 0; c < Cols; c = c + 1) totals[c] = 32'd0;
        if (row_valid_i && (CellBytes == 1 || row_mode_i == `QM_ARRAY_MODE_8X8)) begin
            for (r = 0; r < Rows; r = r + 1)
                activations[r] = {{8{row_data_i[16*r + 7] && !row_unsigned_i}}, row_data_i[16*r +: 8]};
            k = Rows;
            while (k > 0) begin
                k = k - 1;
                factor = activations[k];
                if (k < `QM_CHAIN_TAPS && row_sampled_i[k % `QM_CHAIN_TAPS])
                    for (c = 0; c < Cols; c = c + 1)
                        totals[c] = totals[c] + {{24{samples[k % `QM_CHAIN_TAPS][c][7] && !row_unsigned_i}}, samples[k % `QM_CHAIN_TAPS][c]}
                                              * weights[row_buffer_i][k][c];
                else
                    for (c = 0; c < Cols; c = c + 1) totals[c] = totals[c] + {{16{factor[15]}}, factor} * weights[row_buffer_i][k][c];
            end
        end else if (row_valid_i) begin
            for (r = 0; r < Rows; r = r + 1)
                for (d = 0; d < 4; d = d + 1)
                    if (row_mode_i == `QM_ARRAY_MODE_4X4)
                        parts[4*r + d] = {{12{row_data_i[16*r + 4*d + 3] && !row_unsigned_i}}, row_data_i[16*r + 4*d +: 4]};
                    else if (d < 2)
                        parts[4*r + d] = {{8{row_data_i[16*r + 8*d + 7] && !row_unsigned_i}}, row_data_i[16*r + 8*d +: 8]};
                    else
                        parts[4*r + d] = 16'd0;
            k = 4*Rows;
            while (k > 0) begin
                k = k - 1;
                factor = parts[k];
                for (c = 0; c < Cols; c = c + 1) totals[c] = totals[c] + {{16{factor[15]}}, factor} * digits[row_buffer_i][k][c];
            end
        end
        for (c = 0; c < Cols; c = c + 1) sums[32*c +: 32] = totals[c];
        if (row_valid_i) results[slot_q] <= sums;
        if (!rst_ni) begin
            k = 4*Rows;
            while (k > 0) begin
                k = k - 1;
                for (c = 0; c < Cols; c = c + 1) begin
                    weights[0][k / 4][c] = 32'd0;
                    weights[1][k / 4][c] = 32'd0;
                    digits[0][k][c] = 32'd0;
                    digits[1][k][c] = 32'd0;
                end
            end
        end else if (weight_valid_i) begin
            k = {24'd0, weight_row_i};
            for (c = 0; c < Cols; c = c + 1)
                if (CellBytes == 1 || weight_mode_i == `QM_ARRAY_MODE_8X8)
                    weights[weight_buffer_i][k][c] = {{24{weight_data_i[16*c + 7]}}, weight_data_i[16*c +: 8]};
                else
                    for (d = 0; d < 4; d = d + 1)
                        digits[weight_buffer_i][4*k + d][c] = {{28{weight_data_i[16*c + 4*d + 3]}}, weight_data_i[16*c + 4*d +: 4]};
        end
        if (!rst_ni || slot_q == LastSlot[SlotBits-1:0]) slot_q <= 0;
        else                                             slot_q <= slot_q + 1'b1;
    end
    /* verilator lint_on BLKSEQ */
`endif

    assign sums_o = results[slot_q];

endmodule

`default_nettype wire
