// token - every pair of units has an exact count of tokens: gives minus takes, never below zero, full at 65,535 and then full for ever; a
// unit is told that it may start exactly when each unit it waits for has given one that was not taken.
// One pair (Giver, Taker) is counted here. That units start only when told so is assumed.
`default_nettype none

module token_proof #(
    parameter Giver = 0,
    parameter Taker = 1
) (
    input wire        clk_i,
    input wire        rst_ni,
    input wire        clear_i,
    input wire [15:0] wait_i,
    input wire [3:0]  start_i,
    input wire [3:0]  end_i,
    input wire [15:0] signal_i
);
    wire [3:0] ok;
    wire       waits = wait_i[4*Taker + Giver];
    wire       take  = start_i[Taker] && waits;
    wire       give  = end_i[Giver] && signal_i[4*Giver + Taker];

    // The counters, a wire each.
    (* hierconn *) wire [15:0] \dut.giver[0].taker[1].pair.count_q , \dut.giver[0].taker[2].pair.count_q ,
                               \dut.giver[0].taker[3].pair.count_q ;
    (* hierconn *) wire [15:0] \dut.giver[1].taker[0].pair.count_q , \dut.giver[1].taker[2].pair.count_q ,
                               \dut.giver[1].taker[3].pair.count_q ;
    (* hierconn *) wire [15:0] \dut.giver[2].taker[0].pair.count_q , \dut.giver[2].taker[1].pair.count_q ,
                               \dut.giver[2].taker[3].pair.count_q ;
    (* hierconn *) wire [15:0] \dut.giver[3].taker[0].pair.count_q , \dut.giver[3].taker[1].pair.count_q ,
                               \dut.giver[3].taker[2].pair.count_q ;
    reg [15:0] count;
    always @*
        case (4*Giver + Taker)
            1:       count = \dut.giver[0].taker[1].pair.count_q ;
            2:       count = \dut.giver[0].taker[2].pair.count_q ;
            3:       count = \dut.giver[0].taker[3].pair.count_q ;
            4:       count = \dut.giver[1].taker[0].pair.count_q ;
            6:       count = \dut.giver[1].taker[2].pair.count_q ;
            7:       count = \dut.giver[1].taker[3].pair.count_q ;
            8:       count = \dut.giver[2].taker[0].pair.count_q ;
            9:       count = \dut.giver[2].taker[1].pair.count_q ;
            11:      count = \dut.giver[2].taker[3].pair.count_q ;
            12:      count = \dut.giver[3].taker[0].pair.count_q ;
            13:      count = \dut.giver[3].taker[1].pair.count_q ;
            default: count = \dut.giver[3].taker[2].pair.count_q ;
        endcase

    token dut (
        .clk_i   (clk_i),
        .rst_ni  (rst_ni),
        .clear_i (clear_i),
        .wait_i  (wait_i),
        .ok_o    (ok),
        .start_i (start_i),
        .end_i   (end_i),
        .signal_i(signal_i)
    );

    reg        reset_q = 1'b0;
    reg        full_q;          // the count has met its end and is no longer exact
    reg [16:0] count_q;

    always @(posedge clk_i)
        if (!rst_ni || clear_i) begin
            reset_q <= 1'b1;
            count_q <= 17'd0;
            full_q  <= 1'b0;
        end else begin
            count_q <= count_q + give - take;
            full_q  <= full_q || count_q + give - take > 17'd65535;
        end

    wire others_wait = (wait_i[4*Taker +: 4] & ~(4'd1 << Giver)) != 4'd0;

    always @* begin
        assume (reset_q || !rst_ni);
        assume ((start_i & ~ok) == 4'd0);
        if (reset_q && !full_q) begin
            assert (count_q <= 17'd65535);
            assert (!take || count_q != 17'd0);
            assert (count == count_q[15:0]);
            if (waits && count_q == 17'd0) assert (!ok[Taker]);
            if (!others_wait && (!waits || count_q != 17'd0)) assert (ok[Taker]);
        end
    end
endmodule
