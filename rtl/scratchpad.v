// scratchpad - byte-addressed local memory with four read ports and two write ports that never wait for each other.
// A read gives the bytes addr, addr+1, ... one cycle later and holds them until the next read; addresses wrap modulo SpadBytes.
// A read sees every write of earlier cycles and none of its own cycle. When both ports write one byte, post wins.
// Stored as 32-bit words, so that a port moves whole words and shifts once (docs/decisions/rtl-scratchpad.md).
`default_nettype none

module scratchpad #(
    parameter Rows      = 16,
    parameter Cols      = 16,
    parameter SpadBytes = 262144,
    parameter AxiBytes  = 16
) (
    input  wire                  clk_i,

    // from/to matmul
    input  wire                  window_re_i,
    input  wire [23:0]           window_addr_i,
    output wire [8*Rows-1:0]     window_data_o,
    input  wire                  weight_re_i,
    input  wire [23:0]           weight_addr_i,
    output wire [8*Cols-1:0]     weight_data_o,

    // from/to post
    input  wire                  post_re_i,
    input  wire [23:0]           post_addr_i,
    output wire [8*Cols-1:0]     post_data_o,
    input  wire                  post_we_i,
    input  wire [23:0]           post_waddr_i,
    input  wire [8*Cols-1:0]     post_wdata_i,
    input  wire [Cols-1:0]       post_wmask_i,

    // from/to load, store
    input  wire                  load_we_i,
    input  wire [23:0]           load_addr_i,
    input  wire [8*AxiBytes-1:0] load_data_i,
    input  wire [AxiBytes-1:0]   load_mask_i,
    input  wire                  store_re_i,
    input  wire [23:0]           store_addr_i,
    output wire [8*AxiBytes-1:0] store_data_o
);
endmodule
