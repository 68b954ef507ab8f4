// product - the sum of products that mac_cell makes in a cycle is that of docs/machine.md, Precision, for all activations, weights and both
// signs. The definition multiplies by long multiplication, bit by bit of the weight, and has no digits.
// Of a fixed cell Bits is 8, and there is mode 0 only.
// Mode 0: a byte meets a byte. 1: two bytes meet two nibbles. 2: four nibbles meet four nibbles. Mode 3 does not occur.
`default_nettype none

module product_proof #(
    parameter       Bits = 16,
    parameter [1:0] Mode = 2'd0
) (
    input  wire [15:0] activation_i,
    input  wire        unsigned_i,
    output wire        wrong_o
);
    (* hierconn *) wire    [Bits-1:0] \dut.weight ;   // free: it comes from registers
    (* hierconn *) wire signed [17:0] \dut.product ;

    mac_cell #(.Bits(Bits)) dut (
        .clk_i(1'b0), .activation_i(activation_i[Bits-1:0]), .sampled_i(1'b0), .unsigned_i(unsigned_i), .mode_i(Mode)
    );

    wire [15:0] a = activation_i;
    wire [15:0] w = \dut.weight ;

    function signed [8:0] wide(input [7:0] bits);
        wide = {bits[7] && !unsigned_i, bits};
    endfunction

    function signed [4:0] narrow(input [3:0] bits);
        narrow = {bits[3] && !unsigned_i, bits};
    endfunction

    function signed [17:0] times(input signed [8:0] x, input [7:0] y);
        integer i;
        begin
            times = 18'sd0;
            for (i = 0; i < 7; i = i + 1) if (y[i]) times = times + (x <<< i);
            if (y[7]) times = times - (x <<< 7);
        end
    endfunction

    function signed [17:0] times_nibble(input signed [8:0] x, input [3:0] y);
        times_nibble = times(x, {{4{y[3]}}, y});
    endfunction

    reg signed [17:0] defined;
    always @*
        case (Mode)
            2'd0:    defined = times(wide(a[7:0]), w[7:0]);
            2'd1:    defined = times_nibble(wide(a[7:0]), w[3:0]) + times_nibble(wide(a[15:8]), w[7:4]);
            default: defined = times_nibble(narrow(a[3:0]), w[3:0]) + times_nibble(narrow(a[7:4]), w[7:4])
                             + times_nibble(narrow(a[11:8]), w[11:8]) + times_nibble(narrow(a[15:12]), w[15:12]);
        endcase

    assign wrong_o = \dut.product != defined;
endmodule
