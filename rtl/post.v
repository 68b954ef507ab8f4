// post - requantizes, pools, adds and copies, one item a cycle (docs/machine.md, Post).
`default_nettype none
`include "qmac_defs.vh"

module post #(
    parameter Rows = 16,
    parameter Cols = 16
) (
    input  wire               clk_i,
    input  wire               rst_ni,
    input  wire               clear_i,             // START accepted

    // from/to queue, token
    input  wire               front_valid_i,
    input  wire [511:0]       front_insn_i,
    input  wire               start_ok_i,
    output wire               start_o,
    output wire               end_o,
    output wire [3:0]         end_signal_o,
    output wire               busy_o,

    // to counters
    output wire               row_o,
    output wire               param_o,
    output wire               drain_o,
    output wire [15:0]        read_bytes_o,
    output wire [15:0]        write_bytes_o,
    output wire [15:0]        acc_read_words_o,
    output wire [15:0]        requantize_o,
    output wire [15:0]        scale_o,
    output wire [15:0]        pool_o,

    // from/to scratchpad
    output wire               post_re_o,
    output wire [23:0]        post_addr_o,
    input  wire [8*Cols-1:0]  post_data_i,
    output wire               post_we_o,
    output wire [23:0]        post_waddr_o,
    output wire [8*Cols-1:0]  post_wdata_o,
    output wire [Cols-1:0]    post_wmask_o,

    // from/to accumulator
    output wire               post_acc_re_o,
    output wire [15:0]        post_acc_addr_o,
    input  wire [32*Cols-1:0] post_acc_data_i
);
endmodule
