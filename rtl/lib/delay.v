// delay.v - gives back every value Cycles cycles later; Cycles may be 0.
//
// Every register moves in every cycle: for the skew of the array (docs/machine.md, Matmul). Where words are rare, delay_line.v.
`default_nettype none

module delay #(
    parameter integer Width  = 8,
    parameter integer Cycles = 1
) (
    input  wire             clk_i,
    input  wire [Width-1:0] data_i,
    output wire [Width-1:0] data_o
);

    generate
        if (Cycles == 0) begin : gen_wire
            /* verilator lint_off UNUSEDSIGNAL */
            wire unused_clk = clk_i;
            /* verilator lint_on UNUSEDSIGNAL */
            assign data_o = data_i;
        end else begin : gen_registers
            reg [Width-1:0] stage_q [0:Cycles-1];
            integer i;
            always @(posedge clk_i) begin
                stage_q[0] <= data_i;
                for (i = 1; i < Cycles; i = i + 1) stage_q[i] <= stage_q[i-1];
            end
            assign data_o = stage_q[Cycles-1];
        end
    endgenerate

endmodule

`default_nettype wire
