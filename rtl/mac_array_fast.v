// mac_array_fast.v - what mac_array_cells computes, written to simulate fast; chosen by FastArray of mac_array.
//
// Work is done in issue order, so a row's sums can be computed when it enters, with the weights of that moment, and kept in a
// circular buffer until the cycle in which the cells would deliver them. Compared with them by tests/rtl/mac_array_tb.v.
// docs/machine.md, Matmul.
`include "qmac_defs.vh"
`default_nettype none

module mac_array_fast #(
    parameter integer Rows = 16,
    parameter integer Cols = 16
) (
    input  wire               clk_i,
    input  wire               rst_ni,
    // from matmul: a weight row, for array row weight_row_i or for the diagonal (the rest of the buffer is cleared)
    input  wire               weight_valid_i,     // a weight row enters
    input  wire               weight_buffer_i,    // into this buffer
    input  wire               weight_diagonal_i,  // it is the diagonal of the buffer
    input  wire [7:0]         weight_row_i,
    input  wire [1:0]         weight_mode_i,      // as row_mode_i
    input  wire [16*Cols-1:0] weight_data_i,      // a cell's weights: one signed byte, or nibbles from the lowest on
    // from matmul: a row of activations; bytes are zero when row_valid_i is 0
    input  wire               row_valid_i,        // a row enters
    input  wire               row_buffer_i,       // it meets the weights of this buffer
    input  wire               row_unsigned_i,     // activations are not negative
    input  wire [1:0]         row_mode_i,         // QM_ARRAY_MODE_*: how a cell multiplies
    input  wire [16*Rows-1:0] row_data_i,         // two bytes a cell; the second is zero in mode 8X8
    // to accumulator: the sums of the row that entered Rows+Cols-1 cycles ago; meaningless if none did
    output wire [32*Cols-1:0] sums_o
);

    localparam integer Latency  = Rows + Cols - 1;
    localparam integer SlotBits = Latency > 1 ? $clog2(Latency) : 1;
    localparam integer LastSlot = Latency - 1;

    // Operands are held sign-extended in 32 bits: host vector instructions multiply them as they are. A step's rows have the mode of its
    // weights, so bytes and nibbles are kept apart, and each mode multiplies no more than it needs.
    reg [31:0]         weights [0:1][0:Cols-1][0:Rows-1];    // [buffer][col][row], mode 8X8
    reg [31:0]         digits  [0:1][0:Cols-1][0:4*Rows-1];  // [buffer][col][4*row + digit], the other modes
    reg [31:0]         activations [0:Rows-1];
    reg [31:0]         parts [0:4*Rows-1];                   // [4*row + digit]
    reg [31:0]         sum;
    reg [32*Cols-1:0]  sums;

    reg [32*Cols-1:0]  results [0:Latency-1];
    reg [SlotBits-1:0] slot_q;                        // written now, and read now: Latency cycles lie between

    // Blocking assignments: each array is seen by this block alone, and sums stand before the new weights.
    /* verilator lint_off BLKSEQ */
    integer r;
    integer c;
    integer d;
    always @(posedge clk_i) begin
        if (row_valid_i && row_mode_i == `QM_ARRAY_MODE_8X8) begin
            for (r = 0; r < Rows; r = r + 1)
                activations[r] = {{24{row_data_i[16*r + 7] && !row_unsigned_i}}, row_data_i[16*r +: 8]};
            for (c = 0; c < Cols; c = c + 1) begin
                sum = 32'd0;
                for (r = 0; r < Rows; r = r + 1) sum = sum + activations[r] * weights[row_buffer_i][c][r];
                sums[32*c +: 32] = sum;
            end
        end else if (row_valid_i) begin
            for (r = 0; r < Rows; r = r + 1)
                for (d = 0; d < 4; d = d + 1)
                    if (row_mode_i == `QM_ARRAY_MODE_4X4)
                        parts[4*r + d] = {{28{row_data_i[16*r + 4*d + 3] && !row_unsigned_i}}, row_data_i[16*r + 4*d +: 4]};
                    else if (d < 2)
                        parts[4*r + d] = {{24{row_data_i[16*r + 8*d + 7] && !row_unsigned_i}}, row_data_i[16*r + 8*d +: 8]};
                    else
                        parts[4*r + d] = 32'd0;
            for (c = 0; c < Cols; c = c + 1) begin
                sum = 32'd0;
                for (r = 0; r < 4*Rows; r = r + 1) sum = sum + parts[r] * digits[row_buffer_i][c][r];
                sums[32*c +: 32] = sum;
            end
        end
        if (row_valid_i) results[slot_q] <= sums;
        if (!rst_ni)
            for (c = 0; c < Cols; c = c + 1) begin
                for (r = 0; r < Rows; r = r + 1) begin
                    weights[0][c][r] = 32'd0;
                    weights[1][c][r] = 32'd0;
                end
                for (r = 0; r < 4*Rows; r = r + 1) begin
                    digits[0][c][r] = 32'd0;
                    digits[1][c][r] = 32'd0;
                end
            end
        else if (weight_valid_i)
            for (r = 0; r < Rows; r = r + 1)
                if (weight_diagonal_i || {24'd0, weight_row_i} == r)
                    for (c = 0; c < Cols; c = c + 1)
                        if (weight_mode_i == `QM_ARRAY_MODE_8X8)
                            weights[weight_buffer_i][c][r] =
                                weight_diagonal_i && r != c ? 32'd0 : {{24{weight_data_i[16*c + 7]}}, weight_data_i[16*c +: 8]};
                        else
                            for (d = 0; d < 4; d = d + 1)
                                digits[weight_buffer_i][c][4*r + d] = {{28{weight_data_i[16*c + 4*d + 3]}}, weight_data_i[16*c + 4*d +: 4]};
        if (!rst_ni || slot_q == LastSlot[SlotBits-1:0]) slot_q <= 0;
        else                                             slot_q <= slot_q + 1'b1;
    end
    /* verilator lint_on BLKSEQ */

    assign sums_o = results[slot_q];

endmodule

`default_nettype wire
