// decode.v - checks one instruction whole and names its unit; combinational.
//
// The checks are those of docs/machine.md, Decode, in the same order, the first that fails names the error. Sums and products are wide enough
// not to wrap: 64 bits hold the product of any four fields.
`include "qmac_defs.vh"
`default_nettype none

module decode #(
    parameter Rows      = 16,
    parameter Cols      = 16,
    parameter SpadBytes = 262144,
    parameter AccRows   = 1024
) (
    input  wire [511:0] insn_i,
    input  wire [31:0]  memory_size_i,   // bytes of the arena
    output wire [1:0]   unit_o,          // of a known opcode
    output wire [3:0]   error_o          // QM_ERROR_NONE: a good instruction
);

    // The knobs as 64-bit numbers.
    wire [31:0] rows = Rows, cols = Cols, spad_bytes = SpadBytes, acc_rows = AccRows;
    wire [63:0] dense_tile     = {32'd0, cols};
    wire [63:0] depthwise_tile = {32'd0, rows < cols ? rows : cols};
    wire [63:0] param_bytes    = 64'd9 * {32'd0, cols};
    wire [63:0] spad_end       = {32'd0, spad_bytes};
    wire [63:0] acc_end        = {32'd0, acc_rows};

    // Opcode and what it has. Bit x of a QM_HAS_ table: opcode x has the field.
    wire [7:0] opcode = `QM_F_OPCODE(insn_i);
    wire [2:0] op     = opcode[2:0];
    wire       known  = opcode != 8'd0 && opcode[7:3] == 5'd0;

    wire is_load = opcode == `QM_OP_LOAD,       is_store = opcode == `QM_OP_STORE, is_matmul = opcode == `QM_OP_MATMUL;
    wire is_req  = opcode == `QM_OP_REQUANTIZE, is_pool  = opcode == `QM_OP_POOL,  is_add    = opcode == `QM_OP_ADD;
    wire is_copy = opcode == `QM_OP_COPY;
    wire is_transfer = is_load || is_store;
    wire is_window   = is_matmul || is_pool || is_copy;

    reg  [1:0]   unit;
    reg  [511:0] reserved;
    always @(*) begin
        case (opcode)
            `QM_OP_LOAD:       begin unit = `QM_UNIT_OF_LOAD;       reserved = `QM_RESERVED_LOAD;       end
            `QM_OP_STORE:      begin unit = `QM_UNIT_OF_STORE;      reserved = `QM_RESERVED_STORE;      end
            `QM_OP_MATMUL:     begin unit = `QM_UNIT_OF_MATMUL;     reserved = `QM_RESERVED_MATMUL;     end
            `QM_OP_REQUANTIZE: begin unit = `QM_UNIT_OF_REQUANTIZE; reserved = `QM_RESERVED_REQUANTIZE; end
            `QM_OP_POOL:       begin unit = `QM_UNIT_OF_POOL;       reserved = `QM_RESERVED_POOL;       end
            `QM_OP_ADD:        begin unit = `QM_UNIT_OF_ADD;        reserved = `QM_RESERVED_ADD;        end
            default:           begin unit = `QM_UNIT_OF_COPY;       reserved = `QM_RESERVED_COPY;       end
        endcase
    end
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

    // Which opcodes have the fields that must not be zero, and the values of the enumerated fields: constants as vectors, to index them.
    wire [7:0] has_row_bytes = `QM_HAS_ROW_BYTES, has_row_count = `QM_HAS_ROW_COUNT, has_plane_count  = `QM_HAS_PLANE_COUNT;
    wire [7:0] has_out_h     = `QM_HAS_OUT_H,     has_out_w     = `QM_HAS_OUT_W,     has_kernel_h     = `QM_HAS_KERNEL_H;
    wire [7:0] has_kernel_w  = `QM_HAS_KERNEL_W,  has_run_bytes = `QM_HAS_RUN_BYTES, has_in_rows      = `QM_HAS_IN_ROWS;
    wire [7:0] has_channels  = `QM_HAS_CHANNELS,  has_length    = `QM_HAS_LENGTH,    has_in_row_bytes = `QM_HAS_IN_ROW_BYTES;
    wire [7:0] has_precision = `QM_HAS_PRECISION, has_dataflow  = `QM_HAS_DATAFLOW,  has_rounding     = `QM_HAS_ROUNDING;
    wire [7:0] has_out_type  = `QM_HAS_OUT_TYPE,  has_pool_kind = `QM_HAS_POOL_KIND, has_lookup       = `QM_HAS_LOOKUP;
    wire [7:0] has_binary    = `QM_HAS_BINARY;
    wire [7:0] known_precision = `QM_KNOWN_PRECISION, supported_precision = `QM_SUPPORTED_PRECISION;
    wire [3:0] known_dataflow  = `QM_KNOWN_DATAFLOW,  supported_dataflow  = `QM_SUPPORTED_DATAFLOW;
    wire [7:0] known_rounding  = `QM_KNOWN_ROUNDING,  supported_rounding  = `QM_SUPPORTED_ROUNDING;
    wire [3:0] known_out_type  = `QM_KNOWN_OUT_TYPE,  supported_out_type  = `QM_SUPPORTED_OUT_TYPE;
    wire [1:0] known_pool_kind = `QM_KNOWN_POOL_KIND, supported_pool_kind = `QM_SUPPORTED_POOL_KIND;
    wire [1:0] known_lookup    = `QM_KNOWN_LOOKUP,    supported_lookup    = `QM_SUPPORTED_LOOKUP;
    wire [1:0] known_binary    = `QM_KNOWN_BINARY,    supported_binary    = `QM_SUPPORTED_BINARY;

    // 1 ILLEGAL
    wire [3:0] own_unit = 4'd1 << unit;
    wire bad_token = ((`QM_F_WAIT(insn_i) | `QM_F_SIGNAL(insn_i)) & own_unit) != 4'd0;
    wire bad_value = (has_precision[op] && !known_precision[`QM_F_PRECISION(insn_i)])
                  || (has_dataflow[op]  && !known_dataflow[`QM_F_DATAFLOW(insn_i)])
                  || (has_rounding[op]  && !known_rounding[`QM_F_ROUNDING(insn_i)])
                  || (has_out_type[op]  && !known_out_type[`QM_F_OUT_TYPE(insn_i)])
                  || (has_pool_kind[op] && !known_pool_kind[`QM_F_POOL_KIND(insn_i)])
                  || (has_binary[op]    && !known_binary[`QM_F_BINARY(insn_i)])
                  || (has_lookup[op]    && !known_lookup[`QM_F_LOOKUP(insn_i)]);
    wire bad_zero  = (has_row_bytes[op]    && row_bytes    == 64'd0) || (has_row_count[op] && row_count == 64'd0)
                  || (has_plane_count[op]  && plane_count  == 64'd0) || (has_out_h[op]     && out_h     == 64'd0)
                  || (has_out_w[op]        && out_w        == 64'd0) || (has_kernel_h[op]  && kernel_h  == 64'd0)
                  || (has_kernel_w[op]     && kernel_w     == 64'd0) || (has_run_bytes[op] && run_bytes == 64'd0)
                  || (has_in_row_bytes[op] && in_row_bytes == 64'd0) || (has_in_rows[op]   && in_rows   == 64'd0)
                  || (has_channels[op]     && channels     == 64'd0) || (has_length[op]    && length    == 64'd0);
    wire illegal = !known || (insn_i & reserved) != 512'd0 || bad_token || bad_value || bad_zero;

    // Tiles, precision, output.
    wire [63:0] tile      = depthwise ? depthwise_tile : dense_tile;
    wire [2:0]  precision = `QM_F_PRECISION(insn_i);
    wire [1:0]  out_type  = `QM_F_OUT_TYPE(insn_i);
    wire signed [15:0] weight_zero = `QM_F_WEIGHT_ZERO(insn_i);
    wire [63:0] elements  = is_add ? length : channels;
    wire        looks_up  = is_req && `QM_F_LOOKUP(insn_i) == `QM_LOOKUP_TABLE;

    wire        more_tiles = is_req ? tiles > 64'd1 : elements > tile;

    // 2 UNSUPPORTED
    wire unsupported = (has_precision[op] && !supported_precision[`QM_F_PRECISION(insn_i)])
                    || (has_dataflow[op]  && !supported_dataflow[`QM_F_DATAFLOW(insn_i)])
                    || (has_rounding[op]  && !supported_rounding[`QM_F_ROUNDING(insn_i)])
                    || (has_out_type[op]  && !supported_out_type[`QM_F_OUT_TYPE(insn_i)])
                    || (has_pool_kind[op] && !supported_pool_kind[`QM_F_POOL_KIND(insn_i)])
                    || (has_binary[op]    && !supported_binary[`QM_F_BINARY(insn_i)])
                    || (has_lookup[op]    && !supported_lookup[`QM_F_LOOKUP(insn_i)])
                    || (is_matmul && depthwise && (precision != `QM_PRECISION_W8A8 || weight_zero != 16'sd0))
                    || (is_matmul && (weight_zero > 16'sd255 || weight_zero < -16'sd255))
                    || (looks_up && out_type != `QM_OUT_TYPE_BITS8)
                    || ((is_pool || is_add) && out_type[1])
                    || (out_type == `QM_OUT_TYPE_BITS4 && has_out_type[op] && tile[0] && more_tiles);

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
    reg  [63:0] cell_bits;
    reg  [63:0] element_bytes;  // of all channels, of ADD's elements
    always @(*) begin
        case (precision)
            `QM_PRECISION_W4A4:                     cell_bits = 64'd16;
            `QM_PRECISION_W2A8, `QM_PRECISION_W1A4: cell_bits = 64'd4;
            `QM_PRECISION_W1A8:                     cell_bits = 64'd2;
            default:                                cell_bits = 64'd8;  // W8A8, W4A8, W2A4
        endcase
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
    wire [63:0] last_tile    = channels - (tiles - 64'd1) * tile;
    wire [63:0] tile_weights = (tile * cell_bits + 64'd7) >> 3;       // bytes of a weight row
    wire [63:0] last_weights = (last_tile * cell_bits + 64'd7) >> 3;
    wire [63:0] weight_end   = weight_addr + kernel_h * kernel_w * cells_down * ((tiles - 64'd1) * tile_weights + last_weights);
    wire [63:0] param_end    = param_addr + tiles * param_bytes;
    wire [63:0] table_end    = table_addr + 64'd256;
    wire [63:0] out_size     = is_copy ? taps : element_bytes;
    wire [63:0] out_end      = out_addr + (out_h - 64'd1) * out_pitch + (out_w - 64'd1) * out_pixel + out_size;
    wire        scratchpad   = (is_transfer && transfer_end > spad_end)
                            || (is_window && window_end > spad_end)
                            || (is_matmul && weight_end > spad_end)
                            || (is_req && param_end > spad_end)
                            || (looks_up && table_end > spad_end)
                            || ((is_req || is_pool || is_copy) && out_end > spad_end)
                            || (is_add && (in_addr + length > spad_end || b_addr + length > spad_end || out_addr + element_bytes > spad_end));

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
