// queue.v - the instruction queue of one unit, with two readers.
//
// A slot is written by decode, started by the unit's front, and freed when the unit's back takes it. `full_o` is a registered count: a slot
// freed in a cycle can be filled in the next. A unit with one half takes what it starts.
// docs/machine.md, Queues, tokens, starts.
`default_nettype none

module queue #(
    parameter integer Depth = 8,           // a power of two, at least 2
    parameter integer Width = 512          // bits of an instruction; the proofs take fewer
) (
    input  wire             clk_i,
    input  wire             rst_ni,
    input  wire             clear_i,        // START is accepted
    // from decode
    input  wire             push_i,         // insn_i comes in: never when full
    input  wire [Width-1:0] insn_i,
    output wire             full_o,         // no room
    output wire             empty_o,        // nothing that is not taken
    // to the unit's front
    output wire             front_valid_o,  // an instruction has not been started
    output wire [Width-1:0] front_insn_o,   // the oldest such
    input  wire             start_i,        // the front starts it
    // to the unit's back
    output wire             back_valid_o,   // one is started, counting this cycle's start, and not taken
    output wire [Width-1:0] back_insn_o,    // the oldest such
    input  wire             take_i          // the back takes it
);

    localparam integer Bits = $clog2(Depth);

    reg [Width-1:0]  slots [0:Depth-1];
    reg [Bits:0] pushed_q, started_q, taken_q;   // modulo 2 * Depth

    assign full_o        = pushed_q == {~taken_q[Bits], taken_q[Bits-1:0]};
    assign empty_o       = pushed_q == taken_q;
    assign front_valid_o = pushed_q != started_q;
    assign front_insn_o  = slots[started_q[Bits-1:0]];
    assign back_valid_o  = started_q != taken_q || start_i;
    assign back_insn_o   = slots[taken_q[Bits-1:0]];

    always @(posedge clk_i) begin
        if (push_i) slots[pushed_q[Bits-1:0]] <= insn_i;
        if (!rst_ni || clear_i) begin
            pushed_q  <= {(Bits+1){1'b0}};
            started_q <= {(Bits+1){1'b0}};
            taken_q   <= {(Bits+1){1'b0}};
        end else begin
            if (push_i)  pushed_q  <= pushed_q + 1'b1;
            if (start_i) started_q <= started_q + 1'b1;
            if (take_i)  taken_q   <= taken_q + 1'b1;
        end
    end

endmodule

`default_nettype wire
