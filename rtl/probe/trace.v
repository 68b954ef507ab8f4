// trace.v - what a bench needs to follow a run cycle by cycle: which units started or ended an instruction in the cycle before.
//
// Registers, so that a bench reads them after a clock edge without settling the machine again. No part of the machine reads them.
// docs/machine.md, Conventions of time.
`default_nettype none

module trace (
    input  wire       clk_i,
    input  wire       rst_ni,
    input  wire [3:0] start_i,        // the unit starts an instruction
    input  wire [3:0] end_i,          // the unit ends one
    output reg  [3:0] trace_start_o,  // of the cycle before
    output reg  [3:0] trace_end_o
);

    always @(posedge clk_i) begin
        trace_start_o <= rst_ni ? start_i : 4'd0;
        trace_end_o   <= rst_ni ? end_i : 4'd0;
    end

endmodule

`default_nettype wire
