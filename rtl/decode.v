// decode.v - checks one instruction whole and names its unit; combinational.
//
// The checks are those of docs/machine.md, Decode, in the same order, the first that fails names the error. Sums and products are wide
// enough not to wrap: 64 bits hold the product of any four fields.
`include "qmac_defs.vh"
`default_nettype none

module decode #(
    parameter integer Rows      = 16,
    parameter integer Cols      = 16,
    parameter integer SpadBytes = 262144,
    parameter integer AccRows   = 1024
) (
    input  wire [511:0] insn_i,
    input  wire [31:0]  memory_size_i,  // bytes of the arena
    output wire [1:0]   unit_o,         // of a known opcode
    output wire [3:0]   error_o         // QM_ERROR_NONE: a good instruction
);

    localparam signed [15:0] WeightZeroMax = `QM_WEIGHT_ZERO_MAX;

    // The knobs as 64-bit numbers.
    wire [31:0] rows = Rows, cols = Cols, spad_bytes = SpadBytes, acc_rows = AccRows;
    wire [63:0] dense_tile     = {32'd0, cols};
    wire [63:0] depthwise_tile = {32'd0, rows < cols ? rows : cols};
    wire [63:0] param_bytes    = `QM_PARAMETER_BYTES * {32'd0, cols};
    wire [63:0] spad_end       = {32'd0, spad_bytes};
    wire [63:0] acc_end        = {32'd0, acc_rows};

    wire [7:0] opcode = `QM_F_OPCODE(insn_i);
    wire [1:0] unit   = `QM_UNIT_OF(opcode);

    wire is_load = opcode == `QM_OP_LOAD,       is_store = opcode == `QM_OP_STORE, is_matmul = opcode == `QM_OP_MATMUL;
    wire is_req  = opcode == `QM_OP_REQUANTIZE, is_pool  = opcode == `QM_OP_POOL,  is_add    = opcode == `QM_OP_ADD;
    wire is_copy = opcode == `QM_OP_COPY;
    wire is_transfer = is_load || is_store;
    wire is_window   = is_matmul || is_pool || is_copy;

    assign unit_o = unit;

    // Fields, widened once.
    wire [63:0] dram_addr    = {32'd0, `QM_F_DRAM_ADDR(insn_i)},       dram_row   = {32'd0, `QM_F_DRAM_ROW_STRIDE(insn_i)};
    wire [63:0] dram_plane   = {32'd0, `QM_F_DRAM_PLANE_STRIDE(insn_i)}, spad_addr = {40'd0, `QM_F_SPAD_ADDR(insn_i)};
    wire [63:0] spad_row     = {40'd0, `QM_F_SPAD_ROW_STRIDE(insn_i)}, spad_plane = {40'd0, `QM_F_SPAD_PLANE_STRIDE(insn_i)};
    wire [63:0] row_bytes    = {40'd0, `QM_F_ROW_BYTES(insn_i)},       row_count  = {48'd0, `QM_F_ROW_COUNT(insn_i)};
    wire [63:0] plane_count  = {48'd0, `QM_F_PLANE_COUNT(insn_i)},     in_addr    = {40'd0, `QM_F_IN_ADDR(insn_i)};
    wire [63:0] in_rows      = {48'd0, `QM_F_IN_ROWS(insn_i)},         in_pitch   = {48'd0, `QM_F_IN_PITCH(insn_i)};
    wire [63:0] in_row_bytes = {48'd0, `QM_F_IN_ROW_BYTES(insn_i)},    out_h      = {48'd0, `QM_F_OUT_H(insn_i)};
    wire [63:0] out_w        = {48'd0, `QM_F_OUT_W(insn_i)},           kernel_h   = {56'd0, `QM_F_KERNEL_H(insn_i)};
    wire [63:0] kernel_w     = {56'd0, `QM_F_KERNEL_W(insn_i)},        run_bytes  = {48'd0, `QM_F_RUN_BYTES(insn_i)};
    wire [63:0] channels     = {48'd0, `QM_F_CHANNELS(insn_i)},        tiles      = {48'd0, `QM_F_TILES(insn_i)};
    wire [63:0] weight_addr  = {40'd0, `QM_F_WEIGHT_ADDR(insn_i)},     param_addr = {40'd0, `QM_F_PARAM_ADDR(insn_i)};
    wire [63:0] acc_addr     = {48'd0, `QM_F_ACC_ADDR(insn_i)},        out_addr   = {40'd0, `QM_F_OUT_ADDR(insn_i)};
    wire [63:0] out_pitch    = {40'd0, `QM_F_OUT_PITCH(insn_i)},       out_pixel  = {48'd0, `QM_F_OUT_PIXEL(insn_i)};
    wire [63:0] length       = {40'd0, `QM_F_LENGTH(insn_i)},          b_addr     = {40'd0, `QM_F_B_ADDR(insn_i)};
    wire        depthwise    = (is_matmul || is_req) && `QM_F_DEPTHWISE(insn_i);

    // 1 ILLEGAL
    wire [3:0] own_unit = 4'd1 << unit;
    wire bad_token = ((`QM_F_WAIT(insn_i) | `QM_F_SIGNAL(insn_i)) & own_unit) != 4'd0;
    wire reserved  = (insn_i & `QM_RESERVED(opcode)) != 512'd0;
    wire illegal   = !`QM_IS_OPCODE(opcode) || reserved || bad_token || `QM_HAS_UNNAMED(insn_i, opcode) || `QM_HAS_EMPTY(insn_i, opcode);

    // Tiles, precision, output.
    wire [63:0] tile      = depthwise ? depthwise_tile : dense_tile;
    wire [2:0]  precision = `QM_F_PRECISION(insn_i);
    wire [1:0]  out_type  = `QM_F_OUT_TYPE(insn_i);
    wire        wide      = out_type == `QM_OUT_TYPE_BITS16 || out_type == `QM_OUT_TYPE_BITS32;
    wire signed [15:0] weight_zero = `QM_F_WEIGHT_ZERO(insn_i);
    wire [63:0] elements  = is_add ? length : channels;
    wire        looks_up  = is_req && `QM_F_LOOKUP(insn_i) == `QM_LOOKUP_TABLE;

    wire        more_tiles = is_req ? tiles > 64'd1 : elements > tile;

    // 2 UNSUPPORTED
    wire unsupported = `QM_HAS_UNSUPPORTED(insn_i, opcode)
                    || (is_matmul && depthwise && (precision != `QM_PRECISION_W8A8 || weight_zero != 16'sd0))
                    || (is_matmul && (weight_zero > WeightZeroMax || weight_zero < -WeightZeroMax))
                    || (looks_up && out_type != `QM_OUT_TYPE_BITS8)
                    || ((is_pool || is_add) && wide)
                    || (out_type == `QM_OUT_TYPE_BITS4 && (is_req || is_pool || is_add) && tile[0] && more_tiles);

    // 3 ILLEGAL
    wire [63:0] tiled      = tiles * tile;
    wire        bad_run    = (is_pool || (is_matmul && depthwise)) && run_bytes != 64'd1;
    wire        bad_tiles  = (is_matmul || is_req) && (channels > tiled || channels + tile <= tiled);
    wire        contradict = bad_run || bad_tiles;

    // 4 MEMORY
    wire [63:0] dram_end = dram_addr + (plane_count - 64'd1) * dram_plane + (row_count - 64'd1) * dram_row + row_bytes;
    wire        memory   = is_transfer && dram_end > {32'd0, memory_size_i};

    // 5 SCRATCHPAD
    wire [63:0] table_addr = {40'd0, `QM_F_TABLE_ADDR(insn_i)};
    reg  [63:0] element_bytes;  // of all channels, of ADD's elements
    always @* begin
        case (out_type)
            `QM_OUT_TYPE_BITS4:  element_bytes = (elements + 64'd1) >> 1;
            `QM_OUT_TYPE_BITS16: element_bytes = elements << 1;
            `QM_OUT_TYPE_BITS32: element_bytes = elements << 2;
            default:             element_bytes = elements;
        endcase
    end
    wire [63:0] taps         = kernel_h * kernel_w * run_bytes;
    wire [63:0] transfer_end = spad_addr + (plane_count - 64'd1) * spad_plane + (row_count - 64'd1) * spad_row + row_bytes;
    wire [63:0] window_end   = in_addr + (in_rows - 64'd1) * in_pitch + in_row_bytes;
    wire [63:0] cells_down   = precision == `QM_PRECISION_W8A8 ? run_bytes : (run_bytes + 64'd1) >> 1;
    wire [2:0]  cell_bits_log2 = `QM_CELL_BITS_LOG2(precision);
    wire [63:0] last_tile    = channels - (tiles - 64'd1) * tile;
    wire [63:0] tile_weights = ((tile << cell_bits_log2) + 64'd7) >> 3;  // bytes of a weight row
    wire [63:0] last_weights = ((last_tile << cell_bits_log2) + 64'd7) >> 3;
    wire [63:0] weight_end   = weight_addr + kernel_h * kernel_w * cells_down * ((tiles - 64'd1) * tile_weights + last_weights);
    wire [63:0] param_end    = param_addr + tiles * param_bytes;
    wire [63:0] table_end    = table_addr + `QM_TABLE_BYTES;
    wire [63:0] out_size     = is_copy ? taps : element_bytes;
    wire [63:0] out_end      = out_addr + (out_h - 64'd1) * out_pitch + (out_w - 64'd1) * out_pixel + out_size;
    wire        scratchpad   = (is_transfer && transfer_end > spad_end)
                            || (is_window && window_end > spad_end)
                            || (is_matmul && weight_end > spad_end)
                            || (is_req && param_end > spad_end)
                            || (looks_up && table_end > spad_end)
                            || ((is_req || is_pool || is_copy) && out_end > spad_end)
                            || (is_add && (in_addr + length > spad_end || b_addr + length > spad_end
                                      || out_addr + element_bytes > spad_end));

    // 6 ACCUMULATOR
    wire accumulator = (is_matmul || is_req) && acc_addr + tiles * out_h * out_w > acc_end;

    assign error_o = illegal     ? `QM_ERROR_ILLEGAL
                   : unsupported ? `QM_ERROR_UNSUPPORTED
                   : contradict  ? `QM_ERROR_ILLEGAL
                   : memory      ? `QM_ERROR_MEMORY
                   : scratchpad  ? `QM_ERROR_SCRATCHPAD
                   : accumulator ? `QM_ERROR_ACCUMULATOR
                   :               `QM_ERROR_NONE;

endmodule

`default_nettype wire
