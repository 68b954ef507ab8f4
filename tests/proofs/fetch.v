// fetch - what was requested always has room, no instruction is shown that has not come whole, and none is lost, doubled or reordered.
// Any one beat is tracked: when its instruction has come whole and none before it is left, decode sees it in its place. That beats come
// only for what was requested, and that decode pops only what it sees, is assumed here.
`default_nettype none

module fetch_proof #(
    parameter AxiBytes = 32
) (
    input wire                  clk_i,
    input wire                  rst_ni,
    input wire                  clear_i,
    input wire                  run_i,
    input wire [31:0]           program_addr_i,
    input wire [31:0]           program_count_i,
    input wire                  ar_ready_i,
    input wire                  beat_i,
    input wire [8*AxiBytes-1:0] data_i,
    input wire                  pop_i,
    input wire                  track_i   // follow the instruction whose first beat comes now
);
    localparam Beats = 64 / AxiBytes, Bits = 8 * AxiBytes;

    wire         outstanding, exhausted, ar_valid, burst_end, head_valid;
    wire [31:0]  ar_offset;
    wire [8:0]   ar_beats;
    wire [511:0] head;
    (* hierconn *) wire [31:0]  \dut.requested_q ;
    (* hierconn *) wire [31:0]  \dut.delivered_q ;
    (* hierconn *) wire [31:0]  \dut.popped_q ;
    (* hierconn *) wire [4:0]   \dut.beat_q ;
    (* hierconn *) wire [511:0] \dut.partial_q ;
    (* hierconn *) wire [511:0] \dut.fifo[0] , \dut.fifo[1] , \dut.fifo[2] , \dut.fifo[3] ;
    (* hierconn *) wire [511:0] \dut.fifo[4] , \dut.fifo[5] , \dut.fifo[6] , \dut.fifo[7] ;

    fetch #(.AxiBytes(AxiBytes)) dut (
        .clk_i          (clk_i),
        .rst_ni         (rst_ni),
        .clear_i        (clear_i),
        .run_i          (run_i),
        .program_addr_i (program_addr_i),
        .program_count_i(program_count_i),
        .outstanding_o  (outstanding),
        .exhausted_o    (exhausted),
        .ar_valid_o     (ar_valid),
        .ar_offset_o    (ar_offset),
        .ar_beats_o     (ar_beats),
        .ar_ready_i     (ar_ready_i),
        .beat_i         (beat_i),
        .data_i         (data_i),
        .burst_end_o    (burst_end),
        .head_valid_o   (head_valid),
        .head_o         (head),
        .pop_i          (pop_i)
    );

    reg         reset_q   = 1'b0;  // has been reset
    reg [31:0]  count_q;           // instructions of the program
    reg [31:0]  asked_q;           // of them, those that bursts were accepted for
    reg [31:0]  shown_q;           // and popped
    reg [9:0]   coming_q;          // beats that were requested and have not come
    reg [3:0]   whole_q;           // instructions in the FIFO
    reg         tracked_q = 1'b0;  // the tracked beat has come and its instruction is not popped
    reg         gathered_q;        // and its instruction has come whole
    reg [4:0]   beat_q;            // its number in the instruction
    reg [Bits-1:0] data_q;
    reg [3:0]   before_q;          // instructions in front of it

    wire        accepted = ar_valid && ar_ready_i;
    wire        comes_whole = beat_i && \dut.beat_q == Beats - 1;
    wire        track = beat_i && track_i && !tracked_q;
    wire        leave = pop_i && tracked_q && before_q == 0;
    wire [3:0]  asked_insns = ar_beats / Beats;

    always @(posedge clk_i) begin
        if (!rst_ni || clear_i) begin
            reset_q   <= 1'b1;
            count_q   <= program_count_i;
            asked_q   <= 0;
            shown_q   <= 0;
            coming_q  <= 0;
            whole_q   <= 0;
            tracked_q <= 1'b0;
        end else begin
            if (accepted) asked_q <= asked_q + asked_insns;
            shown_q   <= shown_q + pop_i;
            coming_q  <= coming_q + (accepted ? ar_beats : 9'd0) - beat_i;
            whole_q   <= whole_q + comes_whole - pop_i;
            tracked_q <= track || (tracked_q && !leave);
            before_q  <= track ? whole_q - pop_i : before_q - (pop_i && before_q != 0);
            gathered_q <= comes_whole || (gathered_q && !track);
            if (track) beat_q <= \dut.beat_q ;
            if (track) data_q <= data_i;
        end
    end

    wire [31:0]  held  = \dut.requested_q - \dut.popped_q ;
    wire [31:0]  whole = \dut.delivered_q - \dut.popped_q ;
    wire [2:0]   place = \dut.popped_q + before_q;   // of the tracked instruction
    wire [4095:0] fifo = {\dut.fifo[7] , \dut.fifo[6] , \dut.fifo[5] , \dut.fifo[4] ,
                          \dut.fifo[3] , \dut.fifo[2] , \dut.fifo[1] , \dut.fifo[0] };
    wire [511:0] resting = fifo[place*512 +: 512];
    wire [511:0] partial = \dut.partial_q >> (512 - \dut.beat_q * Bits);   // beats 0 .. beat_q - 1

    always @* begin
        // What memory, decode and the registers keep to.
        assume (reset_q || !rst_ni);
        assume (!reset_q || clear_i || program_count_i == count_q);
        assume (!beat_i || coming_q != 0);
        assume (!pop_i || head_valid);
        if (reset_q && !clear_i) begin
            // The claim.
            assert (outstanding == (coming_q != 0));
            assert (head_valid == (whole_q != 0));
            assert (exhausted == (shown_q == count_q));
            assert (whole_q <= 8 && (!comes_whole || whole_q < 8));
            if (tracked_q && gathered_q && before_q == 0) assert (head_valid && head[beat_q*Bits +: Bits] == data_q);
            if (ar_valid) begin
                assert (ar_offset == program_addr_i + (asked_q << 6));
                assert (ar_beats != 0 && ar_beats <= 4 * Beats && asked_q + asked_insns <= count_q && asked_q < count_q);
                // Bursts begin at every fourth instruction and are cut by the end of the program only: so they end where burst_end says.
                assert (asked_q[1:0] == 0 && (asked_insns == 4 || asked_q + asked_insns == count_q));
            end
            if (beat_i) assert (burst_end == (comes_whole && (\dut.delivered_q % 4 == 3 || \dut.delivered_q + 1 == count_q)));
            // Why it holds.
            assert (\dut.requested_q == asked_q && \dut.popped_q == shown_q);
            assert (asked_q <= count_q && (asked_q[1:0] == 0 || asked_q == count_q));
            assert (held <= 8 && whole == whole_q && whole <= held && shown_q <= asked_q);
            assert (\dut.beat_q < Beats && coming_q == (held - whole) * Beats - \dut.beat_q );
            if (tracked_q) begin
                assert (gathered_q ? before_q < whole_q : before_q == whole_q);
                assert (beat_q < Beats && (gathered_q || beat_q < \dut.beat_q ));
                assert (data_q == (gathered_q ? resting[beat_q*Bits +: Bits] : partial[beat_q*Bits +: Bits]));
            end
        end
    end
endmodule
