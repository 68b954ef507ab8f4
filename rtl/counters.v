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
    // to csr
    input  wire [5:0]  index_i,                      // below QM_COUNTERS
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

    // What each event counter adds in this cycle.
    wire [32*`QM_EVENTS-1:0] amount;
    assign amount[32*`QM_C_CYCLES           +: 32] = 32'd1;
    assign amount[32*`QM_C_INSTRUCTIONS     +: 32] = {31'd0, accept_i};
    assign amount[32*`QM_C_MACS             +: 32] = matmul_macs_i;
    assign amount[32*`QM_C_MACS_W4A8        +: 32] = matmul_macs_w4a8_i;
    assign amount[32*`QM_C_MACS_W4A4        +: 32] = matmul_macs_w4a4_i;
    assign amount[32*`QM_C_ROW_SUM_OPS      +: 32] = {16'd0, matmul_row_sum_i};
    assign amount[32*`QM_C_WEIGHT_WRITES    +: 32] = {16'd0, matmul_weight_write_bytes_i};
    assign amount[32*`QM_C_STREAM_READS     +: 32] = {16'd0, matmul_stream_bytes_i};
    assign amount[32*`QM_C_WEIGHT_READS     +: 32] = {16'd0, matmul_weight_read_bytes_i};
    assign amount[32*`QM_C_POST_READS       +: 32] = {16'd0, post_read_bytes_i};
    assign amount[32*`QM_C_POST_WRITES      +: 32] = {16'd0, post_write_bytes_i};
    assign amount[32*`QM_C_LOAD_WRITES      +: 32] = {16'd0, load_write_bytes_i};
    assign amount[32*`QM_C_STORE_READS      +: 32] = {16'd0, store_read_bytes_i};
    assign amount[32*`QM_C_ACC_READS        +: 32] = {16'd0, matmul_acc_read_words_i} + {16'd0, post_acc_read_words_i};
    assign amount[32*`QM_C_ACC_WRITES       +: 32] = {16'd0, matmul_acc_write_words_i};
    assign amount[32*`QM_C_ACC_OVERFLOWS    +: 32] = {16'd0, acc_overflow_words_i};
    assign amount[32*`QM_C_REQUANTIZE_OPS   +: 32] = {16'd0, post_requantize_i};
    assign amount[32*`QM_C_SCALE_OPS        +: 32] = {16'd0, post_scale_i};
    assign amount[32*`QM_C_POOL_OPS         +: 32] = {16'd0, post_pool_i};
    assign amount[32*`QM_C_DRAM_READ_BEATS  +: 32] = {31'd0, load_beat_i};
    assign amount[32*`QM_C_DRAM_FETCH_BEATS +: 32] = {31'd0, fetch_beat_i};
    assign amount[32*`QM_C_DRAM_WRITE_BEATS +: 32] = {31'd0, store_beat_i};

    // Which causes hold.
    wire [`QM_C_STORE_IDLE:`QM_C_LOAD_BEAT] holds, first;
    wire [`QM_C_MACHINE_CONTROL:`QM_C_MACHINE_COMPUTE] machine;
    assign holds[`QM_C_LOAD_BEAT]           = load_beat_i;
    assign holds[`QM_C_LOAD_WAIT_MEMORY]    = load_wait_memory_i;
    assign holds[`QM_C_LOAD_START]          = start_i[`QM_UNIT_LOAD];
    assign holds[`QM_C_LOAD_WAIT_TOKEN]     = waiting_i[`QM_UNIT_LOAD];
    assign holds[`QM_C_LOAD_IDLE]           = 1'b1;
    assign holds[`QM_C_MATMUL_STREAM]       = matmul_stream_i;
    assign holds[`QM_C_MATMUL_WAIT_WEIGHTS] = matmul_wait_weights_i;
    assign holds[`QM_C_MATMUL_DRAIN]        = matmul_drain_i;
    assign holds[`QM_C_MATMUL_START]        = start_i[`QM_UNIT_MATMUL];
    assign holds[`QM_C_MATMUL_WAIT_TOKEN]   = waiting_i[`QM_UNIT_MATMUL];
    assign holds[`QM_C_MATMUL_IDLE]         = 1'b1;
    assign holds[`QM_C_POST_ROW]            = post_row_i;
    assign holds[`QM_C_POST_PARAM]          = post_param_i;
    assign holds[`QM_C_POST_DRAIN]          = post_drain_i;
    assign holds[`QM_C_POST_START]          = start_i[`QM_UNIT_POST];
    assign holds[`QM_C_POST_WAIT_TOKEN]     = waiting_i[`QM_UNIT_POST];
    assign holds[`QM_C_POST_IDLE]           = 1'b1;
    assign holds[`QM_C_STORE_BEAT]          = store_beat_i;
    assign holds[`QM_C_STORE_WAIT_MEMORY]   = store_wait_memory_i;
    assign holds[`QM_C_STORE_START]         = start_i[`QM_UNIT_STORE];
    assign holds[`QM_C_STORE_WAIT_TOKEN]    = waiting_i[`QM_UNIT_STORE];
    assign holds[`QM_C_STORE_IDLE]          = 1'b1;
    assign machine[`QM_C_MACHINE_COMPUTE]   = first[`QM_C_MATMUL_STREAM];
    assign machine[`QM_C_MACHINE_POST]      = first[`QM_C_POST_ROW] || first[`QM_C_POST_PARAM];
    assign machine[`QM_C_MACHINE_WEIGHTS]   = first[`QM_C_MATMUL_WAIT_WEIGHTS];
    assign machine[`QM_C_MACHINE_DRAIN]     = first[`QM_C_MATMUL_DRAIN] || first[`QM_C_POST_DRAIN];
    assign machine[`QM_C_MACHINE_MEMORY]    = first[`QM_C_LOAD_BEAT] || first[`QM_C_LOAD_WAIT_MEMORY]
                                           || first[`QM_C_STORE_BEAT] || first[`QM_C_STORE_WAIT_MEMORY];
    assign machine[`QM_C_MACHINE_CONTROL]   = 1'b1;

    // The first of each group: its lowest set bit.
    wire [`QM_COUNTERS-1:`QM_EVENTS] counts;
    wire [`QM_C_LOAD_IDLE:`QM_C_LOAD_BEAT]           load    = holds[`QM_C_LOAD_IDLE:`QM_C_LOAD_BEAT];
    wire [`QM_C_MATMUL_IDLE:`QM_C_MATMUL_STREAM]     matmul  = holds[`QM_C_MATMUL_IDLE:`QM_C_MATMUL_STREAM];
    wire [`QM_C_POST_IDLE:`QM_C_POST_ROW]            post    = holds[`QM_C_POST_IDLE:`QM_C_POST_ROW];
    wire [`QM_C_STORE_IDLE:`QM_C_STORE_BEAT]         store   = holds[`QM_C_STORE_IDLE:`QM_C_STORE_BEAT];
    assign first[`QM_C_LOAD_IDLE:`QM_C_LOAD_BEAT]             = load & (~load + 1'b1);
    assign first[`QM_C_MATMUL_IDLE:`QM_C_MATMUL_STREAM]       = matmul & (~matmul + 1'b1);
    assign first[`QM_C_POST_IDLE:`QM_C_POST_ROW]              = post & (~post + 1'b1);
    assign first[`QM_C_STORE_IDLE:`QM_C_STORE_BEAT]           = store & (~store + 1'b1);
    assign counts                                             = {machine & (~machine + 1'b1), first};

    reg [63:0] value_q [0:`QM_COUNTERS-1];
    assign value_o = value_q[index_i];

    integer i;
    always @(posedge clk_i) begin
        if (!rst_ni || clear_i) begin
            for (i = 0; i < `QM_COUNTERS; i = i + 1) value_q[i] <= 64'd0;
        end else if (busy_i) begin
            for (i = 0; i < `QM_EVENTS; i = i + 1) value_q[i] <= value_q[i] + {32'd0, amount[32*i +: 32]};
            for (i = `QM_EVENTS; i < `QM_COUNTERS; i = i + 1) if (counts[i]) value_q[i] <= value_q[i] + 64'd1;
        end
    end

endmodule

`default_nettype wire
