// store.v - STORE: write bursts, one at a time, and the count of their responses.
//
// A beat is read from the scratchpad in the cycle before it can first be offered: when the address is accepted, or with the
// beat before it. docs/machine.md, Store.
`include "qmac_defs.vh"
`default_nettype none

module store #(
    parameter integer AxiBytes = 16
) (
    input  wire                clk_i,
    input  wire                rst_ni,
    input  wire                clear_i,        // START is accepted
    // to queue and token
    input  wire                front_valid_i,  // an instruction is queued and not started
    input  wire [511:0]        front_insn_i,   // the oldest such
    input  wire                start_ok_i,     // no error is set, and the tokens that it waits for are there
    output wire                start_o,        // the front starts its instruction
    output wire                end_o,          // the last response arrives
    output wire [3:0]          end_signal_o,   // units that get a token of it
    output wire                busy_o,         // something that was started is unfinished
    // AXI write
    output wire                aw_valid_o,     // a burst is asked for
    output wire [31:0]         aw_offset_o,    // arena offset
    output wire [8:0]          aw_beats_o,
    input  wire                aw_ready_i,     // it is accepted, if there is one
    output wire                w_valid_o,      // a beat is offered
    output wire [AxiBytes-1:0] w_strobe_o,
    output wire                w_last_o,       // it is the last of its burst
    input  wire                w_ready_i,      // it is accepted, if there is one
    input  wire                response_i,     // a burst is written
    // to scratchpad; its data are the beat's
    output wire                store_re_o,     // a beat is read
    output wire [23:0]         store_addr_o,
    // to counters
    output wire                beat_o,         // a beat is accepted
    output wire                wait_memory_o,  // an instruction is unfinished
    output wire [15:0]         read_bytes_o
);

    localparam [1:0] IDLE = 2'd0, ADDRESS = 2'd1, DATA = 2'd2, RESPONSE = 2'd3;

    reg  [1:0]  state_q;
    reg  [31:0] pending_q;         // bursts without a response
    reg  [3:0]  signal_q;

    wire        address = aw_valid_o && aw_ready_i;  // a burst is accepted
    wire        beat    = w_valid_o && w_ready_i;    // a beat is accepted
    wire        beat_last;  // the beat is the last of the instruction
    wire [6:0]  beat_bytes;
    wire [23:0] beat_addr;
    wire        unused_last_burst;

    segment #(.AxiBytes(AxiBytes)) walker (
        .clk_i       (clk_i),
        .load_i      (start_o),
        .insn_i      (front_insn_i),
        .next_burst_i(1'b0),
        .next_beat_i (beat),
        .offset_o    (aw_offset_o),
        .beats_o     (aw_beats_o),
        .last_burst_o(unused_last_burst),
        .spad_addr_o (beat_addr),
        .mask_o      (w_strobe_o),
        .bytes_o     (beat_bytes),
        .burst_end_o (w_last_o),
        .last_o      (beat_last)
    );

    assign start_o       = front_valid_i && start_ok_i && state_q == IDLE;
    assign end_o         = state_q == RESPONSE && response_i && pending_q == 32'd1;
    assign end_signal_o  = signal_q;
    assign busy_o        = state_q != IDLE;
    assign aw_valid_o    = state_q == ADDRESS;
    assign w_valid_o     = state_q == DATA;
    assign store_re_o    = address || (beat && !w_last_o);
    assign store_addr_o  = address ? beat_addr : beat_addr + AxiBytes[23:0];
    assign beat_o        = beat;
    assign wait_memory_o = busy_o;
    assign read_bytes_o  = beat ? {9'd0, beat_bytes} : 16'd0;

    always @(posedge clk_i) begin
        if (start_o) signal_q <= `QM_F_SIGNAL(front_insn_i);
        if (!rst_ni || clear_i) begin
            state_q   <= IDLE;
            pending_q <= 32'd0;
        end else begin
            pending_q <= pending_q + {31'd0, address} - {31'd0, response_i};
            case (state_q)
                IDLE:    if (start_o) state_q <= ADDRESS;
                ADDRESS: if (address) state_q <= DATA;
                DATA:    if (beat && w_last_o) state_q <= beat_last ? RESPONSE : ADDRESS;
                default: if (end_o) state_q <= IDLE;
            endcase
        end
    end

endmodule

`default_nettype wire
