// matmul - preloads weights and streams windows through the array (docs/machine.md, Matmul).
`default_nettype none
`include "qmac_defs.vh"

module matmul #(
    parameter Rows = 16,
    parameter Cols = 16
) (
    input  wire              clk_i,
    input  wire              rst_ni,
    input  wire              clear_i,              // START accepted

    // from/to queue, token
    input  wire              front_valid_i,
    input  wire [511:0]      front_insn_i,
    input  wire              start_ok_i,
    input  wire              back_valid_i,
    input  wire [511:0]      back_insn_i,
    output wire              start_o,
    output wire              take_o,
    output wire              end_o,
    output wire [3:0]        end_signal_o,
    output wire              busy_o,

    // to counters
    output wire              stream_o,
    output wire              wait_weights_o,
    output wire              drain_o,
    output wire [31:0]       macs_o,
    output wire [15:0]       stream_bytes_o,
    output wire [15:0]       weight_bytes_o,
    output wire [15:0]       acc_write_words_o,
    output wire [15:0]       acc_read_words_o,

    // from/to scratchpad
    output wire              window_re_o,
    output wire [23:0]       window_addr_o,
    input  wire [8*Rows-1:0] window_data_i,
    output wire              weight_re_o,
    output wire [23:0]       weight_addr_o,
    input  wire [8*Cols-1:0] weight_data_i,

    // to mac_array: what was read in the cycle before
    output wire              array_weight_valid_o,
    output wire              array_weight_buffer_o,
    output wire              array_weight_diagonal_o,
    output wire [7:0]        array_weight_row_o,
    output wire [8*Cols-1:0] array_weight_data_o,
    output wire              array_row_valid_o,
    output wire              array_row_buffer_o,
    output wire              array_row_unsigned_o,
    output wire [8*Rows-1:0] array_row_data_o,

    // to accumulator: commit_o in the cycle before the array gives the row's sums
    output wire              commit_o,
    output wire [15:0]       commit_addr_o,
    output wire              commit_add_o
);
endmodule
