// post_tb - scratchpad, accumulator and post together on random instructions, against docs/machine.md and docs/numerics.md:
// the cycle of every issue, write and end, counters, and the scratchpad's contents.
`default_nettype none
`include "qmac_defs.vh"

module post_tb;
    parameter Rows         = 3;
    parameter Cols         = 5;
    parameter Instructions = 200;
    parameter Seed         = 1;

    localparam SpadBytes   = 262144;  // parameters, operands, outputs: so large that few outputs are overwritten before they are compared
    localparam ParamBlocks = 8;
    localparam TableReads  = (256 + Cols - 1) / Cols;
    localparam Operands    = 2048;
    localparam Outputs     = 4096;
    localparam AccRows     = 64;
    localparam AxiBytes    = 4;
    localparam Narrow      = Rows < Cols ? Rows : Cols;
    localparam CyclesMax   = 400000;

    `include "random.vh"
    `include "scale.vh"

    // ---- The machine's part under test ----
    reg          clk = 1'b0;
    reg          rst_n = 1'b0;
    reg  [511:0] insn;
    reg          front_valid = 1'b0;
    reg          start_ok = 1'b0;
    wire         start, ends, busy, issued, param, drain, re, operand_re, we, acc_re;
    wire [3:0]   end_signal;
    wire [15:0]  overflow_words, read_bytes, write_bytes, acc_read_words, requantized, scaled, pooled, acc_addr;
    wire [23:0]  addr, operand_addr, waddr;
    wire [8*Cols-1:0]  data, operand_data, wdata;
    wire [16*Cols-1:0] weight_data;
    wire [Cols-1:0]    wmask;
    wire [32*Cols-1:0] acc_data;
    wire [16*Rows-1:0] window_data;
    wire [8*AxiBytes-1:0] store_data;
    reg          load_we = 1'b0;
    reg  [23:0]  load_addr = 0;
    reg  [31:0]  load_data = 0;

    post #(.Rows(Rows), .Cols(Cols)) dut (
        .clk_i(clk), .rst_ni(rst_n), .clear_i(1'b0), .front_valid_i(front_valid), .front_insn_i(insn), .start_ok_i(start_ok),
        .start_o(start), .end_o(ends), .end_signal_o(end_signal), .busy_o(busy), .row_o(issued), .param_o(param), .drain_o(drain),
        .read_bytes_o(read_bytes), .write_bytes_o(write_bytes), .acc_read_words_o(acc_read_words), .requantize_o(requantized),
        .scale_o(scaled), .pool_o(pooled), .post_re_o(re), .post_addr_o(addr), .post_data_i(data),
        .operand_re_o(operand_re), .operand_addr_o(operand_addr), .operand_data_i(operand_data), .post_we_o(we),
        .post_waddr_o(waddr), .post_wdata_o(wdata), .post_wmask_o(wmask), .post_acc_re_o(acc_re), .post_acc_addr_o(acc_addr),
        .post_acc_data_i(acc_data));
    accumulator #(.Cols(Cols), .AccRows(AccRows)) acc (
        .clk_i(clk), .rst_ni(rst_n), .commit_i(1'b0), .commit_addr_i(16'd0), .commit_add_i(1'b0), .commit_corrected_i(9'd0),
        .sums_i({32*Cols{1'b0}}),
        .correction_i(32'd0), .overflow_words_o(overflow_words),
        .post_acc_re_i(acc_re), .post_acc_addr_i(acc_addr), .post_acc_data_o(acc_data));
    scratchpad #(.Rows(Rows), .Cols(Cols), .SpadBytes(SpadBytes), .AxiBytes(AxiBytes)) spad (
        .clk_i(clk), .window_re_i(1'b0), .window_wide_i(1'b0), .window_addr_i(24'd0), .window_data_o(window_data),
        .weight_re_i(1'b0), .weight_wide_i(1'b0), .weight_addr_i(24'd0), .weight_data_o(weight_data),
        .post_re_i(re), .post_addr_i(addr), .post_data_o(data),
        .operand_re_i(operand_re), .operand_addr_i(operand_addr), .operand_data_o(operand_data),
        .post_we_i(we), .post_waddr_i(waddr), .post_wdata_i(wdata), .post_wmask_i(wmask),
        .load_we_i(load_we), .load_addr_i(load_addr), .load_data_i(load_data), .load_mask_i(4'hf),
        .store_re_i(1'b0), .store_addr_i(24'd0), .store_data_o(store_data));

    // ---- What must happen ----
    reg [7:0] bytes [0:SpadBytes-1];
    integer   sums [0:AccRows*Cols-1];
    reg       must_issue [0:CyclesMax-1];
    reg       must_param [0:CyclesMax-1];
    reg       must_write [0:CyclesMax-1];
    integer   last_end = -1;
    integer   started = 0;
    integer   cycle = 0;
    integer   errors = 0;
    integer   issue;  // cycle of the next issue
    integer   want_reads = 0, want_writes = 0, want_acc = 0, want_requantize = 0, want_scale = 0, want_pool = 0;
    integer   got_reads = 0, got_writes = 0, got_acc = 0, got_requantize = 0, got_scale = 0, got_pool = 0;
    reg       on_product;  // the bias is added to the product, not to the sum
    integer   i, c, n, tile, oy, ox, ky, kx, piece, width, row, out, value, at, map_end;

    function integer signed_byte(input [7:0] b);
        signed_byte = {{24{b[7]}}, b};
    endfunction

    function integer signed_half(input [15:0] h);
        signed_half = {{16{h[15]}}, h};
    endfunction

    function [31:0] word(input integer a);
        word = {bytes[a+3], bytes[a+2], bytes[a+1], bytes[a]};
    endfunction

    function [15:0] clamp(input signed [31:0] x);
        reg signed [63:0] y;
        begin
            y = x;
            y = y + signed_half(`QM_F_OUT_ZERO(insn));
            if (y < signed_half(`QM_F_CLAMP_MIN(insn))) y = signed_half(`QM_F_CLAMP_MIN(insn));
            if (y > signed_half(`QM_F_CLAMP_MAX(insn))) y = signed_half(`QM_F_CLAMP_MAX(insn));
            clamp = y[15:0];
        end
    endfunction

    // A row's value as the first operand of a sum with a residual.
    function signed [31:0] first_operand(input signed [31:0] x);
        integer a;
        begin
            a = x;
            if (a < signed_half(`QM_F_A_MIN(insn))) a = signed_half(`QM_F_A_MIN(insn));
            if (a > signed_half(`QM_F_A_MAX(insn))) a = signed_half(`QM_F_A_MAX(insn));
            first_operand = scale(a << `QM_F_PRE_SHIFT(insn), `QM_F_A_MULTIPLIER(insn), signed_byte(`QM_F_A_SHIFT(insn)),
                                  `QM_F_ROUNDING(insn));
        end
    endfunction

    // Bits of an element that REQUANTIZE writes.
    function integer element_bits(input integer out_type);
        case (out_type)
            `QM_OUT_TYPE_BITS4:  element_bits = 4;
            `QM_OUT_TYPE_BITS16: element_bits = 16;
            `QM_OUT_TYPE_BITS32: element_bits = 32;
            default:             element_bits = 8;
        endcase
    endfunction

    function integer bytes_of(input integer out_type, input integer elements);
        bytes_of = (elements*element_bits(out_type) + 7) / 8;
    endfunction

    // Element c of a row at `to`, x scaled.
    task put_element(input integer to, input signed [31:0] x);
        reg [15:0]        y;
        reg signed [63:0] wide;
        begin
            y    = clamp(x);
            wide = x;
            wide = saturate(wide + signed_half(`QM_F_OUT_ZERO(insn)));
            case (`QM_F_OUT_TYPE(insn))
                `QM_OUT_TYPE_BITS4:  if (c % 2 == 0) bytes[to + c/2] = {4'd0, y[3:0]};
                                     else bytes[to + c/2] = {y[3:0], bytes[to + c/2][3:0]};
                `QM_OUT_TYPE_BITS16: {bytes[to + 2*c + 1], bytes[to + 2*c]} = y;
                `QM_OUT_TYPE_BITS32: {bytes[to + 4*c + 3], bytes[to + 4*c + 2], bytes[to + 4*c + 1], bytes[to + 4*c]} = wide[31:0];
                default:             bytes[to + c] = `QM_F_LOOKUP(insn) ? bytes[`QM_F_TABLE_ADDR(insn) + y[7:0]] : y[7:0];
            endcase
        end
    endtask

    function [7:0] window(input integer k, input integer j);  // k: ky and kx in one
        integer y, x;
        begin
            y = signed_half(`QM_F_Y_START(insn)) + oy*`QM_F_Y_STRIDE(insn) + (k / 256)*`QM_F_Y_DILATION(insn);
            x = signed_half(`QM_F_X_START(insn)) + ox*`QM_F_X_STRIDE(insn) + (k % 256)*`QM_F_X_DILATION(insn) + j;
            window = y >= 0 && y < `QM_F_IN_ROWS(insn) && x >= 0 && x < `QM_F_IN_ROW_BYTES(insn)
                   ? bytes[`QM_F_IN_ADDR(insn) + y*`QM_F_IN_PITCH(insn) + x] : `QM_F_PAD_VALUE(insn);
        end
    endfunction

    function integer element(input [7:0] b);
        element = `QM_F_IN_UNSIGNED(insn) ? {24'd0, b} : signed_byte(b);
    endfunction

    task one_issue;
        begin
            must_issue[issue] = 1'b1;
            issue = issue + 1;
        end
    endtask

    // An output of n bytes at out, written lag cycles after the last issue.
    task one_output(input integer lag, input integer counts);
        begin
            must_write[issue - 1 + lag] = 1'b1;
            last_end    = issue - 1 + lag;
            want_writes = want_writes + n;
            if (counts != 0) want_requantize = want_requantize + n;
        end
    endtask

    task expect_requantize;
        begin
            on_product = `QM_F_ROUNDING(insn) == `QM_ROUNDING_ADDEND || `QM_F_ROUNDING(insn) == `QM_ROUNDING_OFFSET;
            width = `QM_F_DEPTHWISE(insn) ? Narrow : Cols;
            row   = `QM_F_ACC_ADDR(insn);
            if (`QM_F_LOOKUP(insn)) begin
                for (i = 0; i < TableReads; i = i + 1) must_param[issue + i] = 1'b1;
                issue      = issue + TableReads;
                want_reads = want_reads + 256;
            end
            for (tile = 0; tile*width < `QM_F_CHANNELS(insn); tile = tile + 1) begin
                for (i = 0; i < 9; i = i + 1) begin
                    must_param[issue] = 1'b1;
                    issue = issue + 1;
                end
                want_reads = want_reads + 9*Cols;
                n  = `QM_F_CHANNELS(insn) - tile*width < width ? `QM_F_CHANNELS(insn) - tile*width : width;
                at = `QM_F_PARAM_ADDR(insn) + tile*9*Cols;
                for (oy = 0; oy < `QM_F_OUT_H(insn); oy = oy + 1)
                    for (ox = 0; ox < `QM_F_OUT_W(insn); ox = ox + 1) begin
                        out = `QM_F_OUT_ADDR(insn) + oy*`QM_F_OUT_PITCH(insn) + ox*`QM_F_OUT_PIXEL(insn)
                            + bytes_of(`QM_F_OUT_TYPE(insn), tile*width);
                        for (c = 0; c < n; c = c + 1) begin
                            value = scale_addend(
                                sums[row*Cols + c] + (on_product ? 0 : word(at + 4*c)),
                                word(at + 4*Cols + 4*c), signed_byte(bytes[at + 8*Cols + c]), `QM_F_ROUNDING(insn),
                                on_product ? word(at + 4*c) : 0);
                            if (`QM_F_RESIDUAL(insn))
                                value = scale(first_operand(value)
                                    + operand(bytes[`QM_F_B_ADDR(insn) + oy*`QM_F_B_PITCH(insn) + ox*`QM_F_B_PIXEL(insn) + tile*width + c],
                                              `QM_F_B_ZERO(insn), `QM_F_B_MULTIPLIER(insn), `QM_F_B_SHIFT(insn)),
                                    `QM_F_OUT_MULTIPLIER(insn), signed_byte(`QM_F_OUT_SHIFT(insn)), `QM_F_ROUNDING(insn));
                            put_element(out, value);
                        end
                        row             = row + 1;
                        want_acc        = want_acc + Cols;
                        want_requantize = want_requantize + (`QM_F_RESIDUAL(insn) ? 2*n : n);
                        want_scale      = want_scale + (`QM_F_RESIDUAL(insn) ? 2*n : 0);
                        want_reads      = want_reads + (`QM_F_RESIDUAL(insn) ? n : 0);
                        want_writes     = want_writes + bytes_of(`QM_F_OUT_TYPE(insn), n);
                        for (i = 0; i < bytes_of(`QM_F_OUT_TYPE(insn), 1); i = i + 1) begin
                            one_issue;
                            must_write[issue - 1 + (`QM_F_RESIDUAL(insn) ? 11 : 5)] = 1'b1;
                        end
                        last_end = issue - 1 + (`QM_F_RESIDUAL(insn) ? 11 : 5);
                    end
            end
        end
    endtask

    task expect_pool;
        for (tile = 0; tile*Cols < `QM_F_CHANNELS(insn); tile = tile + 1) begin
            n = `QM_F_CHANNELS(insn) - tile*Cols < Cols ? `QM_F_CHANNELS(insn) - tile*Cols : Cols;
            for (oy = 0; oy < `QM_F_OUT_H(insn); oy = oy + 1)
                for (ox = 0; ox < `QM_F_OUT_W(insn); ox = ox + 1) begin
                    out = `QM_F_OUT_ADDR(insn) + oy*`QM_F_OUT_PITCH(insn) + ox*`QM_F_OUT_PIXEL(insn) + tile*Cols;
                    for (c = 0; c < n; c = c + 1) begin
                        value = `QM_F_POOL_KIND(insn) == `QM_POOL_KIND_SUM ? 0 : -1000;
                        for (ky = 0; ky < `QM_F_KERNEL_H(insn); ky = ky + 1)
                            for (kx = 0; kx < `QM_F_KERNEL_W(insn); kx = kx + 1) begin
                                i = element(window(ky*256 + kx, tile*Cols + c));
                                if (`QM_F_POOL_KIND(insn) == `QM_POOL_KIND_SUM) value = value + i;
                                else if (i > value) value = i;
                            end
                        bytes[out + c] = clamp(scale(value + `QM_F_POOL_BIAS(insn), `QM_F_OUT_MULTIPLIER(insn),
                                                     signed_byte(`QM_F_OUT_SHIFT(insn)), `QM_F_ROUNDING(insn)));
                    end
                    for (i = 0; i < `QM_F_KERNEL_H(insn)*`QM_F_KERNEL_W(insn); i = i + 1) begin
                        want_reads = want_reads + n;
                        want_pool  = want_pool + n;
                        one_issue;
                    end
                    one_output(5, 1);
                end
        end
    endtask

    function signed [31:0] operand(input [7:0] b, input [15:0] zero, input [31:0] multiplier, input [7:0] shift);
        integer v;
        begin
            v       = (element(b) - signed_half(zero)) << `QM_F_PRE_SHIFT(insn);
            operand = scale(v, multiplier, signed_byte(shift), `QM_F_ROUNDING(insn));
        end
    endfunction

    task expect_add;
        for (piece = 0; piece < `QM_F_LENGTH(insn); piece = piece + Cols) begin
            n   = `QM_F_LENGTH(insn) - piece < Cols ? `QM_F_LENGTH(insn) - piece : Cols;
            out = `QM_F_OUT_ADDR(insn) + piece;
            for (c = 0; c < n; c = c + 1) begin
                if (`QM_F_BINARY(insn))
                    value = (element(bytes[`QM_F_IN_ADDR(insn) + piece + c]) - signed_half(`QM_F_A_ZERO(insn)))
                          * (element(bytes[`QM_F_B_ADDR(insn) + piece + c]) - signed_half(`QM_F_B_ZERO(insn)));
                else
                    value = operand(bytes[`QM_F_IN_ADDR(insn) + piece + c], `QM_F_A_ZERO(insn),
                                    `QM_F_A_MULTIPLIER(insn), `QM_F_A_SHIFT(insn))
                      + operand(bytes[`QM_F_B_ADDR(insn) + piece + c], `QM_F_B_ZERO(insn), `QM_F_B_MULTIPLIER(insn), `QM_F_B_SHIFT(insn));
                bytes[out + c] = clamp(scale(value, `QM_F_OUT_MULTIPLIER(insn), signed_byte(`QM_F_OUT_SHIFT(insn)), `QM_F_ROUNDING(insn)));
            end
            want_reads = want_reads + 2*n;
            want_scale = want_scale + (`QM_F_BINARY(insn) ? n : 2*n);
            one_issue;
            one_output(8, 1);
        end
    endtask

    task expect_copy;
        for (oy = 0; oy < `QM_F_OUT_H(insn); oy = oy + 1)
            for (ox = 0; ox < `QM_F_OUT_W(insn); ox = ox + 1)
                for (ky = 0; ky < `QM_F_KERNEL_H(insn); ky = ky + 1)
                    for (kx = 0; kx < `QM_F_KERNEL_W(insn); kx = kx + 1)
                        for (piece = 0; piece < `QM_F_RUN_BYTES(insn); piece = piece + Cols) begin
                            n   = `QM_F_RUN_BYTES(insn) - piece < Cols ? `QM_F_RUN_BYTES(insn) - piece : Cols;
                            out = `QM_F_OUT_ADDR(insn) + oy*`QM_F_OUT_PITCH(insn) + ox*`QM_F_OUT_PIXEL(insn)
                                + (ky*`QM_F_KERNEL_W(insn) + kx)*`QM_F_RUN_BYTES(insn) + piece;
                            for (c = 0; c < n; c = c + 1) bytes[out + c] = window(ky*256 + kx, piece + c);
                            want_reads = want_reads + n;
                            one_issue;
                            one_output(5, 0);
                        end
    endtask

    task draw_output(input integer position_bytes);
        begin
            `QM_F_OUT_ADDR(insn)  = Outputs + draw(SpadBytes - Outputs - 8192);
            `QM_F_OUT_PIXEL(insn) = position_bytes + draw(4);
            `QM_F_OUT_PITCH(insn) = `QM_F_OUT_PIXEL(insn)*`QM_F_OUT_W(insn) + draw(4);
            `QM_F_ROUNDING(insn)  = `QM_F_OPCODE(insn) == `QM_OP_COPY ? 0 : draw(7);
        end
    endtask

    task draw_clamp;
        begin
            `QM_F_OUT_ZERO(insn)  = draw(4) == 0 ? draw(65536) : draw(300) - 150;
            `QM_F_CLAMP_MIN(insn) = draw(4) == 0 ? draw(65536) : 0 - draw(300);
            `QM_F_CLAMP_MAX(insn) = draw(4) == 0 ? draw(65536) : draw(300);
        end
    endtask

    task draw_sum;
        begin
            `QM_F_IN_UNSIGNED(insn)    = draw(2);
            `QM_F_B_ZERO(insn)         = draw(4) == 0 ? draw(65536) : draw(256) - 128;
            `QM_F_A_MULTIPLIER(insn)   = draw(4) == 0 ? draw_word(0) : 32'h40000000 + draw(32'h40000000);
            `QM_F_B_MULTIPLIER(insn)   = draw(4) == 0 ? draw_word(0) : 32'h40000000 + draw(32'h40000000);
            `QM_F_A_SHIFT(insn)        = draw(4) == 0 ? draw(256) : 0 - draw(3);
            `QM_F_B_SHIFT(insn)        = draw(4) == 0 ? draw(256) : 0 - draw(3);
            `QM_F_PRE_SHIFT(insn)      = draw(2) == 0 ? 20 : draw(32);
            `QM_F_OUT_MULTIPLIER(insn) = draw(4) == 0 ? draw_word(0) : 32'h40000000 + draw(32'h40000000);
            `QM_F_OUT_SHIFT(insn)      = draw(4) == 0 ? draw(256) : 0 - 16 - draw(6);
        end
    endtask

    task draw_window;
        begin
            `QM_F_KERNEL_H(insn)     = draw_from(1, 3);
            `QM_F_KERNEL_W(insn)     = draw_from(1, 3);
            `QM_F_IN_ROWS(insn)      = draw_from(1, 8);
            `QM_F_IN_ROW_BYTES(insn) = draw_from(1, 60);
            `QM_F_IN_PITCH(insn)     = `QM_F_IN_ROW_BYTES(insn) + draw(9);
            `QM_F_IN_ADDR(insn)      = Operands + draw(Outputs - Operands - 8*70);
            `QM_F_Y_START(insn)      = draw(6) - 3;
            `QM_F_X_START(insn)      = draw(8) == 0 ? 0 - draw(32768) : draw(20) - 10;
            `QM_F_Y_STRIDE(insn)     = draw(8) == 0 ? draw(256) : draw(4);
            `QM_F_X_STRIDE(insn)     = draw(8) == 0 ? draw(65536) : draw(12);
            `QM_F_Y_DILATION(insn)   = draw(3);
            `QM_F_X_DILATION(insn)   = draw(20);
            `QM_F_PAD_VALUE(insn)    = draw(256);
            `QM_F_IN_UNSIGNED(insn)  = `QM_F_OPCODE(insn) == `QM_OP_COPY ? 0 : draw(2);
            `QM_F_RUN_BYTES(insn)    = 1;
        end
    endtask

    task draw_instruction;
        begin
            insn = 512'd0;
            `QM_F_OPCODE(insn) = `QM_OP_REQUANTIZE + draw(4);
            `QM_F_SIGNAL(insn) = draw(16);
            `QM_F_OUT_H(insn)  = draw_from(1, 3);
            `QM_F_OUT_W(insn)  = draw_from(1, 4);
            case (`QM_F_OPCODE(insn))
                `QM_OP_REQUANTIZE: begin
                    `QM_F_DEPTHWISE(insn)  = draw(2);
                    width                  = `QM_F_DEPTHWISE(insn) ? Narrow : Cols;
                    `QM_F_CHANNELS(insn)   = draw_from(1, 4*width);
                    `QM_F_TILES(insn)      = (`QM_F_CHANNELS(insn) + width - 1) / width;
                    `QM_F_ACC_ADDR(insn)   = draw(AccRows - `QM_F_TILES(insn)*`QM_F_OUT_H(insn)*`QM_F_OUT_W(insn) + 1);
                    `QM_F_PARAM_ADDR(insn) = 9*Cols*draw(ParamBlocks - 3);
                    `QM_F_OUT_TYPE(insn)   = draw(4);
                    if (`QM_F_OUT_TYPE(insn) == `QM_OUT_TYPE_BITS4 && `QM_F_TILES(insn) > 1 && width % 2 == 1)
                        `QM_F_OUT_TYPE(insn) = `QM_OUT_TYPE_BITS8;
                    if (`QM_F_OUT_TYPE(insn) == `QM_OUT_TYPE_BITS8) `QM_F_LOOKUP(insn) = draw(2);
                    `QM_F_TABLE_ADDR(insn) = Operands + draw(Outputs - Operands - 256);
                    draw_sum;
                    `QM_F_RESIDUAL(insn)   = draw(2);
                    `QM_F_A_MIN(insn)      = draw(4) == 0 ? draw(65536) : 0 - draw(256);
                    `QM_F_A_MAX(insn)      = draw(4) == 0 ? draw(65536) : draw(256);
                    `QM_F_B_PIXEL(insn)    = `QM_F_CHANNELS(insn) + draw(4);
                    `QM_F_B_PITCH(insn)    = `QM_F_B_PIXEL(insn)*`QM_F_OUT_W(insn) + draw(4);
                    `QM_F_B_ADDR(insn)     = Operands + draw(Outputs - Operands - 3*`QM_F_B_PITCH(insn));
                    draw_output(bytes_of(`QM_F_OUT_TYPE(insn), `QM_F_CHANNELS(insn)));
                    draw_clamp;
                end
                `QM_OP_POOL: begin
                    draw_window;
                    `QM_F_POOL_KIND(insn)      = draw(2);
                    `QM_F_CHANNELS(insn)       = draw_from(1, 3*Cols);
                    `QM_F_POOL_BIAS(insn)      = draw(2) == 0 ? draw_word(0) : draw(1000) - 500;
                    `QM_F_OUT_MULTIPLIER(insn) = draw(4) == 0 ? draw_word(0) : 32'h40000000 + draw(32'h40000000);
                    `QM_F_OUT_SHIFT(insn)      = draw(4) == 0 ? draw(256) : draw(6) - 4;
                    draw_output(`QM_F_CHANNELS(insn));
                    draw_clamp;
                end
                `QM_OP_ADD: begin
                    `QM_F_OUT_H(insn)          = 0;
                    `QM_F_OUT_W(insn)          = 0;
                    `QM_F_BINARY(insn)         = draw(2);
                    `QM_F_LENGTH(insn)         = draw_from(1, 6*Cols);
                    `QM_F_IN_ADDR(insn)        = Operands + draw(Outputs - Operands - 6*Cols);
                    `QM_F_B_ADDR(insn)         = Operands + draw(Outputs - Operands - 6*Cols);
                    draw_output(0);
                    `QM_F_OUT_ADDR(insn)       = draw(3) == 0 ? `QM_F_B_ADDR(insn) : `QM_F_OUT_ADDR(insn);
                    if (draw(4) == 0) `QM_F_IN_ADDR(insn) = `QM_F_B_ADDR(insn);
                    if (`QM_F_OUT_ADDR(insn) < Outputs) `QM_F_IN_ADDR(insn) = `QM_F_B_ADDR(insn);
                    `QM_F_OUT_PIXEL(insn)      = 0;
                    `QM_F_OUT_PITCH(insn)      = 0;
                    draw_clamp;
                    `QM_F_A_ZERO(insn)         = draw(4) == 0 ? draw(65536) : draw(256) - 128;
                    draw_sum;
                    if (`QM_F_BINARY(insn)) `QM_F_OUT_SHIFT(insn) = draw(4) == 0 ? draw(256) : 0 - 4 - draw(6);
                end
                default: begin
                    draw_window;
                    `QM_F_RUN_BYTES(insn) = draw_from(1, 3*Cols);
                    draw_output(`QM_F_KERNEL_H(insn)*`QM_F_KERNEL_W(insn)*`QM_F_RUN_BYTES(insn));
                end
            endcase
        end
    endtask

    task expect_instruction;
        begin
            if (cycle <= last_end) begin errors = errors + 1; $display("cycle %0d: start before the end", cycle); end
            issue = cycle + 1;
            case (`QM_F_OPCODE(insn))
                `QM_OP_REQUANTIZE: expect_requantize;
                `QM_OP_POOL:       expect_pool;
                `QM_OP_ADD:        expect_add;
                default:           expect_copy;
            endcase
        end
    endtask

    task check(input integer got, input integer want, input [8*16-1:0] what);
        if (got !== want) begin
            errors = errors + 1;
            if (errors < 20) $display("cycle %0d: %0s is %0d, must be %0d", cycle, what, got, want);
        end
    endtask

    task clock;
        begin
            #1 clk = 1'b1; #1 clk = 1'b0;
        end
    endtask

    // Parameters that leave most results between the clamps, and some extremes.
    task draw_memories;
        reg [31:0] w;
        begin
            for (i = 0; i < SpadBytes; i = i + 1) bytes[i] = draw(256);
            for (i = 0; i < ParamBlocks; i = i + 1)
                for (c = 0; c < Cols; c = c + 1) begin
                    at = 9*Cols*i + 4*c;
                    w  = draw(8) == 0 ? draw_word(0) : draw(20000) - 10000;
                    {bytes[at+3], bytes[at+2], bytes[at+1], bytes[at]} = w;
                    at = at + 4*Cols;
                    w  = draw(8) == 0 ? draw_word(0) : 32'h40000000 + draw(32'h40000000);
                    {bytes[at+3], bytes[at+2], bytes[at+1], bytes[at]} = w;
                    bytes[9*Cols*i + 8*Cols + c] = draw(8) == 0 ? draw(256) : 0 - 7 - draw(6);
                end
            for (i = 0; i < AccRows; i = i + 1)
                for (c = 0; c < Cols; c = c + 1) begin
                    sums[i*Cols + c] = draw(8) == 0 ? draw_word(0) : draw(200000) - 100000;
                    acc.mem[i][32*c +: 32] = sums[i*Cols + c];
                end
        end
    endtask

    initial begin
        state = Seed;
        for (i = 0; i < CyclesMax; i = i + 1) begin
            must_issue[i] = 1'b0;
            must_param[i] = 1'b0;
            must_write[i] = 1'b0;
        end
        draw_memories;
        clock;
        rst_n   = 1'b1;
        load_we = 1'b1;
        for (at = 0; at < SpadBytes; at = at + AxiBytes) begin
            load_addr = at;
            load_data = word(at);
            clock;
        end
        load_we = 1'b0;
        draw_instruction;
        while ((started < Instructions || cycle <= last_end) && cycle < CyclesMax) begin
            front_valid = started < Instructions && draw(4) != 0;
            start_ok    = draw(4) != 0;
            #1;
            check(start, front_valid && start_ok && cycle > last_end, "start");
            check(busy, cycle <= last_end, "busy");
            check(ends, cycle == last_end, "end");
            if (ends) check(end_signal, `QM_F_SIGNAL(dut.insn_q), "signal");
            if (start) expect_instruction;
            check(issued, must_issue[cycle], "row");
            check(param, must_param[cycle], "param");
            check(we, must_write[cycle], "write");
            got_reads      = got_reads + read_bytes;
            got_writes     = got_writes + write_bytes;
            got_acc        = got_acc + acc_read_words;
            got_requantize = got_requantize + requantized;
            got_scale      = got_scale + scaled;
            got_pool       = got_pool + pooled;
            i = start;
            clock;
            if (i) begin
                started = started + 1;
                draw_instruction;
            end
            cycle = cycle + 1;
        end
        check(got_reads, want_reads, "post_reads");
        check(got_writes, want_writes, "post_writes");
        check(got_acc, want_acc, "acc_reads");
        check(got_requantize, want_requantize, "requantize_ops");
        check(got_scale, want_scale, "scale_ops");
        check(got_pool, want_pool, "pool_ops");
        for (i = 0; i < SpadBytes; i = i + 1)
            if (spad.mem[i] !== bytes[i]) begin
                errors = errors + 1;
                if (errors < 20) $display("byte %0d: %h, must be %h", i, spad.mem[i], bytes[i]);
            end
        if (errors == 0) $display("PASS post %0dx%0d seed %0d: %0d instructions, %0d cycles", Rows, Cols, Seed, Instructions, cycle);
        else $display("FAIL post %0dx%0d seed %0d: %0d errors", Rows, Cols, Seed, errors);
        $finish;
    end
endmodule
