// requantize_round - the second cycle of the requantizer, at full width: what it makes of every 64-bit product, of any number of fraction
// bits and any right shift, is the rounding of docs/numerics.md.
`default_nettype none
`include "qmac_defs.vh"

module requantize_round_proof #(
    parameter [2:0] Rounding = 3'd0
) (
    input wire clk_i,
    input wire multiply_i,
    input wire round_i
);
    wire signed [31:0] result;
    (* hierconn *) wire signed [63:0] \dut.product_q ;
    (* hierconn *) wire        [5:0]  \dut.total_q ;
    (* hierconn *) wire        [4:0]  \dut.right_q ;
    (* hierconn *) wire        [2:0]  \dut.rounding_q ;

    requantize dut (
        .clk_i     (clk_i),
        .multiply_i(multiply_i),
        .round_i   (round_i),
        .result_o  (result)
    );

`include "rounded.vh"

    localparam signed [63:0] MOST = 64'sd1 <<< 62;
    localparam signed [63:0] WORD = 64'sd1 <<< 31;

    reg               before_q = 1'b0;
    reg signed [31:0] result_q;

    always @(posedge clk_i) begin
        before_q <= 1'b1;
        result_q <= round_i ? rounded(\dut.product_q , \dut.total_q , \dut.right_q , Rounding) : result;
    end

    always @* begin
        assume (\dut.rounding_q == Rounding);
        assume (\dut.total_q <= 6'd62);
        if (Rounding == `QM_ROUNDING_TFLITE) begin
            assume (\dut.total_q == 6'd31);
            // requantize_product.smt2
            assume (\dut.product_q == MOST || (\dut.product_q <= MOST - WORD && \dut.product_q >= WORD - MOST));
        end else
            assume (\dut.right_q == 5'd0);
        if (before_q) assert (result == result_q);
    end
endmodule
