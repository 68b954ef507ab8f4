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
    /* verilator lint_off UNUSEDSIGNAL */  // the high address bits of a small accumulator
    input  wire [15:0]        commit_addr_i,
    input  wire               commit_add_i,

    // from mac_array
    input  wire [32*Cols-1:0] sums_i,

    // from/to post: data in the cycle after post_acc_re_i, held until the next read
    input  wire               post_acc_re_i,
    input  wire [15:0]        post_acc_addr_i,
    /* verilator lint_on UNUSEDSIGNAL */
    output wire [32*Cols-1:0] post_acc_data_o
);
    localparam AddrBits = $clog2(AccRows);

    generate
        if (AccRows < 2 || AccRows > 65536 || AccRows != (1 << AddrBits)) begin : gen_check
            AccRows_must_be_a_power_of_two_from_2_to_65536 illegal ();
        end
    endgenerate

    reg [32*Cols-1:0] mem [0:AccRows-1] /* verilator public_flat_rw */;

    reg                commit_q;
    reg                add_q;
    reg [AddrBits-1:0] addr_q;
    reg [32*Cols-1:0]  before_q;  // the row as it was before this commit; used only when add_q
    reg [32*Cols-1:0]  row;       // the row after this commit
    reg [32*Cols-1:0]  post_q;

    wire [AddrBits-1:0] commit_addr = commit_addr_i[AddrBits-1:0];
    wire [AddrBits-1:0] post_addr   = post_acc_addr_i[AddrBits-1:0];

    integer c;
    always @* begin
        row = sums_i;
        if (commit_q && add_q)
            for (c = 0; c < Cols; c = c + 1) row[32*c +: 32] = before_q[32*c +: 32] + sums_i[32*c +: 32];
    end

    always @(posedge clk_i) begin
        if (!rst_ni) commit_q <= 1'b0;
        else         commit_q <= commit_i;
        if (commit_i) begin
            addr_q <= commit_addr;
            add_q  <= commit_add_i;
            if (commit_add_i) before_q <= commit_q && addr_q == commit_addr ? row : mem[commit_addr];
        end
        if (commit_q) mem[addr_q] <= row;
        if (post_acc_re_i) post_q <= mem[post_addr];
    end

    assign post_acc_data_o = post_q;
endmodule
