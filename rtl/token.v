// token.v - the twelve token counters, one for each ordered pair of different units.
//
// Bit 4*g + t of the flat vectors speaks of the pair (giver g, taker t). A start takes one token of each pair that the instruction waits
// for; an end gives one to each pair that it signals, usable in the next cycle. A full counter stays full. docs/machine.md, Queues.
`default_nettype none

module token (
    input  wire        clk_i,
    input  wire        rst_ni,
    input  wire        clear_i,   // START is accepted
    // from the queues: bits 4*u +: 4 are unit u's
    input  wire [15:0] wait_i,    // givers that the next instruction waits for
    output wire [3:0]  ok_o,      // all of them have a token for it
    // from the units
    input  wire [3:0]  start_i,   // the unit starts an instruction: it takes the tokens
    input  wire [3:0]  end_i,     // the unit ends an instruction: it gives tokens
    input  wire [15:0] signal_i   // takers that the ending instruction signals
);

    wire [15:0] have;     // the pair's counter is not zero
    wire [15:0] missing;  // the pair's token is waited for and not there
    wire        moves = start_i != 4'd0 || end_i != 4'd0;  // a token may come or go

    genvar g, t;
    generate
        for (g = 0; g < 4; g = g + 1) begin : giver
            for (t = 0; t < 4; t = t + 1) begin : taker
                assign missing[4*t + g] = wait_i[4*t + g] && !have[4*g + t];
                if (g == t) begin : own
                    wire unused_signal = signal_i[4*g + t];   // decode refuses it
                    assign have[4*g + t] = 1'b0;
                end else begin : pair
                    reg [15:0] count_q;
                    reg        take;  // one token goes
                    reg        give;  // one comes
                    assign have[4*g + t] = count_q != 16'd0;
                    /* verilator lint_off BLKSEQ */  // take and give are names
                    always @(posedge clk_i) begin
                        if (!rst_ni || clear_i) count_q <= 16'd0;
                        else if (moves) begin
                            take = start_i[t] && wait_i[4*t + g];
                            give = end_i[g] && signal_i[4*g + t];
                            if (take && !give) count_q <= count_q - 16'd1;
                            else if (give && !take && count_q != 16'hffff) count_q <= count_q + 16'd1;
                        end
                    end
                    /* verilator lint_on BLKSEQ */
                end
            end
            assign ok_o[g] = missing[4*g +: 4] == 4'd0;
        end
    endgenerate

endmodule

`default_nettype wire
