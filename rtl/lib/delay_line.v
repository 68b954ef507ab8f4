// delay_line.v - gives back every valid word Cycles cycles after it came (Cycles >= 1).
//
// Words rest in a circular memory, and only their valid bits move, so that an idle line costs nothing.
// Invariant: the bits set in valid_q are the words in the memory. docs/machine.md, Matmul and Post: what travels beside array and scalers.
`default_nettype none

module delay_line #(
    parameter integer Width  = 8,
    parameter integer Cycles = 1
) (
    input  wire             clk_i,
    input  wire             rst_ni,
    input  wire             valid_i,  // data_i is a word
    input  wire [Width-1:0] data_i,
    output wire             valid_o,  // data_o is a word
    output wire [Width-1:0] data_o,   // meaningless unless valid_o
    output wire             any_o     // a word is inside
);

    localparam integer SlotBits = Cycles > 1 ? $clog2(Cycles) : 1;
    localparam integer LastSlot = Cycles - 1;

    reg  [Cycles-1:0]   valid_q;
    reg  [Width-1:0]    words [0:Cycles-1];
    reg  [SlotBits-1:0] write_q;
    reg  [SlotBits-1:0] read_q;
    wire [Cycles:0]     shifted = {valid_q, valid_i};

    function [SlotBits-1:0] next(input [SlotBits-1:0] slot);
        next = slot == LastSlot[SlotBits-1:0] ? {SlotBits{1'b0}} : slot + 1'b1;
    endfunction

    always @(posedge clk_i) begin
        if (valid_i) words[write_q] <= data_i;
        if (!rst_ni) begin
            valid_q <= 0;
            write_q <= 0;
            read_q  <= 0;
        end else begin
            valid_q <= shifted[Cycles-1:0];
            if (valid_i) write_q <= next(write_q);
            if (valid_o) read_q  <= next(read_q);
        end
    end

    assign valid_o = shifted[Cycles];
    assign data_o  = words[read_q];
    assign any_o   = valid_q != 0;

endmodule

`default_nettype wire
