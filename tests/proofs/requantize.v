// requantize - both cycles of the requantizer with the real multiplication, for all operands of reduced width: the multiplier and x have
// Bits bits at the upper end of their words, x also Low bits above the lower end; every shift, every addend.
`default_nettype none
`include "qmac_defs.vh"

module requantize_proof #(
    parameter [2:0] Rounding = 3'd0,
    parameter       Bits     = 8,
    parameter       Low      = 32 - Bits   // bits of 0 below those of x
) (
    input wire               clk_i,
    input wire signed [Bits-1:0] x_i,
    input wire signed [Bits-1:0] multiplier_i,
    input wire signed [31:0] addend_i,
    input wire signed [7:0]  shift_i
);
    wire signed [31:0] x          = $signed({{(32-Bits){x_i[Bits-1]}}, x_i}) <<< Low;
    wire signed [31:0] multiplier = {multiplier_i, {(32-Bits){1'b0}}};
    wire signed [31:0] result;

    requantize dut (
        .clk_i       (clk_i),
        .multiply_i  (1'b1),
        .round_i     (1'b1),
        .x_i         (x),
        .multiplier_i(multiplier),
        .addend_i    (addend_i),
        .shift_i     (shift_i),
        .rounding_i  (Rounding),
        .result_o    (result)
    );

`include "rounded.vh"

    wire signed [7:0]  shift   = shift_i < -31 ? -8'sd31 : shift_i > 31 ? 8'sd31 : shift_i;
    wire               tflite  = Rounding == `QM_ROUNDING_TFLITE;
    wire signed [31:0] factor  = tflite && shift > 0 ? x <<< shift : x;
    wire        [5:0]  total   = tflite ? 31 : 31 - shift;
    wire signed [63:0] product = factor * multiplier + added(addend_i, total, Rounding);

    reg        [1:0]  before_q = 2'b00;
    reg signed [63:0] product_q;
    reg        [5:0]  total_q;
    reg        [4:0]  right_q;
    reg signed [31:0] result_q;

    always @(posedge clk_i) begin
        before_q  <= {before_q[0], 1'b1};
        product_q <= product;
        total_q   <= total;
        right_q   <= tflite && shift < 0 ? -shift : 5'd0;
        result_q  <= rounded(product_q, total_q, right_q, Rounding);
    end

    always @* if (before_q[1]) assert (result == result_q);
endmodule
