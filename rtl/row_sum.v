// row_sum.v - what a zero point of the weights takes from the sums of a row: weight_zero times the sum of the row's activations.
//
// For sum x (w - z) = sum x w - z sum x. One adder tree beside the array serves all columns. The correction comes out with the array's
// sums, Rows+Cols-1 cycles after the row went in: that time hides the tree and the product. docs/machine.md, Matmul.
`include "qmac_defs.vh"
`default_nettype none

module row_sum #(
    parameter integer Rows      = 16,
    parameter integer Cols      = 16,
    parameter integer CellBytes = 2  // that a cell takes in a cycle: 2 fusible, 1 fixed to mode 8X8
) (
    input  wire               clk_i,
    input  wire               rst_ni,
    // from matmul: a row of activations, as mac_array gets it
    input  wire               row_valid_i,        // a row enters
    input  wire               row_unsigned_i,     // activations are not negative
    input  wire [1:0]         row_mode_i,         // QM_ARRAY_MODE_*
    input  wire [16*Rows-1:0] row_data_i,
    input  wire signed [15:0] row_weight_zero_i,
    // to accumulator: meaningless for rows without a zero point
    output wire [31:0]        correction_o
);

    localparam integer Rest = Rows + Cols - 2;  // cycles after the tree

    reg               valid_q;  // sum_q is that of a row with a zero point
    reg signed [31:0] sum_q;
    reg signed [15:0] weight_zero_q;
    reg signed [31:0] sum;

    /* verilator lint_off BLKSEQ */
    integer r;
    integer d;
    always @(posedge clk_i) begin
        valid_q <= rst_ni && row_valid_i && row_weight_zero_i != 16'sd0;
        if (row_valid_i && row_weight_zero_i != 16'sd0) begin
            sum = 32'sd0;
            for (r = 0; r < 2*Rows; r = r + 3 - CellBytes)
                if (CellBytes == 2 && row_mode_i == `QM_ARRAY_MODE_4X4)
                    for (d = 0; d < 2; d = d + 1)
                        sum = sum + {{28{row_data_i[8*r + 4*d + 3] && !row_unsigned_i}}, row_data_i[8*r + 4*d +: 4]};
                else
                    sum = sum + {{24{row_data_i[8*r + 7] && !row_unsigned_i}}, row_data_i[8*r +: 8]};
            sum_q         <= sum;
            weight_zero_q <= row_weight_zero_i;
        end
    end
    /* verilator lint_on BLKSEQ */

    wire signed [31:0] product = sum_q * weight_zero_q;

    generate
        if (Rest == 0) begin : gen_wire
            /* verilator lint_off UNUSEDSIGNAL */
            wire unused_valid = valid_q;
            /* verilator lint_on UNUSEDSIGNAL */
            assign correction_o = product;
        end else begin : gen_line
            /* verilator lint_off PINCONNECTEMPTY */
            delay_line #(.Width(32), .Cycles(Rest)) beside (
                .clk_i  (clk_i),
                .rst_ni (rst_ni),
                .valid_i(valid_q),
                .data_i (product),
                .valid_o(),
                .data_o (correction_o),
                .any_o  ()
            );
            /* verilator lint_on PINCONNECTEMPTY */
        end
    endgenerate

endmodule

`default_nettype wire
