// weight_expand.v - a weight row as it lies in the scratchpad to 16 bits a cell.
//
// A cell gets one signed byte, or signed nibbles in the order of the activations; those from n_i on get zero. docs/machine.md, Matmul.
`include "qmac_defs.vh"
`default_nettype none

module weight_expand #(
    parameter integer Cols      = 16,
    parameter integer CellBytes = 2  // that a cell takes in a cycle: 2 fusible, 1 fixed to W8A8
) (
    input  wire [2:0]         precision_i,
    input  wire [8:0]         n_i,          // cells with a weight; 0: there are none, and the rest does not matter
    input  wire [16*Cols-1:0] data_i,
    output reg  [16*Cols-1:0] data_o
);

    function [3:0] two_bits(input [1:0] weight);
        two_bits = {{2{weight[1]}}, weight};
    endfunction

    function [3:0] one_bit(input weight);  // +1 or -1
        one_bit = {{3{weight}}, 1'b1};
    endfunction

    integer c;
    always @* begin
        data_o = 0;
        if (n_i != 9'd0)
            case (CellBytes == 1 ? `QM_PRECISION_W8A8 : precision_i)
                `QM_PRECISION_W4A4: data_o = data_i;
                `QM_PRECISION_W2A8:
                    for (c = 0; c < Cols; c = c + 1)
                        data_o[16*c +: 16] = {8'd0, two_bits(data_i[4*c + 2 +: 2]), two_bits(data_i[4*c +: 2])};
                `QM_PRECISION_W1A8:
                    for (c = 0; c < Cols; c = c + 1) data_o[16*c +: 16] = {8'd0, one_bit(data_i[2*c + 1]), one_bit(data_i[2*c])};
                `QM_PRECISION_W2A4:
                    for (c = 0; c < Cols; c = c + 1)
                        data_o[16*c +: 16] = {two_bits(data_i[8*c + 6 +: 2]), two_bits(data_i[8*c + 4 +: 2]),
                                              two_bits(data_i[8*c + 2 +: 2]), two_bits(data_i[8*c +: 2])};
                `QM_PRECISION_W1A4:
                    for (c = 0; c < Cols; c = c + 1)
                        data_o[16*c +: 16] = {one_bit(data_i[4*c + 3]), one_bit(data_i[4*c + 2]),
                                              one_bit(data_i[4*c + 1]), one_bit(data_i[4*c])};
                default:
                    for (c = 0; c < Cols; c = c + 1) data_o[16*c +: 16] = {8'd0, data_i[8*c +: 8]};
            endcase
        if (n_i < Cols[8:0])
            for (c = 0; c < Cols; c = c + 1)
                if (c[8:0] >= n_i) data_o[16*c +: 16] = 16'd0;
    end

endmodule

`default_nettype wire
