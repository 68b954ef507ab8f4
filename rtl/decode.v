// decode.v - checks one instruction whole when it is asked to, and names its unit; combinational.
//
// The checks are those of docs/machine.md, Decode, in the same order, the first that fails names the error. Sums and products are wide
// enough not to wrap: 64 bits hold the product of any four fields.
`include "qmac_defs.vh"
`default_nettype none

module decode #(
    parameter integer Rows      = 16,
    parameter integer Cols      = 16,
    parameter integer CellBytes = 2,
    parameter integer SpadBytes = 262144,
    parameter integer AccRows   = 1024
) (
    input  wire [511:0] insn_i,
    input  wire [31:0]  memory_size_i,  // bytes of the arena
    input  wire         check_i,        // the check is asked for
    output wire [1:0]   unit_o,         // of a known opcode
    output reg  [3:0]   error_o         // QM_ERROR_NONE: a good instruction, or none was asked for
);

    localparam signed [15:0] WeightZeroMax = `QM_WEIGHT_ZERO_MAX;

    // The knobs as 64-bit numbers.
    wire [31:0] rows = Rows, cols = Cols, spad_bytes = SpadBytes, acc_rows = AccRows;
    wire [63:0] dense_tile     = {32'd0, cols};
    wire [63:0] depthwise_tile = {32'd0, rows < cols ? rows : cols};
    wire [63:0] chain_taps     = rows < `QM_CHAIN_TAPS ? {32'd0, rows} : `QM_CHAIN_TAPS;
    wire [63:0] param_bytes    = `QM_PARAMETER_BYTES * {32'd0, cols};
    wire [63:0] spad_end       = {32'd0, spad_bytes};
    wire [63:0] acc_end        = {32'd0, acc_rows};

    // Each check is a function of the instruction, and so is what they share: a simulator works them out when they are asked for.
    /* verilator lint_off UNUSEDSIGNAL */  // each reads some of the fields
    function is_depthwise(input [511:0] insn);
        is_depthwise = (`QM_F_OPCODE(insn) == `QM_OP_MATMUL || `QM_F_OPCODE(insn) == `QM_OP_REQUANTIZE) && `QM_F_DEPTHWISE(insn);
    endfunction

    function [63:0] tile_of(input [511:0] insn);  // channels of a full tile
        tile_of = is_depthwise(insn) ? depthwise_tile : dense_tile;
    endfunction

    function [63:0] elements_of(input [511:0] insn);  // channels, or ADD's elements
        elements_of = `QM_F_OPCODE(insn) == `QM_OP_ADD ? {40'd0, `QM_F_LENGTH(insn)} : {48'd0, `QM_F_CHANNELS(insn)};
    endfunction

    function is_illegal(input [511:0] insn);  // 1
        reg [7:0] opcode;
        reg [3:0] own_unit;
        reg       bad_token, reserved;
        begin
            opcode     = `QM_F_OPCODE(insn);
            own_unit   = 4'd1 << `QM_UNIT_OF(opcode);
            bad_token  = ((`QM_F_WAIT(insn) | `QM_F_SIGNAL(insn)) & own_unit) != 4'd0;
            reserved   = (insn & `QM_RESERVED(opcode)) != 512'd0;
            is_illegal = !`QM_IS_OPCODE(opcode) || reserved || bad_token || `QM_HAS_UNNAMED(insn, opcode) || `QM_HAS_EMPTY(insn, opcode);
        end
    endfunction

    function is_unsupported(input [511:0] insn);  // 2
        reg [7:0]         opcode;
        reg               is_matmul, is_req, is_pool, is_add, wide, looks_up, more_tiles;
        reg signed [15:0] weight_zero;
        reg [1:0]         out_type;
        reg [63:0]        tile;
        begin
            opcode      = `QM_F_OPCODE(insn);
            is_matmul   = opcode == `QM_OP_MATMUL;
            is_req      = opcode == `QM_OP_REQUANTIZE;
            is_pool     = opcode == `QM_OP_POOL;
            is_add      = opcode == `QM_OP_ADD;
            tile        = tile_of(insn);
            out_type    = `QM_F_OUT_TYPE(insn);
            wide        = out_type == `QM_OUT_TYPE_BITS16 || out_type == `QM_OUT_TYPE_BITS32;
            weight_zero = `QM_F_WEIGHT_ZERO(insn);
            looks_up    = is_req && `QM_F_LOOKUP(insn) == `QM_LOOKUP_TABLE;
            more_tiles  = is_req ? `QM_F_TILES(insn) > 16'd1 : elements_of(insn) > tile;
            is_unsupported = `QM_HAS_UNSUPPORTED(insn, opcode)
                || (is_matmul && is_depthwise(insn) && (`QM_F_PRECISION(insn) != `QM_PRECISION_W8A8 || weight_zero != 16'sd0))
                || (is_matmul && CellBytes == 1 && `QM_F_PRECISION(insn) != `QM_PRECISION_W8A8)
                || (is_matmul && (weight_zero > WeightZeroMax || weight_zero < -WeightZeroMax))
                || (looks_up && out_type != `QM_OUT_TYPE_BITS8)
                || ((is_pool || is_add) && wide)
                || (out_type == `QM_OUT_TYPE_BITS4 && (is_req || is_pool || is_add) && tile[0] && more_tiles);
        end
    endfunction

    function is_contradictory(input [511:0] insn);  // 3
        reg        is_matmul, is_req, is_pool, bad_run, bad_chain, bad_tiles;
        reg [63:0] channels, tile, tiled;
        begin
            is_matmul = `QM_F_OPCODE(insn) == `QM_OP_MATMUL;
            is_req    = `QM_F_OPCODE(insn) == `QM_OP_REQUANTIZE;
            is_pool   = `QM_F_OPCODE(insn) == `QM_OP_POOL;
            channels  = {48'd0, `QM_F_CHANNELS(insn)};
            tile      = tile_of(insn);
            tiled     = {48'd0, `QM_F_TILES(insn)} * tile;
            bad_run   = is_pool && `QM_F_RUN_BYTES(insn) != 16'd1;
            bad_chain = is_matmul && is_depthwise(insn)
                     && ({48'd0, `QM_F_RUN_BYTES(insn)} > chain_taps || `QM_F_SAMPLE_STEP(insn) == 8'd0
                         || {13'd0, `QM_F_SKIP_LEFT(insn)} + {13'd0, `QM_F_SKIP_RIGHT(insn)} >= `QM_F_RUN_BYTES(insn));
            bad_tiles = (is_matmul || is_req) && (channels > tiled || channels + tile <= tiled);
            is_contradictory = bad_run || bad_chain || bad_tiles;
        end
    endfunction

    // Where operands end: the byte behind the last one.
    function [63:0] end_of(input [63:0] addr, input [63:0] outer, input [63:0] outer_step, input [63:0] inner, input [63:0] inner_step,
                           input [63:0] size);
        end_of = addr + (outer - 64'd1) * outer_step + (inner - 64'd1) * inner_step + size;
    endfunction

    function [63:0] dram_end(input [511:0] insn);
        dram_end = end_of({32'd0, `QM_F_DRAM_ADDR(insn)}, {48'd0, `QM_F_PLANE_COUNT(insn)}, {32'd0, `QM_F_DRAM_PLANE_STRIDE(insn)},
                          {48'd0, `QM_F_ROW_COUNT(insn)}, {32'd0, `QM_F_DRAM_ROW_STRIDE(insn)}, {40'd0, `QM_F_ROW_BYTES(insn)});
    endfunction

    function [63:0] transfer_end(input [511:0] insn);
        transfer_end = end_of({40'd0, `QM_F_SPAD_ADDR(insn)}, {48'd0, `QM_F_PLANE_COUNT(insn)}, {40'd0, `QM_F_SPAD_PLANE_STRIDE(insn)},
                              {48'd0, `QM_F_ROW_COUNT(insn)}, {40'd0, `QM_F_SPAD_ROW_STRIDE(insn)}, {40'd0, `QM_F_ROW_BYTES(insn)});
    endfunction

    function [63:0] window_end(input [511:0] insn);
        window_end = end_of({40'd0, `QM_F_IN_ADDR(insn)}, 64'd1, 64'd0, {48'd0, `QM_F_IN_ROWS(insn)}, {48'd0, `QM_F_IN_PITCH(insn)},
                            {48'd0, `QM_F_IN_ROW_BYTES(insn)});
    endfunction

    function [63:0] weight_end(input [511:0] insn);
        reg [2:0]  precision, cell_bits_log2;
        reg [63:0] run_bytes, tile, tiles, cells_down, last_tile, tile_weights, last_weights;
        begin
            precision      = `QM_F_PRECISION(insn);
            cell_bits_log2 = `QM_CELL_BITS_LOG2(precision);
            run_bytes      = {48'd0, `QM_F_RUN_BYTES(insn)};
            tile           = tile_of(insn);
            tiles          = {48'd0, `QM_F_TILES(insn)};
            cells_down     = precision == `QM_PRECISION_W8A8 ? run_bytes : (run_bytes + 64'd1) >> 1;
            last_tile      = {48'd0, `QM_F_CHANNELS(insn)} - (tiles - 64'd1) * tile;
            tile_weights   = ((tile << cell_bits_log2) + 64'd7) >> 3;  // bytes of a weight row
            last_weights   = ((last_tile << cell_bits_log2) + 64'd7) >> 3;
            weight_end     = {40'd0, `QM_F_WEIGHT_ADDR(insn)} + {56'd0, `QM_F_KERNEL_H(insn)} * {56'd0, `QM_F_KERNEL_W(insn)} * cells_down
                           * ((tiles - 64'd1) * tile_weights + last_weights);
        end
    endfunction

    function [63:0] element_bytes(input [511:0] insn);  // of all channels, of ADD's elements
        case (`QM_F_OUT_TYPE(insn))
            `QM_OUT_TYPE_BITS4:  element_bytes = (elements_of(insn) + 64'd1) >> 1;
            `QM_OUT_TYPE_BITS16: element_bytes = elements_of(insn) << 1;
            `QM_OUT_TYPE_BITS32: element_bytes = elements_of(insn) << 2;
            default:             element_bytes = elements_of(insn);
        endcase
    endfunction

    function [63:0] out_end(input [511:0] insn);
        reg [63:0] taps;
        begin
            taps    = {56'd0, `QM_F_KERNEL_H(insn)} * {56'd0, `QM_F_KERNEL_W(insn)} * {48'd0, `QM_F_RUN_BYTES(insn)};
            out_end = end_of({40'd0, `QM_F_OUT_ADDR(insn)}, {48'd0, `QM_F_OUT_H(insn)}, {40'd0, `QM_F_OUT_PITCH(insn)},
                             {48'd0, `QM_F_OUT_W(insn)}, {48'd0, `QM_F_OUT_PIXEL(insn)},
                             `QM_F_OPCODE(insn) == `QM_OP_COPY ? taps : element_bytes(insn));
        end
    endfunction

    function leaves_memory(input [511:0] insn, input [31:0] memory_size);  // 4
        leaves_memory = (`QM_F_OPCODE(insn) == `QM_OP_LOAD || `QM_F_OPCODE(insn) == `QM_OP_STORE)
                     && dram_end(insn) > {32'd0, memory_size};
    endfunction

    function leaves_scratchpad(input [511:0] insn);  // 5
        reg [63:0] length, param_end, table_end, residual_end, a_end, b_end, sum_end;
        begin
            length    = {40'd0, `QM_F_LENGTH(insn)};
            param_end = {40'd0, `QM_F_PARAM_ADDR(insn)} + {48'd0, `QM_F_TILES(insn)} * param_bytes;
            table_end = {40'd0, `QM_F_TABLE_ADDR(insn)} + `QM_TABLE_BYTES;
            residual_end = end_of({40'd0, `QM_F_B_ADDR(insn)}, {48'd0, `QM_F_OUT_H(insn)}, {48'd0, `QM_F_B_PITCH(insn)},
                                  {48'd0, `QM_F_OUT_W(insn)}, {48'd0, `QM_F_B_PIXEL(insn)}, {48'd0, `QM_F_CHANNELS(insn)});
            a_end     = {40'd0, `QM_F_IN_ADDR(insn)} + length;
            b_end     = {40'd0, `QM_F_B_ADDR(insn)} + length;
            sum_end   = {40'd0, `QM_F_OUT_ADDR(insn)} + element_bytes(insn);
            case (`QM_F_OPCODE(insn))
                `QM_OP_LOAD, `QM_OP_STORE: leaves_scratchpad = transfer_end(insn) > spad_end;
                `QM_OP_MATMUL:             leaves_scratchpad = window_end(insn) > spad_end || weight_end(insn) > spad_end;
                `QM_OP_REQUANTIZE:         leaves_scratchpad = param_end > spad_end || out_end(insn) > spad_end
                                               || (`QM_F_LOOKUP(insn) == `QM_LOOKUP_TABLE && table_end > spad_end)
                                               || (`QM_F_RESIDUAL(insn) && residual_end > spad_end);
                `QM_OP_POOL, `QM_OP_COPY:  leaves_scratchpad = window_end(insn) > spad_end || out_end(insn) > spad_end;
                default:                   leaves_scratchpad = a_end > spad_end || b_end > spad_end || sum_end > spad_end;  // ADD
            endcase
        end
    endfunction

    function leaves_accumulator(input [511:0] insn);  // 6
        reg [63:0] rows_used;
        begin
            rows_used = {48'd0, `QM_F_TILES(insn)} * {48'd0, `QM_F_OUT_H(insn)} * {48'd0, `QM_F_OUT_W(insn)};
            leaves_accumulator = (`QM_F_OPCODE(insn) == `QM_OP_MATMUL || `QM_F_OPCODE(insn) == `QM_OP_REQUANTIZE)
                              && {48'd0, `QM_F_ACC_ADDR(insn)} + rows_used > acc_end;
        end
    endfunction

    /* verilator lint_on UNUSEDSIGNAL */

    wire [7:0] opcode = `QM_F_OPCODE(insn_i);
    assign unit_o = `QM_UNIT_OF(opcode);

    always @* begin
        error_o = `QM_ERROR_NONE;
        if (check_i) begin
            if (is_illegal(insn_i))                              error_o = `QM_ERROR_ILLEGAL;
            else if (is_unsupported(insn_i))                     error_o = `QM_ERROR_UNSUPPORTED;
            else if (is_contradictory(insn_i))                   error_o = `QM_ERROR_ILLEGAL;
            else if (leaves_memory(insn_i, memory_size_i))       error_o = `QM_ERROR_MEMORY;
            else if (leaves_scratchpad(insn_i))                  error_o = `QM_ERROR_SCRATCHPAD;
            else if (leaves_accumulator(insn_i))                 error_o = `QM_ERROR_ACCUMULATOR;
        end
    end

endmodule

`default_nettype wire
