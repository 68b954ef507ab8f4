// requantize_tb - the scaling unit against the definitions of docs/numerics.md, one operand a cycle, in all modes and with extremes.
`default_nettype none
`include "qmac_defs.vh"

module requantize_tb;
    parameter Cycles = 20000;
    parameter Seed   = 1;

    `include "random.vh"
    `include "scale.vh"

    reg                clk = 1'b0;
    reg                multiply = 1'b0;
    reg                round = 1'b0;
    reg  signed [31:0] x = 0;
    reg  signed [31:0] multiplier = 0;
    reg  signed [7:0]  shift = 0;
    reg  signed [31:0] addend = 0;
    reg  [2:0]         rounding = 0;
    wire signed [31:0] result;

    requantize unit (
        .clk_i(clk), .multiply_i(multiply), .round_i(round),
        .x_i(x), .multiplier_i(multiplier), .addend_i(addend), .shift_i(shift), .rounding_i(rounding), .result_o(result));

    reg signed [31:0] scaled;    // of what is multiplied in this cycle
    reg signed [31:0] in_flight; // of what is rounded in this cycle
    reg signed [31:0] want;      // what result must show
    integer           cycle;
    integer           errors;

    initial begin
        state  = Seed;
        errors = 0;
        want   = 0;
        for (cycle = 0; cycle < Cycles; cycle = cycle + 1) begin
            round      = multiply;
            in_flight  = scaled;
            multiply   = draw(8) != 0;
            x          = draw_word(0);
            multiplier = draw(2) == 0 ? draw_word(0) : 32'h40000000 + draw(32'h40000000);
            shift      = draw(4) == 0 ? draw(256) : draw(64) - 32;
            rounding   = draw(7);
            addend     = draw_word(0);
            if (draw(8) == 0) begin  // a tie
                x          = draw(201) - 100;
                multiplier = 32'h40000000;
                shift      = draw(4);
                if (draw(2) == 0) addend = (draw(33) - 16) << 20;  // halves of a step in OFFSET
            end
            scaled = scale_addend(x, multiplier, shift, rounding,
                                  rounding == `QM_ROUNDING_ADDEND || rounding == `QM_ROUNDING_OFFSET ? addend : 0);
            #1;
            if (cycle > 4 && result !== want) begin
                errors = errors + 1;
                if (errors < 5) $display("cycle %0d: got %0d want %0d", cycle, result, want);
            end
            if (round) want = in_flight;
            #1 clk = 1'b1; #1 clk = 1'b0;
        end
        if (errors == 0) $display("PASS requantize seed %0d: %0d cycles", Seed, Cycles);
        else $display("FAIL requantize seed %0d: %0d errors", Seed, errors);
        $finish;
    end
endmodule
