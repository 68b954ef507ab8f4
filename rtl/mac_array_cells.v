// mac_array_cells.v - the systolic array of mac_cell instances: what is synthesized.
//
// What enters in cycle t reaches row r, column c in cycle t+r+c: activations and control are delayed by r before they enter row r at
// column 0, weights by c before they enter column c at row 0. So a cell meets rows and weight rows in the order of their issue.
// Samples enter like weights and take two cycles a row, so that each row meets an older one than the row above.
// The sums of column c leave at the bottom and wait for those of the last column. docs/machine.md, Matmul.
`include "qmac_defs.vh"
`default_nettype none

module mac_array_cells #(
    parameter integer Rows      = 16,
    parameter integer Cols      = 16,
    parameter integer CellBytes = 2  // that a cell takes in a cycle: 2 fusible, 1 fixed to mode 8X8
) (
    input  wire               clk_i,
    input  wire               rst_ni,
    /* verilator lint_off UNUSEDSIGNAL */  // the cells compute in every cycle
    // from matmul: a weight row, for array row weight_row_i
    input  wire               weight_valid_i,     // a weight row enters
    input  wire               weight_buffer_i,    // into this buffer
    input  wire [7:0]         weight_row_i,
    input  wire [1:0]         weight_mode_i,      // as row_mode_i; the cells keep all modes alike
    input  wire [16*Cols-1:0] weight_data_i,      // a cell's weights: one signed byte, or nibbles from the lowest on
    // from matmul: a row of activations; bytes are zero when row_valid_i is 0
    input  wire               row_valid_i,        // a row enters
    /* verilator lint_on UNUSEDSIGNAL */
    input  wire               row_buffer_i,       // it meets the weights of this buffer
    input  wire               row_unsigned_i,     // activations are not negative
    input  wire [1:0]         row_mode_i,         // QM_ARRAY_MODE_*: how a cell multiplies
    /* verilator lint_off UNUSEDSIGNAL */  // bytes of fixed cells, bits of rows that are not there; samples move in every cycle
    input  wire [16*Rows-1:0] row_data_i,         // two bytes a cell; the second is zero in mode 8X8
    input  wire [7:0]         row_sampled_i,      // bit r: row r of the array takes the samples of the columns instead
    // from matmul: a sample a column; array row r meets the one of r cycles before
    input  wire               sample_valid_i,     // there is one, or those before move on
    /* verilator lint_on UNUSEDSIGNAL */
    input  wire [8*Cols-1:0]  sample_data_i,
    // to accumulator: the sums of the row that entered Rows+Cols-1 cycles ago; meaningless if none did
    output wire [32*Cols-1:0] sums_o
);

    localparam integer Bits = 8*CellBytes;

    // Wires between cells, numbered row*(Cols+1) + column to the right and row*Cols + column downwards.
    /* verilator lint_off UNUSEDSIGNAL */  // what leaves at the right, and the weights that leave at the bottom
    wire [Bits*Rows*(Cols+1)-1:0] activation;
    wire [7*Rows*(Cols+1)-1:0]    control;  // {mode, unsigned, buffer, load, load_buffer, sampled}
    wire [Bits*(Rows+1)*Cols-1:0] weight;
    wire [8*(Rows+1)*Cols-1:0]    sample;
    wire [32*(Rows+1)*Cols-1:0]   sum;
    /* verilator lint_on UNUSEDSIGNAL */

    genvar r;
    genvar c;
    generate
        for (r = 0; r < Rows; r = r + 1) begin : gen_row
            wire load    = weight_valid_i && {24'd0, weight_row_i} == r;
            wire sampled = r < `QM_CHAIN_TAPS ? row_sampled_i[r % `QM_CHAIN_TAPS] : 1'b0;
            delay #(.Width(Bits + 7), .Cycles(r)) skew (
                .clk_i (clk_i),
                .data_i({row_data_i[16*r +: Bits], row_mode_i, row_unsigned_i, row_buffer_i, load, weight_buffer_i, sampled}),
                .data_o({activation[Bits*r*(Cols+1) +: Bits], control[7*r*(Cols+1) +: 7]})
            );
            for (c = 0; c < Cols; c = c + 1) begin : gen_cell
                mac_cell #(.Bits(Bits), .HasSamples(r < `QM_CHAIN_TAPS)) mac (
                    .clk_i        (clk_i),
                    .rst_ni       (rst_ni),
                    .activation_i (activation[Bits*(r*(Cols+1) + c) +: Bits]),
                    .mode_i       (control[7*(r*(Cols+1) + c) + 5 +: 2]),
                    .unsigned_i   (control[7*(r*(Cols+1) + c) + 4]),
                    .buffer_i     (control[7*(r*(Cols+1) + c) + 3]),
                    .load_i       (control[7*(r*(Cols+1) + c) + 2]),
                    .load_buffer_i(control[7*(r*(Cols+1) + c) + 1]),
                    .sampled_i    (control[7*(r*(Cols+1) + c)]),
                    .activation_o (activation[Bits*(r*(Cols+1) + c + 1) +: Bits]),
                    .mode_o       (control[7*(r*(Cols+1) + c + 1) + 5 +: 2]),
                    .unsigned_o   (control[7*(r*(Cols+1) + c + 1) + 4]),
                    .buffer_o     (control[7*(r*(Cols+1) + c + 1) + 3]),
                    .load_o       (control[7*(r*(Cols+1) + c + 1) + 2]),
                    .load_buffer_o(control[7*(r*(Cols+1) + c + 1) + 1]),
                    .sampled_o    (control[7*(r*(Cols+1) + c + 1)]),
                    .weight_i     (weight[Bits*(r*Cols + c) +: Bits]),
                    .sum_i        (sum[32*(r*Cols + c) +: 32]),
                    .sample_i     (sample[8*(r*Cols + c) +: 8]),
                    .sample_o     (sample[8*((r+1)*Cols + c) +: 8]),
                    .weight_o     (weight[Bits*((r+1)*Cols + c) +: Bits]),
                    .sum_o        (sum[32*((r+1)*Cols + c) +: 32])
                );
            end
        end
        for (c = 0; c < Cols; c = c + 1) begin : gen_column
            assign sum[32*c +: 32] = 32'd0;
            delay #(.Width(Bits + 8), .Cycles(c)) skew (
                .clk_i (clk_i),
                .data_i({sample_data_i[8*c +: 8], weight_data_i[16*c +: Bits]}),
                .data_o({sample[8*c +: 8], weight[Bits*c +: Bits]})
            );
            delay #(.Width(32), .Cycles(Cols - 1 - c)) deskew (
                .clk_i (clk_i),
                .data_i(sum[32*(Rows*Cols + c) +: 32]),
                .data_o(sums_o[32*c +: 32])
            );
        end
    endgenerate

endmodule

`default_nettype wire
