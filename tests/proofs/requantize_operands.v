// requantize_operands - the first cycle of the requantizer, at full width: which numbers meet in the product. The multiplier is 1, so that
// the product shows the other factor; with any multiplier it is the `*` of the language. Shift and rounding are told to the second cycle.
`default_nettype none
`include "qmac_defs.vh"

module requantize_operands_proof (
    input wire               clk_i,
    input wire               multiply_i,
    input wire signed [31:0] x_i,
    input wire signed [31:0] addend_i,
    input wire signed [7:0]  shift_i,
    input wire        [2:0]  rounding_i
);
    (* hierconn *) wire signed [63:0] \dut.product_q ;
    (* hierconn *) wire        [5:0]  \dut.total_q ;
    (* hierconn *) wire        [4:0]  \dut.right_q ;
    (* hierconn *) wire        [2:0]  \dut.rounding_q ;

    (* keep *) requantize dut (   // nothing but its registers is looked at
        .clk_i       (clk_i),
        .multiply_i  (multiply_i),
        .round_i     (1'b0),
        .x_i         (x_i),
        .multiplier_i(32'sd1),
        .addend_i    (addend_i),
        .shift_i     (shift_i),
        .rounding_i  (rounding_i)
    );

    wire signed [7:0]  shift  = shift_i < -31 ? -8'sd31 : shift_i > 31 ? 8'sd31 : shift_i;
    wire               tflite = rounding_i == `QM_ROUNDING_TFLITE;
    wire signed [31:0] wrapped = x_i <<< shift;   // of a left shift
    wire        [5:0]  total  = tflite ? 31 : 31 - shift;

`include "rounded.vh"

    reg               multiplied_q = 1'b0;   // the last cycle multiplied
    reg signed [63:0] product_q;
    reg        [5:0]  total_q;
    reg        [4:0]  right_q;
    reg        [2:0]  rounding_q;

    always @(posedge clk_i) begin
        multiplied_q <= multiply_i;
        product_q    <= (tflite && shift > 0 ? wrapped : x_i) + added(addend_i, total, rounding_i);
        total_q      <= total;
        right_q      <= tflite && shift < 0 ? -shift : 5'd0;
        rounding_q   <= rounding_i;
    end

    always @* if (multiplied_q) begin
        assert (\dut.product_q == product_q);
        assert (\dut.total_q == total_q);
        assert (\dut.right_q == right_q);
        assert (\dut.rounding_q == rounding_q);
    end
endmodule
