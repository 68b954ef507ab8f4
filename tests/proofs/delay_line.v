// delay_line - every valid word comes out Cycles cycles after it came, in its own cycle, and nothing else does.
// Beside it runs the plain form: a register a cycle. Why the circular memory does the same: its bits are those of the plain form, and a
// word rests as many slots behind the next one to be read as there are older words.
`default_nettype none

module delay_line_proof #(
    parameter Cycles = 5,   // 2 to 8
    parameter Width  = 4
) (
    input wire             clk_i,
    input wire             rst_ni,
    input wire             valid_i,
    input wire [Width-1:0] data_i
);
    localparam Bits = $clog2(Cycles);

    wire             valid, any;
    wire [Width-1:0] data;
    (* hierconn *) wire [Cycles-1:0] \dut.valid_q ;
    (* hierconn *) wire [Bits-1:0]   \dut.write_q ;
    (* hierconn *) wire [Bits-1:0]   \dut.read_q ;

    // The memory, a register a slot; those beyond Cycles do not exist.
    (* hierconn *) wire [Width-1:0] \dut.words[0] , \dut.words[1] , \dut.words[2] , \dut.words[3] ;
    (* hierconn *) wire [Width-1:0] \dut.words[4] , \dut.words[5] , \dut.words[6] , \dut.words[7] ;
    wire [8*Width-1:0] words = {\dut.words[7] , \dut.words[6] , \dut.words[5] , \dut.words[4] ,
                                \dut.words[3] , \dut.words[2] , \dut.words[1] , \dut.words[0] };

    delay_line #(.Width(Width), .Cycles(Cycles)) dut (
        .clk_i  (clk_i),
        .rst_ni (rst_ni),
        .valid_i(valid_i),
        .data_i (data_i),
        .valid_o(valid),
        .data_o (data),
        .any_o  (any)
    );

    reg                    reset_q = 1'b0;  // has been reset
    reg [Cycles-1:0]       plain_valid_q;   // the newest in bit 0
    reg [Cycles*Width-1:0] plain_q;

    always @(posedge clk_i) begin
        reset_q       <= reset_q || !rst_ni;
        plain_valid_q <= rst_ni ? {plain_valid_q, valid_i} : 0;
        plain_q       <= {plain_q, data_i};
    end

    // Slots from the next one to be read on.
    function [Bits-1:0] behind_read(input [Bits:0] count);
        reg [Bits+1:0] slot;
        begin
            slot = \dut.read_q + count;
            behind_read = slot >= Cycles ? slot - Cycles : slot;
        end
    endfunction

    integer    i;
    reg [Bits:0] older;
    always @* begin
        assume (reset_q || !rst_ni);
        if (reset_q) begin
            // The claim.
            assert (valid == plain_valid_q[Cycles-1]);
            assert (any == (plain_valid_q != 0));
            if (valid) assert (data == plain_q[(Cycles-1)*Width +: Width]);
            // Why it holds.
            assert (\dut.valid_q == plain_valid_q);
            assert (\dut.read_q < Cycles && \dut.write_q < Cycles);
            older = 0;
            for (i = Cycles - 1; i >= 0; i = i - 1)
                if (plain_valid_q[i]) begin
                    assert (words[behind_read(older)*Width +: Width] == plain_q[i*Width +: Width]);
                    older = older + 1;
                end
            assert (\dut.write_q == behind_read(older));
        end
    end
endmodule
