// post_walk.v - the order in which post issues: table; tile { parameters; oy { ox { ky { kx { piece }}}}}, one issue a cycle.
//
// An opcode that lacks a level passes through it once. ADD has pieces only; the pieces of REQUANTIZE are the cycles in which a row is
// written. The second operand of both is walked with the output. The first issue is in the cycle after start_i. docs/machine.md, Post.
`include "qmac_defs.vh"
`default_nettype none

module post_walk #(
    parameter integer Rows = 16,
    parameter integer Cols = 16
) (
    input  wire               clk_i,
    input  wire               rst_ni,
    input  wire               clear_i,        // START is accepted
    // from post
    /* verilator lint_off UNUSEDSIGNAL */  // not all fields are about the order
    input  wire               start_i,        // an instruction starts
    input  wire [511:0]       start_insn_i,   // it, in the cycle of start_i
    input  wire [511:0]       insn_i,         // it, after that cycle
    /* verilator lint_on UNUSEDSIGNAL */
    // to post
    output wire               table_o,        // a read of the lookup table
    output wire [7:0]         table_index_o,
    output wire               param_o,        // a parameter read
    output wire [3:0]         param_index_o,
    output wire               item_o,         // anything else
    output wire               first_o,        // first item of an output (REQUANTIZE: of a row)
    output wire               output_o,       // something is written for this item
    output wire               last_o,         // last item of the instruction
    output wire [8:0]         n_o,            // elements of the item; bytes of a table read
    output wire [8:0]         bytes_o,        // to write for it
    output wire signed [33:0] x_o,            // window coordinates (POOL, COPY)
    output wire signed [25:0] y_o,
    output wire [23:0]        addr_o,         // scratchpad address (ADD, table, parameters)
    output wire [23:0]        operand_addr_o, // of the second operand (ADD, REQUANTIZE with a residual)
    output wire [23:0]        out_addr_o,     // of the output
    output wire [15:0]        acc_addr_o      // accumulator row (REQUANTIZE)
);

    localparam integer Narrow    = Rows < Cols ? Rows : Cols;
    localparam [23:0]  PieceMax  = {8'd0, Cols[15:0]};
    localparam [15:0]  TileMax   = Cols[15:0];
    localparam [15:0]  NarrowMax = Narrow[15:0];
    localparam [3:0]   ParamRows = `QM_PARAMETER_BYTES;
    localparam [8:0]   TableSize = `QM_TABLE_BYTES;
    localparam [10:0]  RowMax    = Cols[10:0];

    wire requantizing = `QM_F_OPCODE(insn_i) == `QM_OP_REQUANTIZE;
    wire adding       = `QM_F_OPCODE(insn_i) == `QM_OP_ADD;
    wire copying      = `QM_F_OPCODE(insn_i) == `QM_OP_COPY;
    wire start_adds   = `QM_F_OPCODE(start_insn_i) == `QM_OP_ADD;
    wire start_params = `QM_F_OPCODE(start_insn_i) == `QM_OP_REQUANTIZE;
    wire start_table  = start_params && `QM_F_LOOKUP(start_insn_i) == `QM_LOOKUP_TABLE;

    // ---- Where the walk stands ----
    reg         walking_q;        // something is still to be issued
    reg  [8:0]  table_left_q;     // bytes
    reg  [7:0]  table_index_q;
    reg  [3:0]  params_left_q;
    reg  [1:0]  row_piece_q;      // REQUANTIZE: cycles of the row that were issued
    reg         tap_q;            // an item of this output was issued
    reg  [15:0] channels_left_q;  // from the current tile on
    reg  [15:0] oy_left_q;        // after the current one
    reg  [15:0] ox_left_q;
    reg  [7:0]  ky_left_q;
    reg  [7:0]  kx_left_q;
    reg  [23:0] run_left_q;       // bytes from the current piece on (ADD: elements)

    wire [15:0] tile_max = requantizing && `QM_F_DEPTHWISE(insn_i) ? NarrowMax : TileMax;
    wire [8:0]  tile_n   = channels_left_q < tile_max ? channels_left_q[8:0] : tile_max[8:0];
    wire [8:0]  piece_n  = run_left_q < PieceMax ? run_left_q[8:0] : PieceMax[8:0];
    wire [8:0]  table_n  = {15'd0, table_left_q} < PieceMax ? table_left_q : PieceMax[8:0];

    // Sizes that follow from the out_type: cycles of a row after the first, bytes of the item's elements and of a full tile.
    reg  [1:0]  row_pieces;
    reg  [10:0] row_bytes;
    reg  [15:0] tile_bytes;
    always @* begin
        row_pieces = 2'd0;
        row_bytes  = {2'd0, n_o};
        tile_bytes = tile_max;
        if (!copying)
            case (`QM_F_OUT_TYPE(insn_i))
                `QM_OUT_TYPE_BITS4:  begin row_bytes = (row_bytes + 11'd1) >> 1; tile_bytes = tile_max >> 1; end
                `QM_OUT_TYPE_BITS16: begin row_bytes = row_bytes << 1; tile_bytes = tile_max << 1; row_pieces = 2'd1; end
                `QM_OUT_TYPE_BITS32: begin row_bytes = row_bytes << 2; tile_bytes = tile_max << 2; row_pieces = 2'd3; end
                default:             begin end
            endcase
    end
    wire [10:0] row_before = {9'd0, row_piece_q} * RowMax;  // bytes of the row written by earlier pieces
    wire [10:0] row_rest   = row_bytes > row_before ? row_bytes - row_before : 11'd0;
    wire [8:0]  row_n      = row_rest < RowMax ? row_rest[8:0] : RowMax[8:0];

    // Each says: with this item, its level and all levels inside it are complete.
    wire run_end  = adding || copying ? run_left_q <= PieceMax : row_piece_q == row_pieces;
    wire kx_end   = run_end && (adding || requantizing || kx_left_q == 8'd0);
    wire ky_end   = kx_end && (adding || requantizing || ky_left_q == 8'd0);
    wire ox_end   = ky_end && (adding || ox_left_q == 16'd0);
    wire oy_end   = ox_end && (adding || oy_left_q == 16'd0);
    wire tile_end = oy_end && (adding || copying || channels_left_q <= tile_max);

    assign table_o       = walking_q && table_left_q != 9'd0;
    assign table_index_o = table_index_q;
    assign param_o       = walking_q && !table_o && params_left_q != 4'd0;
    assign param_index_o = ParamRows - params_left_q;
    assign item_o        = walking_q && !table_o && !param_o;
    assign first_o       = !tap_q;
    assign output_o      = item_o && (adding || copying || requantizing || ky_end);
    assign last_o        = tile_end;
    assign n_o           = table_o ? table_n : adding || copying ? piece_n : tile_n;
    assign bytes_o       = row_n;

    always @(posedge clk_i) begin
        if (!rst_ni || clear_i)      walking_q <= 1'b0;
        else if (start_i)            walking_q <= 1'b1;
        else if (item_o && tile_end) walking_q <= 1'b0;

        if (start_i) begin
            table_left_q    <= start_table ? TableSize : 9'd0;
            table_index_q   <= 8'd0;
            params_left_q   <= start_params ? ParamRows : 4'd0;
            row_piece_q     <= 2'd0;
            tap_q           <= 1'b0;
            channels_left_q <= `QM_F_CHANNELS(start_insn_i);
            oy_left_q       <= `QM_F_OUT_H(start_insn_i) - 16'd1;
            ox_left_q       <= `QM_F_OUT_W(start_insn_i) - 16'd1;
            ky_left_q       <= `QM_F_KERNEL_H(start_insn_i) - 8'd1;
            kx_left_q       <= `QM_F_KERNEL_W(start_insn_i) - 8'd1;
            run_left_q      <= start_adds ? `QM_F_LENGTH(start_insn_i) : {8'd0, `QM_F_RUN_BYTES(start_insn_i)};
        end else if (table_o) begin
            table_left_q  <= table_left_q - table_n;
            table_index_q <= table_index_q + 8'd1;
        end else if (param_o) begin
            params_left_q <= params_left_q - 4'd1;
        end else if (item_o) begin
            tap_q       <= !ky_end;
            row_piece_q <= run_end || !requantizing ? 2'd0 : row_piece_q + 2'd1;
            run_left_q  <= run_end ? {8'd0, `QM_F_RUN_BYTES(insn_i)} : run_left_q - PieceMax;
            if (run_end) kx_left_q       <= kx_end ? `QM_F_KERNEL_W(insn_i) - 8'd1 : kx_left_q - 8'd1;
            if (kx_end)  ky_left_q       <= ky_end ? `QM_F_KERNEL_H(insn_i) - 8'd1 : ky_left_q - 8'd1;
            if (ky_end)  ox_left_q       <= ox_end ? `QM_F_OUT_W(insn_i) - 16'd1 : ox_left_q - 16'd1;
            if (ox_end)  oy_left_q       <= oy_end ? `QM_F_OUT_H(insn_i) - 16'd1 : oy_left_q - 16'd1;
            if (oy_end)  channels_left_q <= channels_left_q - tile_max;
            if (oy_end && requantizing) params_left_q <= ParamRows;
        end
    end

    // ---- Window coordinates, from the innermost level outwards ----
    reg  signed [33:0] x_q;
    reg  signed [33:0] run_x_q;   // of piece 0
    reg  signed [33:0] pos_x_q;   // of run 0
    reg  signed [33:0] tile_x_q;  // of position 0
    reg  signed [25:0] y_q;
    reg  signed [25:0] pos_y_q;   // of window row 0

    reg  signed [33:0] x_d;
    reg  signed [33:0] run_x_d;
    reg  signed [33:0] pos_x_d;
    reg  signed [33:0] tile_x_d;
    reg  signed [25:0] y_d;
    reg  signed [25:0] pos_y_d;

    wire [15:0] start_x = `QM_F_X_START(start_insn_i);
    wire [15:0] start_y = `QM_F_Y_START(start_insn_i);
    wire [15:0] first_y = `QM_F_Y_START(insn_i);

    /* verilator lint_off BLKSEQ */  // the next values are names, worked out only when an item is issued
    always @(posedge clk_i)
        if (start_i) begin
            x_q      <= {{18{start_x[15]}}, start_x};
            run_x_q  <= {{18{start_x[15]}}, start_x};
            pos_x_q  <= {{18{start_x[15]}}, start_x};
            tile_x_q <= {{18{start_x[15]}}, start_x};
            y_q      <= {{10{start_y[15]}}, start_y};
            pos_y_q  <= {{10{start_y[15]}}, start_y};
        end else if (item_o) begin
            tile_x_d = oy_end ? tile_x_q + {18'd0, TileMax} : tile_x_q;
            pos_x_d  = ox_end ? tile_x_d : ky_end ? pos_x_q + {18'd0, `QM_F_X_STRIDE(insn_i)} : pos_x_q;
            run_x_d  = kx_end ? pos_x_d : run_end ? run_x_q + {18'd0, `QM_F_X_DILATION(insn_i)} : run_x_q;
            x_d      = run_end ? run_x_d : x_q + {18'd0, TileMax};
            pos_y_d  = oy_end ? {{10{first_y[15]}}, first_y} : ox_end ? pos_y_q + {18'd0, `QM_F_Y_STRIDE(insn_i)} : pos_y_q;
            y_d      = ky_end ? pos_y_d : kx_end ? y_q + {18'd0, `QM_F_Y_DILATION(insn_i)} : y_q;
            x_q      <= x_d;
            run_x_q  <= run_x_d;
            pos_x_q  <= pos_x_d;
            tile_x_q <= tile_x_d;
            y_q      <= y_d;
            pos_y_q  <= pos_y_d;
        end
    /* verilator lint_on BLKSEQ */

    assign x_o = x_q;
    assign y_o = y_q;

    // ---- Addresses ----
    reg  [23:0] out_q;
    reg  [23:0] pos_out_q;   // first output byte of the position
    reg  [23:0] row_out_q;   // of the output row
    reg  [23:0] tile_out_q;  // of the tile
    reg  [23:0] offset_q;    // ADD: elements issued; REQUANTIZE: bytes of the table, then of parameters read
    reg  [23:0] operand_q;   // of the second operand
    reg  [23:0] row_operand_q;
    reg  [23:0] tile_operand_q;
    reg  [15:0] acc_q;

    reg  [23:0] out_d;
    reg  [23:0] pos_out_d;
    reg  [23:0] row_out_d;
    reg  [23:0] tile_out_d;
    reg  [23:0] row_operand_d;
    reg  [23:0] tile_operand_d;

    /* verilator lint_off BLKSEQ */  // as above
    always @(posedge clk_i)
        if (start_i) begin
            out_q      <= `QM_F_OUT_ADDR(start_insn_i);
            pos_out_q  <= `QM_F_OUT_ADDR(start_insn_i);
            row_out_q  <= `QM_F_OUT_ADDR(start_insn_i);
            tile_out_q <= `QM_F_OUT_ADDR(start_insn_i);
            offset_q   <= 24'd0;
            acc_q      <= `QM_F_ACC_ADDR(start_insn_i);
            operand_q      <= `QM_F_B_ADDR(start_insn_i);
            row_operand_q  <= `QM_F_B_ADDR(start_insn_i);
            tile_operand_q <= `QM_F_B_ADDR(start_insn_i);
        end else if (table_o) begin
            offset_q   <= table_left_q == table_n ? 24'd0 : offset_q + PieceMax;
        end else if (param_o) begin
            offset_q   <= offset_q + PieceMax;
        end else if (item_o) begin
            tile_out_d = oy_end ? tile_out_q + {8'd0, tile_bytes} : tile_out_q;
            row_out_d  = oy_end ? tile_out_d : ox_end ? row_out_q + `QM_F_OUT_PITCH(insn_i) : row_out_q;
            pos_out_d  = ox_end ? row_out_d : ky_end ? pos_out_q + {8'd0, `QM_F_OUT_PIXEL(insn_i)} : pos_out_q;
            out_d      = ky_end ? pos_out_d : requantizing ? out_q + PieceMax : copying || adding ? out_q + {15'd0, bytes_o} : out_q;
            out_q      <= out_d;
            pos_out_q  <= pos_out_d;
            row_out_q  <= row_out_d;
            tile_out_q <= tile_out_d;
            tile_operand_d = oy_end ? tile_operand_q + {8'd0, tile_max} : tile_operand_q;
            row_operand_d  = oy_end ? tile_operand_d : ox_end ? row_operand_q + {8'd0, `QM_F_B_PITCH(insn_i)} : row_operand_q;
            operand_q      <= adding ? operand_q + PieceMax : ox_end ? row_operand_d
                            : ky_end ? operand_q + {8'd0, `QM_F_B_PIXEL(insn_i)} : operand_q;
            row_operand_q  <= row_operand_d;
            tile_operand_q <= tile_operand_d;
            if (adding) offset_q <= offset_q + PieceMax;
            if (ky_end) acc_q <= acc_q + 16'd1;
        end
    /* verilator lint_on BLKSEQ */

    assign out_addr_o     = out_q;
    assign addr_o         = offset_q + (table_o ? `QM_F_TABLE_ADDR(insn_i) : adding ? `QM_F_IN_ADDR(insn_i) : `QM_F_PARAM_ADDR(insn_i));
    assign operand_addr_o = operand_q;
    assign acc_addr_o     = acc_q;

endmodule

`default_nettype wire
