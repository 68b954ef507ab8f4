// scratchpad.v - byte-addressed local memory with five read ports and two write ports that never wait for each other.
//
// A read gives the bytes addr, addr+1, ... one cycle later and holds them until the next read; addresses wrap modulo SpadBytes.
// A read sees every write of earlier cycles and none of its own cycle. When both ports write one byte, post wins.
// Why bytes and not banks of words: docs/decisions/0005-scratchpad-as-bytes.md. docs/machine.md, Memories and ports.
`default_nettype none

module scratchpad #(
    parameter integer Rows      = 16,
    parameter integer Cols      = 16,
    parameter integer CellBytes = 2,  // that a cell takes in a cycle: 2, or 1 when no read is wide
    parameter integer SpadBytes = 262144,
    parameter integer AxiBytes  = 16
) (
    input  wire                  clk_i,
    /* verilator lint_off UNUSEDSIGNAL */  // the high address bits of a small scratchpad
    // to matmul
    input  wire                  window_re_i,    // matmul reads a row
    input  wire                  window_wide_i,  // of 2*Rows bytes; else of Rows, and the others stay
    input  wire [23:0]           window_addr_i,
    output wire [16*Rows-1:0]    window_data_o,
    input  wire                  weight_re_i,    // matmul reads a weight row
    input  wire                  weight_wide_i,  // of 2*Cols bytes; else of Cols, and the others stay
    input  wire [23:0]           weight_addr_i,
    output wire [16*Cols-1:0]    weight_data_o,
    // to post
    input  wire                  post_re_i,      // post reads
    input  wire [23:0]           post_addr_i,
    output wire [8*Cols-1:0]     post_data_o,
    input  wire                  operand_re_i,   // post reads a second operand
    input  wire [23:0]           operand_addr_i,
    output wire [8*Cols-1:0]     operand_data_o,
    input  wire                  post_we_i,      // post writes the bytes of the mask
    input  wire [23:0]           post_waddr_i,
    input  wire [8*Cols-1:0]     post_wdata_i,
    input  wire [Cols-1:0]       post_wmask_i,
    // to load, store
    input  wire                  load_we_i,      // load writes the bytes of the mask
    input  wire [23:0]           load_addr_i,
    input  wire [8*AxiBytes-1:0] load_data_i,
    input  wire [AxiBytes-1:0]   load_mask_i,
    input  wire                  store_re_i,     // store reads a beat
    input  wire [23:0]           store_addr_i,
    output wire [8*AxiBytes-1:0] store_data_o
    /* verilator lint_on UNUSEDSIGNAL */
);

    localparam integer AddrBits = $clog2(SpadBytes);

    generate
        if (SpadBytes < 1024 || SpadBytes > 16777216 || SpadBytes != (1 << AddrBits)) begin : gen_check
            SpadBytes_must_be_a_power_of_two_from_1024_to_16777216 illegal ();
        end
    endgenerate

    reg [7:0] mem [0:SpadBytes-1] /* verilator public_flat_rw */;

    wire [AddrBits-1:0] window_addr  = window_addr_i[AddrBits-1:0];
    wire [AddrBits-1:0] weight_addr  = weight_addr_i[AddrBits-1:0];
    wire [AddrBits-1:0] post_addr    = post_addr_i[AddrBits-1:0];
    wire [AddrBits-1:0] operand_addr = operand_addr_i[AddrBits-1:0];
    wire [AddrBits-1:0] store_addr   = store_addr_i[AddrBits-1:0];
    wire [AddrBits-1:0] load_addr    = load_addr_i[AddrBits-1:0];
    wire [AddrBits-1:0] post_waddr   = post_waddr_i[AddrBits-1:0];

    reg [8*CellBytes*Rows-1:0] window_q;
    reg [8*CellBytes*Cols-1:0] weight_q;
    reg [8*Cols-1:0]           post_q;
    reg [8*Cols-1:0]           operand_q;
    reg [8*AxiBytes-1:0]       store_q;

    // The sum has a width of its own: as a bare index, simulators do not agree on whether it wraps.
    function [AddrBits-1:0] byte_at(input [AddrBits-1:0] addr, input [AddrBits-1:0] lane);
        byte_at = addr + lane;
    endfunction

    // Only this block sees mem, and its reads stand before its writes: blocking assignments give the order that the head promises.
    /* verilator lint_off BLKSEQ */
    integer i;
    always @(posedge clk_i) begin
        if (window_re_i)
            for (i = 0; i < Rows; i = i + 1) window_q[8*i +: 8] <= mem[byte_at(window_addr, i[AddrBits-1:0])];
        if (window_re_i && window_wide_i)
            for (i = Rows; i < CellBytes*Rows; i = i + 1) window_q[8*i +: 8] <= mem[byte_at(window_addr, i[AddrBits-1:0])];
        if (weight_re_i)
            for (i = 0; i < Cols; i = i + 1) weight_q[8*i +: 8] <= mem[byte_at(weight_addr, i[AddrBits-1:0])];
        if (weight_re_i && weight_wide_i)
            for (i = Cols; i < CellBytes*Cols; i = i + 1) weight_q[8*i +: 8] <= mem[byte_at(weight_addr, i[AddrBits-1:0])];
        if (post_re_i)
            for (i = 0; i < Cols; i = i + 1) post_q[8*i +: 8] <= mem[byte_at(post_addr, i[AddrBits-1:0])];
        if (operand_re_i)
            for (i = 0; i < Cols; i = i + 1) operand_q[8*i +: 8] <= mem[byte_at(operand_addr, i[AddrBits-1:0])];
        if (store_re_i)
            for (i = 0; i < AxiBytes; i = i + 1) store_q[8*i +: 8] <= mem[byte_at(store_addr, i[AddrBits-1:0])];
        if (load_we_i)
            for (i = 0; i < AxiBytes; i = i + 1)
                if (load_mask_i[i]) mem[byte_at(load_addr, i[AddrBits-1:0])] = load_data_i[8*i +: 8];
        if (post_we_i)
            for (i = 0; i < Cols; i = i + 1)
                if (post_wmask_i[i]) mem[byte_at(post_waddr, i[AddrBits-1:0])] = post_wdata_i[8*i +: 8];
    end
    /* verilator lint_on BLKSEQ */

    generate
        if (CellBytes == 1) begin : gen_bytes
            assign window_data_o = {{8*Rows{1'b0}}, window_q};
            assign weight_data_o = {{8*Cols{1'b0}}, weight_q};
        end else begin : gen_pairs
            assign window_data_o = window_q;
            assign weight_data_o = weight_q;
        end
    endgenerate

    assign post_data_o    = post_q;
    assign operand_data_o = operand_q;
    assign store_data_o   = store_q;

endmodule

`default_nettype wire
