// queue - an instruction queue never overflows, never gives what it has not, and loses, doubles or reorders nothing.
// Any one instruction is tracked: how many before it have yet to be started and to be taken. When that is none, the front and the back show
// exactly it. That decode and the units keep the rules of the ports is assumed here.
`default_nettype none

module queue_proof #(
    parameter Depth = 8,
    parameter Width = 4
) (
    input wire         clk_i,
    input wire         rst_ni,
    input wire         clear_i,
    input wire         push_i,
    input wire [Width-1:0] insn_i,
    input wire         start_i,
    input wire         take_i,
    input wire         track_i    // follow the instruction that is pushed now
);
    localparam Bits = $clog2(Depth);

    wire         full, empty, front_valid, back_valid;
    wire [Width-1:0] front_insn, back_insn;
    (* hierconn *) wire [Bits:0] \dut.pushed_q ;
    (* hierconn *) wire [Bits:0] \dut.started_q ;
    (* hierconn *) wire [Bits:0] \dut.taken_q ;

    reg         reset_q   = 1'b0;  // has been reset
    reg         tracked_q = 1'b0;  // the tracked instruction is in the queue
    reg         begun_q;           // and has been started
    reg [Width-1:0] insn_q;
    reg signed [Bits+1:0] held_q;            // instructions in the queue, and those of them that were not started
    reg signed [Bits+1:0] waiting_q;
    reg signed [Bits+1:0] to_start_q;        // instructions before the tracked one
    reg signed [Bits+1:0] to_take_q;

    wire [Bits-1:0] place = \dut.taken_q + to_take_q;   // of the tracked instruction

    // The queue's memory, a register a slot; those beyond Depth do not exist.
    (* hierconn *) wire [Width-1:0] \dut.slots[0] , \dut.slots[1] , \dut.slots[2] , \dut.slots[3] ;
    (* hierconn *) wire [Width-1:0] \dut.slots[4] , \dut.slots[5] , \dut.slots[6] , \dut.slots[7] ;
    wire [8*Width-1:0] slots = {\dut.slots[7] , \dut.slots[6] , \dut.slots[5] , \dut.slots[4] ,
                                \dut.slots[3] , \dut.slots[2] , \dut.slots[1] , \dut.slots[0] };
    wire [Width-1:0]   resting = slots[place*Width +: Width];

    queue #(.Depth(Depth), .Width(Width)) dut (
        .clk_i        (clk_i),
        .rst_ni       (rst_ni),
        .clear_i      (clear_i),
        .push_i       (push_i),
        .insn_i       (insn_i),
        .full_o       (full),
        .empty_o      (empty),
        .front_valid_o(front_valid),
        .front_insn_o (front_insn),
        .start_i      (start_i),
        .back_valid_o (back_valid),
        .back_insn_o  (back_insn),
        .take_i       (take_i)
    );

    wire track = push_i && track_i && !tracked_q;
    wire leave = take_i && tracked_q && to_take_q == 0;

    always @(posedge clk_i) begin
        if (!rst_ni || clear_i) begin
            reset_q   <= 1'b1;
            tracked_q <= 1'b0;
            held_q    <= 0;
            waiting_q <= 0;
        end else begin
            held_q    <= held_q + push_i - take_i;
            waiting_q <= waiting_q + push_i - start_i;
            if (track) insn_q <= insn_i;
            tracked_q  <= track || (tracked_q && !leave);
            begun_q    <= !track && (begun_q || (start_i && to_start_q == 0));
            to_start_q <= track ? waiting_q - start_i : to_start_q - (start_i && to_start_q != 0);
            to_take_q  <= track ? held_q - take_i : to_take_q - take_i;
        end
    end

    function signed [Bits+1:0] pointer_distance(input [Bits:0] pointer);
        reg [Bits:0] distance;
        begin
            distance = \dut.pushed_q - pointer;
            pointer_distance = distance;
        end
    endfunction

    always @* begin
        // What decode and the units keep to.
        assume (reset_q || !rst_ni);
        assume (!push_i || !full);
        assume (!start_i || front_valid);
        assume (!take_i || back_valid);
        if (reset_q) begin
            // The claim.
            assert (full == (held_q == Depth));
            assert (empty == (held_q == 0));
            assert (front_valid == (waiting_q != 0));
            assert (back_valid == (held_q != waiting_q || start_i));
            assert (held_q >= 0 && held_q <= Depth && waiting_q >= 0 && waiting_q <= held_q);
            if (tracked_q && !begun_q && to_start_q == 0) assert (front_valid && front_insn == insn_q);
            if (tracked_q && to_take_q == 0) assert (!empty && back_insn == insn_q);
            if (tracked_q && to_take_q == 0 && !begun_q) assert (to_start_q == 0);   // taken after it was started
            // Why it holds: the counts are differences of the pointers, and the tracked instruction rests in its slot.
            assert (pointer_distance(\dut.taken_q ) == held_q);
            assert (pointer_distance(\dut.started_q ) == waiting_q);
            if (tracked_q) begin
                assert (to_take_q >= 0 && to_take_q < held_q);
                assert (resting == insn_q);
                if (begun_q) assert (to_take_q < held_q - waiting_q);
                else assert (to_start_q >= 0 && to_start_q < waiting_q && to_take_q - to_start_q == held_q - waiting_q);
            end
        end
    end
endmodule
