// matmul_tb - scratchpad, matmul, mac_array, row_sum and accumulator together on random MATMULs, against the formulas of docs/machine.md:
// the first and last cycle of every step, the end of every instruction, counters, and the accumulator's contents.
`default_nettype none
`include "qmac_defs.vh"

module matmul_tb;
    parameter Rows         = 3;
    parameter Cols         = 5;
    parameter CellBytes    = 2;
    parameter FastArray    = 1;
    parameter Instructions = 60;
    parameter Seed         = 1;
    parameter AccBits      = 32;
    parameter AccSaturate  = 0;

    localparam SpadBytes = 4096;
    localparam AccRows   = 2048;  // large, so that most rows are not overwritten before they are compared
    localparam AxiBytes  = 4;
    localparam Narrow    = Rows < Cols ? Rows : Cols;
    localparam CyclesMax = 400000;

    `include "random.vh"

    // ---- The machine's part under test ----
    reg          clk = 1'b0;
    reg          rst_n = 1'b0;
    reg  [511:0] program [0:Instructions-1];
    integer      started = 0;  // instructions
    integer      taken = 0;
    reg          front_valid = 1'b0;
    reg          start_ok = 1'b0;
    wire         start, take, ends, busy, stream, wait_weights, drain, window_re, window_wide, weight_re, weight_wide;
    wire [3:0]   end_signal;
    wire [31:0]  macs, macs_w4a8, macs_w4a4;
    wire [15:0]  stream_bytes, weight_bytes, weight_write_bytes, acc_write_words, acc_read_words;
    wire [23:0]  window_addr, weight_addr;
    wire [16*Rows-1:0] window_data, row_data;
    wire [16*Cols-1:0] weight_data, weights;
    wire [1:0]         weight_mode, row_mode;
    wire         weight_valid, weight_buffer, sample_valid, row_valid, row_buffer, row_unsigned, commit, commit_add;
    wire [7:0]   weight_row, row_sampled;
    wire [8*Cols-1:0] sample_data;
    wire [15:0]  commit_addr, row_weight_zero, row_sums, overflow_words;
    wire [31:0]  correction;
    wire [8:0]   commit_corrected;
    wire [32*Cols-1:0] sums, post_acc_data;
    wire [8*Cols-1:0]  post_data, operand_data;
    wire [8*AxiBytes-1:0] store_data;

    reg          load_we = 1'b0;
    reg  [23:0]  load_addr = 0;
    reg  [31:0]  load_data = 0;

    wire back_valid = taken < started || start;

    matmul #(.Rows(Rows), .Cols(Cols), .CellBytes(CellBytes)) dut (
        .clk_i(clk), .rst_ni(rst_n), .clear_i(1'b0),
        .front_valid_i(front_valid), .front_insn_i(program[started < Instructions ? started : 0]), .start_ok_i(start_ok),
        .back_valid_i(back_valid), .back_insn_i(program[taken < Instructions ? taken : 0]),
        .start_o(start), .take_o(take), .end_o(ends), .end_signal_o(end_signal), .busy_o(busy),
        .stream_o(stream), .wait_weights_o(wait_weights), .drain_o(drain), .macs_o(macs), .macs_w4a8_o(macs_w4a8), .macs_w4a4_o(macs_w4a4),
        .row_sum_o(row_sums), .stream_bytes_o(stream_bytes),
        .weight_read_bytes_o(weight_bytes), .weight_write_bytes_o(weight_write_bytes),
        .acc_write_words_o(acc_write_words), .acc_read_words_o(acc_read_words),
        .window_re_o(window_re), .window_wide_o(window_wide), .window_addr_o(window_addr), .window_data_i(window_data),
        .weight_re_o(weight_re), .weight_wide_o(weight_wide), .weight_addr_o(weight_addr), .weight_data_i(weight_data),
        .array_weight_valid_o(weight_valid), .array_weight_buffer_o(weight_buffer), .array_row_sampled_o(row_sampled),
        .array_sample_valid_o(sample_valid), .array_sample_data_o(sample_data),
        .array_weight_row_o(weight_row), .array_weight_mode_o(weight_mode), .array_weight_data_o(weights),
        .array_row_valid_o(row_valid), .array_row_buffer_o(row_buffer), .array_row_unsigned_o(row_unsigned),
        .array_row_mode_o(row_mode), .array_row_data_o(row_data), .commit_o(commit), .commit_addr_o(commit_addr), .commit_add_o(commit_add),
        .row_weight_zero_o(row_weight_zero), .commit_corrected_o(commit_corrected));
    mac_array #(.Rows(Rows), .Cols(Cols), .CellBytes(CellBytes), .FastArray(FastArray)) macs_array (
        .clk_i(clk), .rst_ni(rst_n), .weight_valid_i(weight_valid), .weight_buffer_i(weight_buffer),
        .row_sampled_i(row_sampled), .sample_valid_i(sample_valid), .sample_data_i(sample_data),
        .weight_row_i(weight_row), .weight_mode_i(weight_mode), .weight_data_i(weights),
        .row_valid_i(row_valid), .row_buffer_i(row_buffer), .row_unsigned_i(row_unsigned), .row_mode_i(row_mode), .row_data_i(row_data),
        .sums_o(sums));
    row_sum #(.Rows(Rows), .Cols(Cols), .CellBytes(CellBytes)) corrections (
        .clk_i(clk), .rst_ni(rst_n), .row_valid_i(row_valid), .row_unsigned_i(row_unsigned), .row_mode_i(row_mode), .row_data_i(row_data),
        .row_weight_zero_i(row_weight_zero), .correction_o(correction));
    accumulator #(.Cols(Cols), .AccRows(AccRows), .AccBits(AccBits), .AccSaturate(AccSaturate)) acc (
        .clk_i(clk), .rst_ni(rst_n), .commit_i(commit), .commit_addr_i(commit_addr), .commit_add_i(commit_add),
        .commit_corrected_i(commit_corrected),
        .sums_i(sums), .correction_i(correction), .overflow_words_o(overflow_words),
        .post_acc_re_i(1'b0), .post_acc_addr_i(16'd0), .post_acc_data_o(post_acc_data));
    scratchpad #(.Rows(Rows), .Cols(Cols), .CellBytes(CellBytes), .SpadBytes(SpadBytes), .AxiBytes(AxiBytes)) spad (
        .clk_i(clk), .window_re_i(window_re), .window_wide_i(window_wide), .window_addr_i(window_addr), .window_data_o(window_data),
        .weight_re_i(weight_re), .weight_wide_i(weight_wide), .weight_addr_i(weight_addr), .weight_data_o(weight_data),
        .post_re_i(1'b0), .post_addr_i(24'd0), .post_data_o(post_data),
        .operand_re_i(1'b0), .operand_addr_i(24'd0), .operand_data_o(operand_data),
        .post_we_i(1'b0), .post_waddr_i(24'd0), .post_wdata_i({8*Cols{1'b0}}), .post_wmask_i({Cols{1'b0}}),
        .load_we_i(load_we), .load_addr_i(load_addr), .load_data_i(load_data), .load_mask_i(4'hf),
        .store_re_i(1'b0), .store_addr_i(24'd0), .store_data_o(store_data));

    // ---- What must happen ----
    reg  [7:0]  bytes [0:SpadBytes-1];
    integer     expected_acc [0:AccRows*Cols-1];
    reg         must_stream [0:CyclesMax-1];   // a row is issued in this cycle
    reg         must_preload [0:CyclesMax-1];
    reg         must_end [0:CyclesMax-1];
    reg  [3:0]  must_signal [0:CyclesMax-1];
    integer     want_sums = 0, want_overflows = 0, got_sums = 0, got_overflows = 0;
    integer     want_macs = 0, want_stream = 0, want_weights = 0, want_writes = 0, want_reads = 0;
    integer     got_macs = 0, got_stream = 0, got_weights = 0, got_writes = 0, got_reads = 0;

    integer preload_end = -1;       // of the step before
    integer stream_end = -1;        // of the step before, and of the one before that
    integer stream_end_before = -1;
    integer last_end = -1;          // of an instruction
    integer cycle = 0;
    integer errors = 0;
    reg     idle = 1'b1;            // nothing was unfinished in the cycle before
    integer step_k, step_n, weight_at, tile, ky, kx, piece, oy, ox, i, c, m, x, y,
            tile_width, piece_max, first, preload_start, stream_start, samples, sample, taps, rows_read;
    integer activation, weight, row;
    reg signed [63:0] exact, most;
    reg [511:0] insn;

    function integer signed_byte(input [7:0] value);
        signed_byte = {{24{value[7]}}, value};
    endfunction

    function integer signed_half(input [15:0] value);
        signed_half = {{16{value[15]}}, value};
    endfunction

    function integer window_byte(input integer wy, input integer wx);
        reg [7:0] value;
        begin
            if (wy >= 0 && wy < `QM_F_IN_ROWS(insn) && wx >= 0 && wx < `QM_F_IN_ROW_BYTES(insn))
                value = bytes[(`QM_F_IN_ADDR(insn) + wy*`QM_F_IN_PITCH(insn) + wx) % SpadBytes];
            else
                value = `QM_F_PAD_VALUE(insn);
            window_byte = `QM_F_IN_UNSIGNED(insn) ? {24'd0, value} : signed_byte(value);
        end
    endfunction

    // Of the lane in row and c.
    task commit_sum;
        begin
            most = (64'sd1 << (AccBits - 1)) - 1;
            if (exact > most || exact < -most - 1) begin
                want_overflows = want_overflows + 1;
                if (AccSaturate != 0) exact = exact > most ? most : -most - 1;
                else                  exact = exact > most ? exact - 2*most - 2 : exact + 2*most + 2;
            end
            expected_acc[row*Cols + c] = exact[31:0];
        end
    endtask

    task expect_values;
        for (oy = 0; oy < `QM_F_OUT_H(insn); oy = oy + 1)
            for (ox = 0; ox < `QM_F_OUT_W(insn); ox = ox + 1) begin
                m   = oy*`QM_F_OUT_W(insn) + ox;
                row = `QM_F_ACC_ADDR(insn) + tile*`QM_F_OUT_H(insn)*`QM_F_OUT_W(insn) + m;
                for (c = 0; c < Cols; c = c + 1) begin
                    exact = first && !`QM_F_ACCUMULATE(insn) ? 0 : expected_acc[row*Cols + c];
                    if (c < step_n)
                        for (i = 0; i < taps; i = i + 1) begin
                            sample = ox;
                            if (`QM_F_DEPTHWISE(insn)) sample = ox*`QM_F_SAMPLE_STEP(insn) + i - `QM_F_SKIP_LEFT(insn);
                            y = signed_half(`QM_F_Y_START(insn)) + oy*`QM_F_Y_STRIDE(insn) + ky*`QM_F_Y_DILATION(insn);
                            x = signed_half(`QM_F_X_START(insn)) + sample*`QM_F_X_STRIDE(insn) + kx*`QM_F_X_DILATION(insn)
                              + (`QM_F_DEPTHWISE(insn) ? tile*tile_width + c : piece + i);
                            if (`QM_F_DEPTHWISE(insn) && (sample < 0 || sample >= samples)) y = -1;
                            activation = window_byte(y, x);
                            weight     = signed_byte(bytes[weight_at + i*step_n + c]) - signed_half(`QM_F_WEIGHT_ZERO(insn));
                            exact      = exact + activation*weight;
                        end
                    commit_sum;
                end
            end
    endtask

    task expect_step;
        begin
            step_k = `QM_F_DEPTHWISE(insn) ? step_n : `QM_F_RUN_BYTES(insn) - piece < Rows ? `QM_F_RUN_BYTES(insn) - piece : Rows;
            m      = `QM_F_OUT_H(insn) * `QM_F_OUT_W(insn);
            taps   = `QM_F_DEPTHWISE(insn) ? `QM_F_RUN_BYTES(insn) : step_k;
            i      = taps;
            samples   = (`QM_F_OUT_W(insn) - 1)*`QM_F_SAMPLE_STEP(insn) + taps - `QM_F_SKIP_LEFT(insn) - `QM_F_SKIP_RIGHT(insn);
            rows_read = `QM_F_DEPTHWISE(insn) ? `QM_F_OUT_H(insn)*samples : m;
            preload_start = (preload_end > stream_end_before ? preload_end : stream_end_before) + 1;
            preload_end   = preload_start + i - 1;
            stream_start  = (stream_end > preload_end ? stream_end : preload_end) + 1;
            stream_end_before = stream_end;
            stream_end        = stream_start + rows_read - 1;
            for (c = preload_start; c <= preload_end; c = c + 1) must_preload[c] = 1'b1;
            for (c = stream_start; c <= stream_end; c = c + 1) must_stream[c] = 1'b1;
            if (`QM_F_DEPTHWISE(insn)) stream_end = stream_end + `QM_F_SKIP_RIGHT(insn);  // these rows read nothing
            want_macs    = want_macs + m*step_n*i;
            want_stream  = want_stream + rows_read*step_k;
            if (`QM_F_WEIGHT_ZERO(insn) != 0) want_sums = want_sums + m*step_k;
            want_weights = want_weights + i*step_n;
            want_writes  = want_writes + m*Cols;
            if (!first || `QM_F_ACCUMULATE(insn)) want_reads = want_reads + m*Cols;
            expect_values;
            weight_at = weight_at + step_n*taps;
            first     = 0;
        end
    endtask

    // The instruction started in this cycle.
    task expect_instruction;
        begin
            insn       = program[started];
            tile_width = `QM_F_DEPTHWISE(insn) ? Narrow : Cols;
            piece_max  = `QM_F_DEPTHWISE(insn) ? 1 : `QM_F_RUN_BYTES(insn);
            weight_at  = `QM_F_WEIGHT_ADDR(insn);
            if (cycle > preload_end) preload_end = cycle;
            else begin errors = errors + 1; $display("cycle %0d: start while the front is busy", cycle); end
            for (tile = 0; tile < `QM_F_TILES(insn); tile = tile + 1) begin
                first  = 1;
                step_n = `QM_F_CHANNELS(insn) - tile*tile_width < tile_width ? `QM_F_CHANNELS(insn) - tile*tile_width : tile_width;
                for (ky = 0; ky < `QM_F_KERNEL_H(insn); ky = ky + 1)
                    for (kx = 0; kx < `QM_F_KERNEL_W(insn); kx = kx + 1)
                        for (piece = 0; piece < piece_max; piece = piece + Rows) expect_step;
            end
            last_end              = stream_end + Rows + Cols;
            must_end[last_end]    = 1'b1;
            must_signal[last_end] = `QM_F_SIGNAL(insn);
        end
    endtask

    // The first instruction fills both weight buffers, so that no cell is unknown in a four-valued simulator.
    task draw_instruction(input integer index);
        integer rows;
        begin
            insn = 512'd0;
            `QM_F_OPCODE(insn)      = `QM_OP_MATMUL;
            `QM_F_SIGNAL(insn)      = draw(16);
            `QM_F_DEPTHWISE(insn)   = index > 0 && draw(3) == 0;
            `QM_F_IN_UNSIGNED(insn) = draw(2);
            `QM_F_WEIGHT_ZERO(insn) = `QM_F_DEPTHWISE(insn) || draw(2) == 0 ? 0 : draw(511) - 255;
            `QM_F_ACCUMULATE(insn)  = draw(2);
            `QM_F_PAD_VALUE(insn)   = draw(256);
            `QM_F_KERNEL_H(insn)    = draw_from(1, 3);
            `QM_F_KERNEL_W(insn)    = draw_from(1, 3);
            `QM_F_RUN_BYTES(insn)   = `QM_F_DEPTHWISE(insn) ? draw_from(1, Rows < 8 ? Rows : 8)
                                    : index == 0 ? 2*Rows : draw_from(1, 2*Rows + 2);
            `QM_F_SAMPLE_STEP(insn) = draw(8) == 0 ? draw_from(1, 255) : draw_from(1, 3);
            `QM_F_SKIP_LEFT(insn)   = `QM_F_DEPTHWISE(insn) ? draw(`QM_F_RUN_BYTES(insn)) : 0;
            `QM_F_SKIP_RIGHT(insn)  = `QM_F_DEPTHWISE(insn) ? draw(`QM_F_RUN_BYTES(insn) - `QM_F_SKIP_LEFT(insn)) : 0;
            `QM_F_CHANNELS(insn)    = draw_from(1, 3*(`QM_F_DEPTHWISE(insn) ? Narrow : Cols));
            tile_width              = `QM_F_DEPTHWISE(insn) ? Narrow : Cols;
            `QM_F_TILES(insn)       = (`QM_F_CHANNELS(insn) + tile_width - 1) / tile_width;
            `QM_F_OUT_H(insn)       = draw_from(1, 4);
            `QM_F_OUT_W(insn)       = draw_from(1, 5);
            rows                    = `QM_F_TILES(insn)*`QM_F_OUT_H(insn)*`QM_F_OUT_W(insn);
            `QM_F_ACC_ADDR(insn)    = draw(AccRows/2);
            `QM_F_IN_ROWS(insn)     = draw_from(1, 8);
            `QM_F_IN_ROW_BYTES(insn)= draw_from(1, 60);
            `QM_F_IN_PITCH(insn)    = `QM_F_IN_ROW_BYTES(insn) + draw(9);
            `QM_F_IN_ADDR(insn)     = draw(SpadBytes - 8*70);
            `QM_F_Y_START(insn)     = draw(6) - 3;
            `QM_F_X_START(insn)     = draw(8) == 0 ? 0 - draw(32768) : draw(20) - 10;
            `QM_F_Y_STRIDE(insn)    = draw(8) == 0 ? draw(256) : draw(4);
            `QM_F_X_STRIDE(insn)    = draw(8) == 0 ? draw(65536) : draw(12);
            `QM_F_Y_DILATION(insn)  = draw(3);
            `QM_F_X_DILATION(insn)  = draw(20);
            `QM_F_WEIGHT_ADDR(insn) = draw(SpadBytes - 9*(2*Rows + 2)*3*Cols);
            program[index] = insn;
        end
    endtask

    task clock;
        begin
            #1 clk = 1'b1; #1 clk = 1'b0;
        end
    endtask

    task check(input integer got, input integer want, input [8*12-1:0] what);
        if (got !== want) begin
            errors = errors + 1;
            if (errors < 20) $display("cycle %0d: %0s is %0d, must be %0d", cycle, what, got, want);
        end
    endtask

    initial begin
        state = Seed;
        for (i = 0; i < CyclesMax; i = i + 1) begin
            must_stream[i]  = 1'b0;
            must_preload[i] = 1'b0;
            must_end[i]     = 1'b0;
        end
        for (i = 0; i < AccRows; i = i + 1) acc.mem[i] = 0;
        for (i = 0; i < AccRows*Cols; i = i + 1) expected_acc[i] = 0;
        for (i = 0; i < Instructions; i = i + 1) draw_instruction(i);
        for (i = 0; i < SpadBytes; i = i + 1) bytes[i] = draw(256);
        clock;
        rst_n = 1'b1;
        load_we = 1'b1;
        for (i = 0; i < SpadBytes; i = i + AxiBytes) begin
            load_addr = i;
            load_data = {bytes[i+3], bytes[i+2], bytes[i+1], bytes[i]};
            clock;
        end
        load_we = 1'b0;
        while ((started < Instructions || cycle <= last_end + 1) && cycle < CyclesMax) begin
            front_valid = started < Instructions && draw(4) != 0;
            start_ok    = draw(3) != 0;
            #1;
            check(start, front_valid && start_ok && cycle > preload_end, "start");
            if (start) expect_instruction;
            check(weight_re, must_preload[cycle], "preload");
            check(window_re, must_stream[cycle], "stream");
            check(ends, must_end[cycle], "end");
            if (ends) check(end_signal, must_signal[cycle], "signal");
            check(busy, cycle <= last_end && !(start && idle), "busy");
            idle        = cycle >= last_end;
            got_macs    = got_macs + macs;
            got_stream  = got_stream + stream_bytes;
            got_sums    = got_sums + row_sums;
            got_overflows = got_overflows + overflow_words;
            got_weights = got_weights + weight_bytes;
            got_writes  = got_writes + acc_write_words;
            got_reads   = got_reads + acc_read_words;
            if (take) i = 1; else i = 0;
            c = start;
            #1 clk = 1'b1;
            started = started + c;
            taken   = taken + i;
            #1 clk = 1'b0;
            cycle = cycle + 1;
        end
        check(got_macs, want_macs, "macs");
        check(got_stream, want_stream, "stream_reads");
        check(got_weights, want_weights, "weights");
        check(got_sums, want_sums, "row_sum_ops");
        check(got_overflows, want_overflows, "overflows");
        check(got_writes, want_writes, "acc_writes");
        check(got_reads, want_reads, "acc_reads");
        check(busy, 0, "busy at end");
        for (row = 0; row < AccRows; row = row + 1)
            for (c = 0; c < Cols; c = c + 1)
                if ($signed(acc.mem[row][AccBits*c +: AccBits]) !== expected_acc[row*Cols + c]) begin
                    errors = errors + 1;
                    if (errors < 20) $display("row %0d col %0d: %h, must be %h", row, c,
                                                 acc.mem[row][AccBits*c +: AccBits], expected_acc[row*Cols + c]);
                end
        if (errors == 0) $display("PASS matmul %0dx%0d seed %0d: %0d instructions, %0d cycles", Rows, Cols, Seed, Instructions, cycle);
        else $display("FAIL matmul %0dx%0d seed %0d: %0d errors", Rows, Cols, Seed, errors);
        $finish;
    end
endmodule
