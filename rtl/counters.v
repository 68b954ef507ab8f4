// counters.v - the 64-bit counters of spec/counters.def.
//
// Events add an amount in each busy cycle. Of each group of causes exactly one counts: the first in the order of the file that holds, so
// the last of a group always holds. Every signal stands at its index, so that the order is typed only in spec/. docs/machine.md, Causes.
`include "qmac_defs.vh"
`default_nettype none

module counters (
    input  wire        clk_i,
    input  wire        rst_ni,
    input  wire        clear_i,                      // START was accepted
    input  wire        busy_i,                       // the cycle counts
    // to csr: the value in the cycle after re_i, held until the next read
    input  wire        re_i,                         // a counter is read
    input  wire [5:0]  index_i,                      // beyond the last one the value is meaningless
    output wire [63:0] value_o,
    // from control
    input  wire        accept_i,                     // decode accepts an instruction
    // from the queues and units: bit u is unit u's
    input  wire [3:0]  start_i,                      // an instruction is started
    input  wire [3:0]  waiting_i,                    // an instruction is queued and not started
    // from load and the AXI port
    input  wire        load_beat_i,                  // a beat of LOAD arrives
    input  wire        load_wait_memory_i,           // an instruction is in the back
    input  wire [15:0] load_write_bytes_i,
    input  wire        fetch_beat_i,                 // a beat of fetch arrives
    // from matmul
    input  wire        matmul_stream_i,              // a row is issued
    input  wire        matmul_wait_weights_i,        // an instruction is in the back
    input  wire        matmul_drain_i,               // a row is on its way to the accumulator
    input  wire [31:0] matmul_macs_i,
    input  wire [31:0] matmul_macs_w4a8_i,
    input  wire [31:0] matmul_macs_w4a4_i,
    input  wire [15:0] matmul_row_sum_i,
    input  wire [15:0] matmul_stream_bytes_i,
    input  wire [15:0] matmul_weight_read_bytes_i,
    input  wire [15:0] matmul_weight_write_bytes_i,
    input  wire [15:0] matmul_acc_write_words_i,
    input  wire [15:0] matmul_acc_read_words_i,
    // from accumulator
    input  wire [15:0] acc_overflow_words_i,
    // from post
    input  wire        post_row_i,                   // an item is issued
    input  wire        post_param_i,                 // a read of parameters or table is issued
    input  wire        post_drain_i,                 // an instruction is unfinished
    input  wire [15:0] post_read_bytes_i,
    input  wire [15:0] post_write_bytes_i,
    input  wire [15:0] post_acc_read_words_i,
    input  wire [15:0] post_requantize_i,
    input  wire [15:0] post_scale_i,
    input  wire [15:0] post_pool_i,
    // from store
    input  wire        store_beat_i,                 // a beat is accepted
    input  wire        store_wait_memory_i,          // an instruction is unfinished
    input  wire [15:0] store_read_bytes_i
);

    localparam integer EventBits  = $clog2(`QM_EVENTS);
    localparam integer CauseBits  = $clog2(`QM_COUNTERS - `QM_EVENTS);
    localparam [5:0]   FirstCause = `QM_EVENTS;

    // A block sees its counters alone, and its read stands before its writes: hence blocking assignments. What is added is worked out at
    // the clock edge: as wires it would cost a simulator each time that a pin of the bus moves.
    reg [63:0] events [0:`QM_EVENTS-1];
    reg [63:0] causes [0:`QM_COUNTERS-`QM_EVENTS-1];
    reg [63:0] event_q, cause_q;  // what was read
    reg        is_cause_q;        // which of the two
    wire [5:0] cause_index = index_i - FirstCause;
    wire       unused_index = &{1'b0, cause_index[5:CauseBits]};

    assign value_o = is_cause_q ? cause_q : event_q;

    always @(posedge clk_i) if (re_i) is_cause_q <= index_i >= FirstCause;

    // What each event counter adds in this cycle.
    reg [31:0] amount [0:`QM_EVENTS-1];
    /* verilator lint_off BLKSEQ */
    integer e;
    always @(posedge clk_i) begin
        if (re_i) event_q <= events[index_i[EventBits-1:0]];
        if (!rst_ni || clear_i) begin
            for (e = 0; e < `QM_EVENTS; e = e + 1) events[e] = 64'd0;
        end else if (busy_i) begin
            amount[`QM_C_CYCLES          ] = 32'd1;
            amount[`QM_C_INSTRUCTIONS    ] = {31'd0, accept_i};
            amount[`QM_C_MACS            ] = matmul_macs_i;
            amount[`QM_C_MACS_W4A8       ] = matmul_macs_w4a8_i;
            amount[`QM_C_MACS_W4A4       ] = matmul_macs_w4a4_i;
            amount[`QM_C_ROW_SUM_OPS     ] = {16'd0, matmul_row_sum_i};
            amount[`QM_C_WEIGHT_WRITES   ] = {16'd0, matmul_weight_write_bytes_i};
            amount[`QM_C_STREAM_READS    ] = {16'd0, matmul_stream_bytes_i};
            amount[`QM_C_WEIGHT_READS    ] = {16'd0, matmul_weight_read_bytes_i};
            amount[`QM_C_POST_READS      ] = {16'd0, post_read_bytes_i};
            amount[`QM_C_POST_WRITES     ] = {16'd0, post_write_bytes_i};
            amount[`QM_C_LOAD_WRITES     ] = {16'd0, load_write_bytes_i};
            amount[`QM_C_STORE_READS     ] = {16'd0, store_read_bytes_i};
            amount[`QM_C_ACC_READS       ] = {16'd0, matmul_acc_read_words_i} + {16'd0, post_acc_read_words_i};
            amount[`QM_C_ACC_WRITES      ] = {16'd0, matmul_acc_write_words_i};
            amount[`QM_C_ACC_OVERFLOWS   ] = {16'd0, acc_overflow_words_i};
            amount[`QM_C_REQUANTIZE_OPS  ] = {16'd0, post_requantize_i};
            amount[`QM_C_SCALE_OPS       ] = {16'd0, post_scale_i};
            amount[`QM_C_POOL_OPS        ] = {16'd0, post_pool_i};
            amount[`QM_C_DRAM_READ_BEATS ] = {31'd0, load_beat_i};
            amount[`QM_C_DRAM_FETCH_BEATS] = {31'd0, fetch_beat_i};
            amount[`QM_C_DRAM_WRITE_BEATS] = {31'd0, store_beat_i};
            for (e = 0; e < `QM_EVENTS; e = e + 1) events[e] = events[e] + {32'd0, amount[e]};
        end
    end

    // Which causes hold, and the first of each group: its lowest set bit.
    reg [`QM_C_STORE_IDLE:`QM_C_LOAD_BEAT]            holds, first;
    reg [`QM_C_MACHINE_CONTROL:`QM_C_MACHINE_COMPUTE] machine;
    reg [`QM_COUNTERS-1:`QM_EVENTS]                   counts;
    reg [`QM_C_LOAD_IDLE:`QM_C_LOAD_BEAT]             load;
    reg [`QM_C_MATMUL_IDLE:`QM_C_MATMUL_STREAM]       matmul;
    reg [`QM_C_POST_IDLE:`QM_C_POST_ROW]              post;
    reg [`QM_C_STORE_IDLE:`QM_C_STORE_BEAT]           store;
    integer c;
    always @(posedge clk_i) begin
        if (re_i) cause_q <= causes[cause_index[CauseBits-1:0]];
        if (!rst_ni || clear_i) begin
            for (c = `QM_EVENTS; c < `QM_COUNTERS; c = c + 1) causes[c - `QM_EVENTS] = 64'd0;
        end else if (busy_i) begin
            holds[`QM_C_LOAD_BEAT]           = load_beat_i;
            holds[`QM_C_LOAD_WAIT_MEMORY]    = load_wait_memory_i;
            holds[`QM_C_LOAD_START]          = start_i[`QM_UNIT_LOAD];
            holds[`QM_C_LOAD_WAIT_TOKEN]     = waiting_i[`QM_UNIT_LOAD];
            holds[`QM_C_LOAD_IDLE]           = 1'b1;
            holds[`QM_C_MATMUL_STREAM]       = matmul_stream_i;
            holds[`QM_C_MATMUL_WAIT_WEIGHTS] = matmul_wait_weights_i;
            holds[`QM_C_MATMUL_DRAIN]        = matmul_drain_i;
            holds[`QM_C_MATMUL_START]        = start_i[`QM_UNIT_MATMUL];
            holds[`QM_C_MATMUL_WAIT_TOKEN]   = waiting_i[`QM_UNIT_MATMUL];
            holds[`QM_C_MATMUL_IDLE]         = 1'b1;
            holds[`QM_C_POST_ROW]            = post_row_i;
            holds[`QM_C_POST_PARAM]          = post_param_i;
            holds[`QM_C_POST_DRAIN]          = post_drain_i;
            holds[`QM_C_POST_START]          = start_i[`QM_UNIT_POST];
            holds[`QM_C_POST_WAIT_TOKEN]     = waiting_i[`QM_UNIT_POST];
            holds[`QM_C_POST_IDLE]           = 1'b1;
            holds[`QM_C_STORE_BEAT]          = store_beat_i;
            holds[`QM_C_STORE_WAIT_MEMORY]   = store_wait_memory_i;
            holds[`QM_C_STORE_START]         = start_i[`QM_UNIT_STORE];
            holds[`QM_C_STORE_WAIT_TOKEN]    = waiting_i[`QM_UNIT_STORE];
            holds[`QM_C_STORE_IDLE]          = 1'b1;

            load    = holds[`QM_C_LOAD_IDLE:`QM_C_LOAD_BEAT];
            matmul  = holds[`QM_C_MATMUL_IDLE:`QM_C_MATMUL_STREAM];
            post    = holds[`QM_C_POST_IDLE:`QM_C_POST_ROW];
            store   = holds[`QM_C_STORE_IDLE:`QM_C_STORE_BEAT];
            first[`QM_C_LOAD_IDLE:`QM_C_LOAD_BEAT]             = load & (~load + 1'b1);
            first[`QM_C_MATMUL_IDLE:`QM_C_MATMUL_STREAM]       = matmul & (~matmul + 1'b1);
            first[`QM_C_POST_IDLE:`QM_C_POST_ROW]              = post & (~post + 1'b1);
            first[`QM_C_STORE_IDLE:`QM_C_STORE_BEAT]           = store & (~store + 1'b1);

            machine[`QM_C_MACHINE_COMPUTE]   = first[`QM_C_MATMUL_STREAM];
            machine[`QM_C_MACHINE_POST]      = first[`QM_C_POST_ROW] || first[`QM_C_POST_PARAM];
            machine[`QM_C_MACHINE_WEIGHTS]   = first[`QM_C_MATMUL_WAIT_WEIGHTS];
            machine[`QM_C_MACHINE_DRAIN]     = first[`QM_C_MATMUL_DRAIN] || first[`QM_C_POST_DRAIN];
            machine[`QM_C_MACHINE_MEMORY]    = first[`QM_C_LOAD_BEAT] || first[`QM_C_LOAD_WAIT_MEMORY]
                                                || first[`QM_C_STORE_BEAT] || first[`QM_C_STORE_WAIT_MEMORY];
            machine[`QM_C_MACHINE_CONTROL]   = 1'b1;
            counts = {machine & (~machine + 1'b1), first};
            for (c = `QM_EVENTS; c < `QM_COUNTERS; c = c + 1) if (counts[c]) causes[c - `QM_EVENTS] = causes[c - `QM_EVENTS] + 64'd1;
        end
    end
    /* verilator lint_on BLKSEQ */

endmodule

`default_nettype wire
