// load.v - LOAD: read bursts out of the front, beats into the scratchpad through the back.
//
// Both halves walk the same beats, the front by bursts and the back by beats as they arrive, so that no burst has to be remembered. The
// back never refuses a beat. docs/machine.md, Load.
`include "qmac_defs.vh"
`default_nettype none

module load #(
    parameter integer AxiBytes = 16
) (
    input  wire                  clk_i,
    input  wire                  rst_ni,
    input  wire                  clear_i,        // START is accepted
    // to queue and token
    input  wire                  front_valid_i,  // an instruction is queued and not started
    input  wire [511:0]          front_insn_i,   // the oldest such
    input  wire                  start_ok_i,     // no error is set, and the tokens that it waits for are there
    input  wire                  back_valid_i,   // one is started, also in this cycle, and not taken
    input  wire [511:0]          back_insn_i,    // the oldest such
    output wire                  start_o,        // the front starts its instruction
    output wire                  take_o,         // the back takes its instruction
    output wire                  end_o,          // the instruction of the back ends
    output wire [3:0]            end_signal_o,   // units that get a token of it
    output wire                  busy_o,         // something that was started is unfinished
    // AXI read
    output wire                  ar_valid_o,     // a burst is asked for
    output wire [31:0]           ar_offset_o,    // arena offset
    output wire [8:0]            ar_beats_o,
    input  wire                  ar_ready_i,     // it is accepted, if there is one: fetch drives no address
    input  wire                  beat_i,         // a beat of LOAD arrives
    input  wire [8*AxiBytes-1:0] data_i,
    output wire                  burst_end_o,    // a beat now is the last of its burst
    // to scratchpad
    output wire                  load_we_o,      // a beat is written
    output wire [23:0]           load_addr_o,
    output wire [8*AxiBytes-1:0] load_data_o,
    output wire [AxiBytes-1:0]   load_mask_o,    // bytes of it
    // to counters
    output wire                  beat_o,         // beat_i
    output wire                  wait_memory_o,  // an instruction is in the back
    output wire [15:0]           write_bytes_o
);

    reg        front_busy_q, back_busy_q;  // an instruction is in it
    reg  [3:0] signal_q;

    wire       burst_last, beat_last;      // it is the last of the instruction
    wire [6:0] beat_bytes;

    // What each half does not need of its walker.
    wire [23:0]         unused_front_addr;
    wire [AxiBytes-1:0] unused_front_mask;
    wire [6:0]          unused_front_bytes;
    wire                unused_front_end, unused_front_last;
    wire [31:0]         unused_back_offset;
    wire [8:0]          unused_back_beats;
    wire                unused_back_burst;

    segment #(.AxiBytes(AxiBytes)) front (
        .clk_i       (clk_i),
        .load_i      (start_o),
        .insn_i      (front_insn_i),
        .next_burst_i(ar_valid_o && ar_ready_i),
        .next_beat_i (1'b0),
        .offset_o    (ar_offset_o),
        .beats_o     (ar_beats_o),
        .last_burst_o(burst_last),
        .spad_addr_o (unused_front_addr),
        .mask_o      (unused_front_mask),
        .bytes_o     (unused_front_bytes),
        .burst_end_o (unused_front_end),
        .last_o      (unused_front_last)
    );

    segment #(.AxiBytes(AxiBytes)) back (
        .clk_i       (clk_i),
        .load_i      (take_o),
        .insn_i      (back_insn_i),
        .next_burst_i(1'b0),
        .next_beat_i (beat_i),
        .offset_o    (unused_back_offset),
        .beats_o     (unused_back_beats),
        .last_burst_o(unused_back_burst),
        .spad_addr_o (load_addr_o),
        .mask_o      (load_mask_o),
        .bytes_o     (beat_bytes),
        .burst_end_o (burst_end_o),
        .last_o      (beat_last)
    );

    assign start_o       = front_valid_i && start_ok_i && !front_busy_q;
    assign take_o        = back_valid_i && (!back_busy_q || end_o);
    assign end_o         = beat_i && beat_last;
    assign end_signal_o  = signal_q;
    assign busy_o        = front_busy_q || back_busy_q;   // a started one that is not taken waits for a busy back
    assign ar_valid_o    = front_busy_q;
    assign load_we_o     = beat_i;
    assign load_data_o   = data_i;
    assign beat_o        = beat_i;
    assign wait_memory_o = back_busy_q;
    assign write_bytes_o = beat_i ? {9'd0, beat_bytes} : 16'd0;

    always @(posedge clk_i) begin
        if (take_o) signal_q <= `QM_F_SIGNAL(back_insn_i);
        if (!rst_ni || clear_i) begin
            front_busy_q <= 1'b0;
            back_busy_q  <= 1'b0;
        end else begin
            if (start_o)                                     front_busy_q <= 1'b1;
            else if (ar_valid_o && ar_ready_i && burst_last) front_busy_q <= 1'b0;
            if (take_o)     back_busy_q <= 1'b1;
            else if (end_o) back_busy_q <= 1'b0;
        end
    end

endmodule

`default_nettype wire
