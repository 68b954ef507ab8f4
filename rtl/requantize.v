// requantize.v - x * multiplier * 2^(shift-31), rounded, in two cycles: one 64-bit product for all modes.
//
// tflite rounds the product half up to 31 fraction bits (which is what gemmlowp's high multiply does), saturates, and then
// rounds once more by the right shift; the other modes round once by 31-shift. docs/numerics.md, Scaling.
`include "qmac_defs.vh"
`default_nettype none

module requantize (
    input  wire               clk_i,
    input  wire               multiply_i,    // first cycle: x_i, multiplier_i, addend_i, shift_i, rounding_i are there
    input  wire               round_i,       // second cycle: of what was multiplied in the cycle before
    input  wire signed [31:0] x_i,
    input  wire signed [31:0] multiplier_i,
    input  wire signed [31:0] addend_i,      // added to the product when the rounding is ADDEND or OFFSET
    input  wire signed [7:0]  shift_i,       // left when positive; beyond -31..31 it behaves as the bound
    input  wire [2:0]         rounding_i,
    output wire signed [31:0] result_o       // in the cycle after round_i
);

    localparam signed [63:0] Most  = 64'sh000000007fffffff;
    localparam signed [63:0] Least = -64'sh0000000080000000;

    reg signed [63:0] product_q;
    reg        [5:0]  total_q;  // fraction bits to round away first
    reg        [4:0]  right_q;  // and then, tflite only
    reg        [2:0]  rounding_q;
    reg signed [31:0] result_q;

    // Steps of one expression, worked out only in cycles that need them; each input is named once, so that what chooses it is as well.
    // First cycle:
    reg signed [7:0]  wanted;
    reg        [5:0]  shift;
    reg signed [31:0] factor;
    reg        [4:0]  lift;       // bits that the addend is moved up by
    reg signed [63:0] addend;

    // Second cycle:
    reg        [63:0] fraction;   // what the shift drops
    reg        [63:0] half;
    reg               up;
    reg signed [63:0] rounded;
    reg signed [31:0] saturated;
    reg        [31:0] mask;
    reg        [31:0] threshold;
    reg signed [31:0] scaled;

    /* verilator lint_off BLKSEQ */
    always @(posedge clk_i) begin
        if (multiply_i) begin
            wanted = shift_i;
            shift  = wanted < -8'sd31 ? -6'sd31 : wanted > 8'sd31 ? 6'sd31 : wanted[5:0];
            factor = x_i;
            if (rounding_i == `QM_ROUNDING_TFLITE && !shift[5]) factor = factor << shift[4:0];
            // OFFSET: fraction bits, which are 31 - wanted, without the 21 of the addend
            lift   = rounding_i != `QM_ROUNDING_OFFSET || wanted > 8'sd10 ? 5'd0 : wanted < -8'sd21 ? 5'd31 : 5'd10 - wanted[4:0];
            addend = rounding_i == `QM_ROUNDING_ADDEND || rounding_i == `QM_ROUNDING_OFFSET
                   ? $signed({addend_i, 32'd0}) >>> 6'd32 - {1'b0, lift} : 64'sd0;
            product_q  <= factor * multiplier_i + addend;
            total_q    <= rounding_i == `QM_ROUNDING_TFLITE ? 6'd31 : 6'd31 - shift;
            right_q    <= rounding_i == `QM_ROUNDING_TFLITE && shift[5] ? -shift[4:0] : 5'd0;
            rounding_q <= rounding_i;
        end
        if (round_i) begin
            fraction = product_q & ((64'd1 << total_q) - 64'd1);
            half     = (64'd1 << total_q) >> 1;
            rounded  = product_q >>> total_q;
            case (rounding_q)
                `QM_ROUNDING_EVEN, `QM_ROUNDING_OFFSET: up = fraction > half || (fraction == half && rounded[0]);
                `QM_ROUNDING_AWAY:  up = fraction > half || (fraction == half && !product_q[63]);
                `QM_ROUNDING_FLOOR, `QM_ROUNDING_ADDEND: up = 1'b0;
                default:            up = fraction >= half;
            endcase
            rounded   = rounded + {63'd0, up && total_q != 6'd0};
            saturated = rounded > Most ? Most[31:0] : rounded < Least ? Least[31:0] : rounded[31:0];
            mask      = (32'd1 << right_q) - 32'd1;
            threshold = (mask >> 1) + {31'd0, saturated[31]};
            scaled    = saturated >>> right_q;
            scaled    = scaled + {31'd0, (saturated & mask) > threshold};
            result_q  <= scaled;
        end
    end
    /* verilator lint_on BLKSEQ */

    assign result_o = result_q;

endmodule

`default_nettype wire
