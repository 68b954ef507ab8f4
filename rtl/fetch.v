// fetch.v - reads the program from DRAM into a FIFO of 8 instructions.
//
// Three counts since START tell everything: instructions requested, delivered and popped. A burst is asked for only when all of it has
// room. Program and bursts are aligned so that no burst crosses 4 KiB. docs/machine.md, Fetch.
`default_nettype none

module fetch #(
    parameter integer AxiBytes = 16
) (
    input  wire                  clk_i,
    input  wire                  rst_ni,
    input  wire                  clear_i,          // START is accepted
    // from control and csr
    input  wire                  run_i,            // busy and no error
    input  wire [31:0]           program_addr_i,   // arena offset
    input  wire [31:0]           program_count_i,
    output wire                  outstanding_o,    // a beat is still to come
    output wire                  exhausted_o,      // decode has popped the whole program
    // AXI read
    output wire                  ar_valid_o,       // a burst is asked for
    output wire [31:0]           ar_offset_o,      // arena offset
    output wire [8:0]            ar_beats_o,
    input  wire                  ar_ready_i,       // it is accepted, if there is one
    input  wire                  beat_i,           // a beat of fetch arrived
    input  wire [8*AxiBytes-1:0] data_i,
    output wire                  burst_end_o,      // a beat now is the last of its burst
    // to decode
    output wire                  head_valid_o,     // a whole instruction is there
    output wire [511:0]          head_o,           // the oldest
    input  wire                  pop_i             // decode takes it
);

    localparam integer BeatsPerInsn = 64 / AxiBytes;
    localparam [4:0]   LastBeat     = BeatsPerInsn[4:0] - 5'd1;

    reg  [511:0] fifo [0:7];
    reg  [511:0] partial_q;  // the beats so far of the instruction being read, the newest at the top
    reg  [31:0]  requested_q, delivered_q, popped_q;
    reg  [4:0]   beat_q;     // of the instruction being read

    reg  [511:0] assembled;  // with the beat that arrives

    wire [31:0] rest  = program_count_i - requested_q;
    wire [2:0]  chunk = rest < 32'd4 ? rest[2:0] : 3'd4;
    wire [31:0] held  = requested_q - popped_q + {29'd0, chunk};
    wire        insn_complete = beat_i && beat_q == LastBeat;  // the beat is the last of an instruction

    assign ar_valid_o    = run_i && rest != 32'd0 && held <= 32'd8;
    assign ar_offset_o   = program_addr_i + {requested_q[25:0], 6'd0};
    assign ar_beats_o    = {6'd0, chunk} * BeatsPerInsn[8:0];
    assign outstanding_o = requested_q != delivered_q;
    assign exhausted_o   = popped_q == program_count_i;
    assign head_valid_o  = delivered_q != popped_q;
    assign head_o        = fifo[popped_q[2:0]];
    assign burst_end_o   = beat_q == LastBeat && (delivered_q[1:0] == 2'd3 || delivered_q + 32'd1 == program_count_i);

    /* verilator lint_off BLKSEQ */  // assembled is a name for what two registers get
    always @(posedge clk_i) begin
        if (beat_i) begin
            assembled = partial_q >> 8*AxiBytes;
            assembled[511 -: 8*AxiBytes] = data_i;
            partial_q <= assembled;
            if (insn_complete) fifo[delivered_q[2:0]] <= assembled;
        end
        if (!rst_ni || clear_i) begin
            requested_q <= 32'd0;
            delivered_q <= 32'd0;
            popped_q    <= 32'd0;
            beat_q      <= 5'd0;
        end else begin
            if (ar_valid_o && ar_ready_i) requested_q <= requested_q + {29'd0, chunk};
            if (insn_complete)            delivered_q <= delivered_q + 32'd1;
            if (pop_i)                    popped_q    <= popped_q + 32'd1;
            if (beat_i)                   beat_q      <= insn_complete ? 5'd0 : beat_q + 5'd1;
        end
    end
    /* verilator lint_on BLKSEQ */

endmodule

`default_nettype wire
