// segment.v - walks the beats of one LOAD or STORE: plane by plane, row by row, burst by burst.
//
// The position is the arena offset of a beat. A row [a, e) begins at a rounded down to a beat; a burst ends at the next multiple of 1024 or
// at e. The user goes on by bursts (addresses) or by beats (data), never both in one cycle. docs/machine.md, Load.
`include "qmac_defs.vh"
`default_nettype none

module segment #(
    parameter integer AxiBytes = 16
) (
    input  wire                clk_i,
    // from the unit
    input  wire                load_i,        // begin insn_i; the first position shows in the next cycle
    input  wire [511:0]        insn_i,        // LOAD or STORE, checked
    input  wire                next_burst_i,  // go on to the next burst
    input  wire                next_beat_i,   // go on to the next beat
    // the burst that begins at the position
    output wire [31:0]         offset_o,      // arena offset
    output wire [8:0]          beats_o,
    output wire                last_burst_o,  // of the instruction
    // the beat at the position
    output wire [23:0]         spad_addr_o,   // scratchpad address of its byte 0
    output wire [AxiBytes-1:0] mask_o,        // bytes that belong to the row
    output wire [6:0]          bytes_o,       // how many
    output wire                burst_end_o,   // it is the last of its burst
    output wire                last_o         // it is the last of the instruction
);

    localparam integer Lane      = $clog2(AxiBytes);
    localparam [6:0]   BeatBytes = AxiBytes[6:0];

    reg [31:0] dram_row_stride_q, dram_plane_stride_q;
    reg [23:0] spad_row_stride_q, spad_plane_stride_q, row_bytes_q;
    reg [15:0] row_count_q;
    reg [31:0] plane_dram_q, row_dram_q, position_q;
    reg [23:0] plane_spad_q, row_spad_q;
    reg [15:0] rows_left_q, planes_left_q;  // counting the one at the position

    // The row, its burst and its beat: where each ends. 33 bits: an end can be 2^32.
    wire [32:0] row_end   = {1'b0, row_dram_q} + {9'd0, row_bytes_q};
    wire [32:0] burst_cut = {{1'b0, position_q[31:10]} + 23'd1, 10'd0};
    wire [32:0] beat_cut  = {1'b0, position_q} + {26'd0, BeatBytes};
    wire        burst_ends_row = burst_cut >= row_end;  // the burst goes to the end of the row
    wire        beat_ends_row  = beat_cut >= row_end;   // the beat does
    wire [32:0] burst_bytes = (burst_ends_row ? row_end + {26'd0, BeatBytes - 7'd1} : burst_cut) - {1'b0, position_q};

    // The beat's bytes of the row: [head, tail).
    wire        row_begins = position_q[31:Lane] == row_dram_q[31:Lane];  // the beat is the first of the row
    wire [6:0]  head = row_begins ? {{(7-Lane){1'b0}}, row_dram_q[Lane-1:0]} : 7'd0;
    wire [32:0] row_rest = row_end - {1'b0, position_q};
    wire [6:0]  tail = beat_ends_row ? row_rest[6:0] : BeatBytes;
    wire [AxiBytes-1:0] ones = {AxiBytes{1'b1}};

    wire last_row   = rows_left_q == 16'd1;
    wire last_plane = planes_left_q == 16'd1;

    assign offset_o     = position_q;
    assign beats_o      = burst_bytes[Lane +: 9];
    assign last_burst_o = burst_ends_row && last_row && last_plane;
    assign spad_addr_o  = row_spad_q + position_q[23:0] - row_dram_q[23:0];
    assign mask_o       = (ones << head) & (ones >> (BeatBytes - tail));
    assign bytes_o      = tail - head;
    assign burst_end_o  = beat_ends_row || beat_cut == burst_cut;
    assign last_o       = beat_ends_row && last_row && last_plane;

    wire        row_done   = next_burst_i ? burst_ends_row : next_beat_i && beat_ends_row;  // the next position is in another row
    wire [31:0] next_dram  = last_row ? plane_dram_q + dram_plane_stride_q : row_dram_q + dram_row_stride_q;
    wire [23:0] next_spad  = last_row ? plane_spad_q + spad_plane_stride_q : row_spad_q + spad_row_stride_q;

    wire [31:0] first_dram = `QM_F_DRAM_ADDR(insn_i);

    always @(posedge clk_i) begin
        if (load_i) begin
            row_bytes_q         <= `QM_F_ROW_BYTES(insn_i);
            row_count_q         <= `QM_F_ROW_COUNT(insn_i);
            dram_row_stride_q   <= `QM_F_DRAM_ROW_STRIDE(insn_i);
            dram_plane_stride_q <= `QM_F_DRAM_PLANE_STRIDE(insn_i);
            spad_row_stride_q   <= `QM_F_SPAD_ROW_STRIDE(insn_i);
            spad_plane_stride_q <= `QM_F_SPAD_PLANE_STRIDE(insn_i);
            position_q          <= {first_dram[31:Lane], {Lane{1'b0}}};
            row_dram_q          <= first_dram;
            plane_dram_q        <= first_dram;
            row_spad_q          <= `QM_F_SPAD_ADDR(insn_i);
            plane_spad_q        <= `QM_F_SPAD_ADDR(insn_i);
            rows_left_q         <= `QM_F_ROW_COUNT(insn_i);
            planes_left_q       <= `QM_F_PLANE_COUNT(insn_i);
        end else if (row_done) begin
            position_q  <= {next_dram[31:Lane], {Lane{1'b0}}};
            row_dram_q  <= next_dram;
            row_spad_q  <= next_spad;
            rows_left_q <= last_row ? row_count_q : rows_left_q - 16'd1;
            if (last_row) begin
                plane_dram_q  <= next_dram;
                plane_spad_q  <= next_spad;
                planes_left_q <= planes_left_q - 16'd1;
            end
        end else if (next_burst_i) begin
            position_q <= burst_cut[31:0];
        end else if (next_beat_i) begin
            position_q <= beat_cut[31:0];
        end
    end

    wire unused = &{1'b0, insn_i, burst_bytes, row_rest};

endmodule

`default_nettype wire
