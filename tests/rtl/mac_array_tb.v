// mac_array_tb - both forms of mac_array on one random stream: each row's sums against products worked out here, both forms equal.
`default_nettype none

module mac_array_tb;
    parameter Rows   = 4;
    parameter Cols   = 4;
    parameter Cycles = 2000;
    parameter Seed   = 1;
    parameter CellBytes = 2;
    parameter Mode   = 0;  // of all rows and weights: see mac_array, row_mode_i

    localparam Latency = Rows + Cols - 1;

    `include "random.vh"

    reg               clk = 1'b0;
    reg               rst_n = 1'b0;
    reg               weight_valid = 1'b0;
    reg               weight_buffer = 1'b0;
    reg  [7:0]        weight_row = 8'd0;
    reg  [16*Cols-1:0] weight_data = 0;
    reg               row_valid = 1'b0;
    reg               row_buffer = 1'b0;
    reg               row_unsigned = 1'b0;
    reg  [16*Rows-1:0] row_data = 0;
    reg  [7:0]         row_sampled = 8'd0;
    reg  [8*Cols-1:0]  sample_data = 0;
    reg  [8*Cols-1:0]  samples [0:7];  // of the cycles before
    wire [32*Cols-1:0] sums_cells;
    wire [32*Cols-1:0] sums_fast;

    mac_array #(.Rows(Rows), .Cols(Cols), .CellBytes(CellBytes), .FastArray(0)) cells (
        .clk_i(clk), .rst_ni(rst_n),
        .weight_valid_i(weight_valid), .weight_buffer_i(weight_buffer),
        .weight_row_i(weight_row), .weight_mode_i(Mode[1:0]), .weight_data_i(weight_data),
        .row_valid_i(row_valid), .row_buffer_i(row_buffer), .row_unsigned_i(row_unsigned),
        .row_mode_i(Mode[1:0]), .row_data_i(row_data), .row_sampled_i(row_sampled), .sample_valid_i(1'b1), .sample_data_i(sample_data),
        .sums_o(sums_cells));
    mac_array #(.Rows(Rows), .Cols(Cols), .CellBytes(CellBytes), .FastArray(1)) fast (
        .clk_i(clk), .rst_ni(rst_n),
        .weight_valid_i(weight_valid), .weight_buffer_i(weight_buffer),
        .weight_row_i(weight_row), .weight_mode_i(Mode[1:0]), .weight_data_i(weight_data),
        .row_valid_i(row_valid), .row_buffer_i(row_buffer), .row_unsigned_i(row_unsigned),
        .row_mode_i(Mode[1:0]), .row_data_i(row_data), .row_sampled_i(row_sampled), .sample_valid_i(1'b1), .sample_data_i(sample_data),
        .sums_o(sums_fast));

    // The expected side: weights as numbers, and the sums that are due in each cycle.
    integer            weights [0:8*Rows*Cols-1];  // [buffer][row][col][operand]
    reg  [32*Cols-1:0] due [0:Cycles+Latency];
    reg                is_due [0:Cycles+Latency];
    integer            cycle;
    integer            checked;
    integer            errors;
    integer            r;
    integer            c;
    integer            sum;

    localparam Operands = Mode == 0 ? 1 : Mode == 1 ? 2 : 4;
    integer            d;

    // Operand i of a cell: bytes in modes 0 and 1, nibbles in mode 2; weights are nibbles in mode 1 too.
    function integer operand(input [15:0] word, input integer i, input integer bits, input is_unsigned);
        integer raw;
        begin
            raw = (word >> bits*i) & ((1 << bits) - 1);
            operand = !is_unsigned && raw >= (1 << (bits - 1)) ? raw - (1 << bits) : raw;
        end
    endfunction

    task draw_inputs;
        begin
            // First every weight once, so that no register is unknown, then anything.
            weight_valid    = cycle < 2*Rows || draw(3) == 0;
            weight_buffer   = cycle < 2*Rows ? cycle >= Rows : draw(2) != 0;
            weight_row      = cycle < 2*Rows ? cycle % Rows : draw(Rows);
            row_valid       = cycle >= 2*Rows && draw(4) != 0;
            row_buffer      = draw(2) != 0;
            row_unsigned    = draw(2) != 0;
            for (c = 0; c < Cols; c = c + 1) weight_data[16*c +: 16] = Mode == 2 ? draw(65536) : draw(256);
            row_sampled = row_valid && Mode == 0 && draw(2) != 0 ? draw(256) : 0;
            for (c = 0; c < Cols; c = c + 1) sample_data[8*c +: 8] = draw(256);
            for (r = 7; r > 0; r = r - 1) samples[r] = samples[r - 1];
            samples[0] = sample_data;
            for (r = 0; r < Rows; r = r + 1) row_data[16*r +: 16] = !row_valid ? 0 : Mode == 0 ? draw(256) : draw(65536);
        end
    endtask

    task work_out;
        begin
            is_due[cycle + Latency] = row_valid;
            for (c = 0; c < Cols; c = c + 1) begin
                sum = 0;
                for (r = 0; r < Rows; r = r + 1)
                    for (d = 0; d < Operands; d = d + 1)
                        sum = sum + weights[((row_buffer*Rows + r)*Cols + c)*4 + d]
                                  * operand(r < 8 && row_sampled[r % 8] ? {8'd0, samples[r % 8][8*c +: 8]} : row_data[16*r +: 16],
                                            d, Mode == 2 ? 4 : 8, row_unsigned);
                due[cycle + Latency][32*c +: 32] = sum;
            end
            if (weight_valid)
                for (r = 0; r < Rows; r = r + 1)
                    for (c = 0; c < Cols; c = c + 1)
                        if (r == weight_row)
                            for (d = 0; d < Operands; d = d + 1)
                                weights[((weight_buffer*Rows + r)*Cols + c)*4 + d]
                                    = operand(weight_data[16*c +: 16], d, Mode == 0 ? 8 : 4, 1'b0);
        end
    endtask

    initial begin
        state   = Seed;
        checked = 0;
        errors  = 0;
        for (cycle = 0; cycle <= Cycles + Latency; cycle = cycle + 1) is_due[cycle] = 1'b0;
        for (r = 0; r < 8*Rows*Cols; r = r + 1) weights[r] = 0;
        for (r = 0; r < 8; r = r + 1) samples[r] = 0;
        #1 clk = 1'b1; #1 clk = 1'b0; rst_n = 1'b1;
        for (cycle = 0; cycle < Cycles; cycle = cycle + 1) begin
            draw_inputs;
            #1;
            if (is_due[cycle]) begin
                checked = checked + 1;
                if (sums_cells !== due[cycle] || sums_fast !== due[cycle]) begin
                    errors = errors + 1;
                    if (errors < 5) $display("cycle %0d: cells %h fast %h want %h", cycle, sums_cells, sums_fast, due[cycle]);
                end
            end
            work_out;
            #1 clk = 1'b1; #1 clk = 1'b0;
        end
        if (errors == 0 && checked > Cycles/2) $display("PASS mac_array %0dx%0d mode %0d seed %0d: %0d rows",
            Rows, Cols, Mode, Seed, checked);
        else $display("FAIL mac_array %0dx%0d seed %0d: %0d errors in %0d rows", Rows, Cols, Seed, errors, checked);
        $finish;
    end
endmodule
