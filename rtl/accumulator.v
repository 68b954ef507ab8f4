// accumulator.v - rows of Cols sums of AccBits bits; the array overwrites or adds one row a cycle, post reads one row a cycle.
//
// A commit is announced one cycle before its sums arrive, so that the old row is read from a synchronous memory; a row that is
// committed again in the next cycle takes the forwarded sums instead. A row committed in cycle t is seen by a read issued in t+1.
// A sum that does not fit wraps or saturates, and is counted. docs/machine.md, Memories and ports; Matmul.
`default_nettype none

module accumulator #(
    parameter integer Cols        = 16,
    parameter integer AccRows     = 1024,
    parameter integer AccBits     = 32,
    parameter integer AccSaturate = 0
) (
    input  wire               clk_i,
    input  wire               rst_ni,
    // from matmul: commit_i in the cycle before sums_i holds the row's sums
    input  wire               commit_i,            // a row is committed in the next cycle
    /* verilator lint_off UNUSEDSIGNAL */  // the high address bits of a small accumulator
    input  wire [15:0]        commit_addr_i,
    input  wire               commit_add_i,        // it is added, not overwritten
    input  wire [8:0]         commit_corrected_i,  // columns from which correction_i is subtracted
    // from mac_array, row_sum
    input  wire [32*Cols-1:0] sums_i,
    input  wire [31:0]        correction_i,
    // to counters
    output reg  [15:0]        overflow_words_o,
    // to post: data in the cycle after post_acc_re_i, held until the next read
    input  wire               post_acc_re_i,       // post reads a row
    input  wire [15:0]        post_acc_addr_i,
    /* verilator lint_on UNUSEDSIGNAL */
    output reg  [32*Cols-1:0] post_acc_data_o
);

    localparam integer AddrBits = $clog2(AccRows);

    generate
        if (AccRows < 2 || AccRows > 65536 || AccRows != (1 << AddrBits)) begin : gen_check
            AccRows_must_be_a_power_of_two_from_2_to_65536 illegal ();
        end
    endgenerate

    localparam [31:0] Most  = 32'h7fffffff >> (32 - AccBits);
    localparam [31:0] Least = ~Most;

    reg [AccBits*Cols-1:0] mem [0:AccRows-1] /* verilator public_flat_rw */;

    reg                    commit_q;  // sums_i are those of a row
    reg                    add_q;     // it is added to what was there
    reg [8:0]              corrected_q;
    reg [AddrBits-1:0]     addr_q;
    reg [AccBits*Cols-1:0] before_q;  // the row as it was before this commit; used only when add_q
    reg [AccBits*Cols-1:0] row;       // the row after this commit
    reg [AccBits*Cols-1:0] post_q;

    wire [AddrBits-1:0] commit_addr = commit_addr_i[AddrBits-1:0];
    wire [AddrBits-1:0] post_addr   = post_acc_addr_i[AddrBits-1:0];

    function [31:0] extend(input [AccBits-1:0] x);
        extend = {{33-AccBits{x[AccBits-1]}}, x[AccBits-2:0]};
    endfunction

    // What a step adds fits 32 bits; with what was there before it may need 33, so that the carry is looked at apart. Most rows have no sum
    // that does not fit: they are looked for in all lanes at once. Lane c has bits 32*c +: 32.
    reg [32*Cols-1:0] held;
    reg [32*Cols-1:0] step;
    reg [32*Cols-1:0] sum;
    reg [32*Cols-1:0] carried;  // bit 31 of a lane: the exact sum does not fit 32 bits; held and step have its sign
    reg [32*Cols-1:0] misfit;   // bit 31 of a lane: the sum does not fit AccBits
    reg [31:0]        misfits;  // bit 31: one of them does not

    integer c;
    always @* begin
        misfits = 32'd0;
        held    = 0;
        step    = sums_i;
        if (add_q)
            for (c = 0; c < Cols; c = c + 1) held[32*c +: 32] = extend(before_q[AccBits*c +: AccBits]);
        if (corrected_q != 9'd0)
            for (c = 0; c < Cols; c = c + 1)
                if (c[8:0] < corrected_q) step[32*c +: 32] = step[32*c +: 32] - correction_i;
        for (c = 0; c < Cols; c = c + 1) sum[32*c +: 32] = held[32*c +: 32] + step[32*c +: 32];
        carried = (held ^ sum) & (step ^ sum);
        misfit  = carried;
        for (c = 0; c < Cols; c = c + 1) begin
            if (extend(sum[32*c +: AccBits]) != sum[32*c +: 32]) misfit[32*c + 31] = 1'b1;
            misfits = misfits | misfit[32*c +: 32];
            row[AccBits*c +: AccBits] = sum[32*c +: AccBits];
        end
        overflow_words_o = 16'd0;
        if (commit_q && misfits[31])
            for (c = 0; c < Cols; c = c + 1)
                if (misfit[32*c + 31]) begin
                    overflow_words_o = overflow_words_o + 16'd1;
                    if (AccSaturate != 0)
                        row[AccBits*c +: AccBits] = sum[32*c + 31] != carried[32*c + 31] ? Least[AccBits-1:0] : Most[AccBits-1:0];
                end
    end

    always @(posedge clk_i) begin
        if (!rst_ni) commit_q <= 1'b0;
        else         commit_q <= commit_i;
        if (commit_i) begin
            addr_q <= commit_addr;
            add_q  <= commit_add_i;
            corrected_q <= commit_corrected_i;
            if (commit_add_i) before_q <= commit_q && addr_q == commit_addr ? row : mem[commit_addr];
        end
        if (commit_q) mem[addr_q] <= row;
        if (post_acc_re_i) post_q <= mem[post_addr];
    end

    integer p;
    always @*
        for (p = 0; p < Cols; p = p + 1) post_acc_data_o[32*p +: 32] = extend(post_q[AccBits*p +: AccBits]);

endmodule

`default_nettype wire
