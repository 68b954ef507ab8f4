// weight_expand - each cell gets the numbers that its bits of a packed weight row mean (docs/machine.md, Matmul), and nothing from channel
// n on. The definition says how many weights of how many bits a cell has, and finds each by its place.
`default_nettype none
`include "qmac_defs.vh"

module weight_expand_proof #(
    parameter Cols = 3
) (
    input  wire [2:0]         precision_i,
    input  wire [8:0]         n_i,
    input  wire [16*Cols-1:0] data_i,
    output reg                wrong_o
);
    wire [16*Cols-1:0] expanded;

    weight_expand #(.Cols(Cols)) dut (
        .precision_i(precision_i),
        .n_i        (n_i),
        .data_i     (data_i),
        .data_o     (expanded)
    );

    reg [2:0] weights;  // of a cell
    reg [3:0] bits;     // of a weight
    always @*
        case (precision_i)
            `QM_PRECISION_W8A8: begin weights = 1; bits = 8; end
            `QM_PRECISION_W4A8: begin weights = 2; bits = 4; end
            `QM_PRECISION_W2A8: begin weights = 2; bits = 2; end
            `QM_PRECISION_W1A8: begin weights = 2; bits = 1; end
            `QM_PRECISION_W4A4: begin weights = 4; bits = 4; end
            `QM_PRECISION_W2A4: begin weights = 4; bits = 2; end
            default:            begin weights = 4; bits = 1; end
        endcase

    // The number that the lowest bits mean: two's complement, or the sign of 1.
    function signed [7:0] meaning(input [7:0] lowest, input [3:0] width);
        case (width)
            8:       meaning = lowest;
            4:       meaning = {{4{lowest[3]}}, lowest[3:0]};
            2:       meaning = {{6{lowest[1]}}, lowest[1:0]};
            default: meaning = lowest[0] ? -8'sd1 : 8'sd1;
        endcase
    endfunction

    integer c;
    integer i;
    reg [7:0]        packed_bits;
    reg signed [7:0] got;
    always @* begin
        wrong_o = 1'b0;
        for (c = 0; c < Cols; c = c + 1)
            for (i = 0; i < 4; i = i + 1)
                if (i < weights) begin
                    packed_bits = data_i >> (c * weights + i) * bits;
                    got = weights == 1 ? expanded[16*c +: 8] : {{4{expanded[16*c + 4*i + 3]}}, expanded[16*c + 4*i +: 4]};
                    if (got != (c < n_i ? meaning(packed_bits, bits) : 8'sd0)) wrong_o = 1'b1;
                end
        if (precision_i > `QM_PRECISION_W1A4) wrong_o = 1'b0;
    end
endmodule
