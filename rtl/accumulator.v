// accumulator - rows of Cols 32-bit sums; the array overwrites or adds one row a cycle, post reads one row a cycle.
// A commit is announced one cycle before its sums arrive, so that the old row is read from a synchronous memory; a row that is
// committed again in the next cycle takes the forwarded sums instead. A row committed in cycle t is seen by a read issued in t+1.
`default_nettype none

module accumulator #(
    parameter Cols    = 16,
    parameter AccRows = 1024
) (
    input  wire               clk_i,
    input  wire               rst_ni,

    // from matmul: commit_i in the cycle before sums_i holds the row's sums
    input  wire               commit_i,
    input  wire [15:0]        commit_addr_i,
    input  wire               commit_add_i,

    // from mac_array
    input  wire [32*Cols-1:0] sums_i,

    // from/to post: data in the cycle after post_acc_re_i, held until the next read
    input  wire               post_acc_re_i,
    input  wire [15:0]        post_acc_addr_i,
    output wire [32*Cols-1:0] post_acc_data_o
);
endmodule
