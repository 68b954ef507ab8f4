// decode_tb - what the narrow precisions, the weights' zero point, the output types and the table add to decode's checks;
// ends worked out by hand from docs/machine.md.
`include "qmac_defs.vh"
`default_nettype none

module decode_tb;
    parameter CellBytes = 2;
    reg  [511:0] insn;
    wire [1:0]   unit;
    wire [3:0]   error;
    integer      errors = 0;
    integer      checks = 0;

    // Tiles of 3 channels.
    decode #(.Rows(5), .Cols(3), .CellBytes(CellBytes), .SpadBytes(1024), .AccRows(64)) dut (
        .insn_i(insn), .memory_size_i(32'd0), .check_i(1'b1), .unit_o(unit), .error_o(error));

    task check(input [3:0] want);
        begin
            #1 checks = checks + 1;
            if (error !== want) begin
                errors = errors + 1;
                $display("check %0d: error %0d want %0d", checks, error, want);
            end
        end
    endtask

    task matmul(input [2:0] precision);
        begin
            insn = 512'd0;
            `QM_F_OPCODE(insn)       = `QM_OP_MATMUL;
            `QM_F_PRECISION(insn)    = precision;
            `QM_F_OUT_H(insn)        = 1;
            `QM_F_OUT_W(insn)        = 1;
            `QM_F_KERNEL_H(insn)     = 1;
            `QM_F_KERNEL_W(insn)     = 2;
            `QM_F_RUN_BYTES(insn)    = 5;
            `QM_F_IN_ROWS(insn)      = 1;
            `QM_F_IN_ROW_BYTES(insn) = 1;
            `QM_F_CHANNELS(insn)     = 4;
            `QM_F_TILES(insn)        = 2;
        end
    endtask

    // The weights end at the end of the scratchpad, or one byte behind it.
    task weights(input [2:0] precision, input [23:0] size);
        begin
            matmul(precision);
            `QM_F_WEIGHT_ADDR(insn) = 24'd1024 - size;
            check(`QM_ERROR_NONE);
            `QM_F_WEIGHT_ADDR(insn) = 24'd1025 - size;
            check(`QM_ERROR_SCRATCHPAD);
        end
    endtask

    // What a fixed cell does not multiply is refused before anything else of it is looked at.
    task narrow(input [2:0] precision, input [23:0] size);
        if (CellBytes == 2) weights(precision, size);
        else begin
            matmul(precision);
            check(`QM_ERROR_UNSUPPORTED);
        end
    endtask

    task requantize(input [1:0] out_type, input [15:0] channels, input [15:0] tiles);
        begin
            insn = 512'd0;
            `QM_F_OPCODE(insn)   = `QM_OP_REQUANTIZE;
            `QM_F_OUT_TYPE(insn) = out_type;
            `QM_F_OUT_H(insn)    = 1;
            `QM_F_OUT_W(insn)    = 1;
            `QM_F_CHANNELS(insn) = channels;
            `QM_F_TILES(insn)    = tiles;
        end
    endtask

    task outputs(input [1:0] out_type, input [15:0] channels, input [15:0] tiles, input [23:0] size);
        begin
            requantize(out_type, channels, tiles);
            `QM_F_OUT_ADDR(insn) = 24'd1024 - size;
            check(`QM_ERROR_NONE);
            `QM_F_OUT_ADDR(insn) = 24'd1025 - size;
            check(`QM_ERROR_SCRATCHPAD);
        end
    endtask

    initial begin
        weights(`QM_PRECISION_W8A8, 40);  // 2 taps x 5 rows x (3 + 1) bytes
        narrow(`QM_PRECISION_W4A8, 24);  // 2 taps x 3 rows x (3 + 1)
        narrow(`QM_PRECISION_W4A4, 48);  //                   (6 + 2)
        narrow(`QM_PRECISION_W2A8, 18);  //                   (2 + 1)
        narrow(`QM_PRECISION_W1A8, 12);  //                   (1 + 1)
        narrow(`QM_PRECISION_W2A4, 24);
        narrow(`QM_PRECISION_W1A4, 18);
        matmul(3'd7);
        check(`QM_ERROR_ILLEGAL);
        matmul(`QM_PRECISION_W4A8);
        `QM_F_DEPTHWISE(insn) = 1;
        check(`QM_ERROR_UNSUPPORTED);

        matmul(`QM_PRECISION_W8A8);
        `QM_F_WEIGHT_ZERO(insn) = 255;
        check(`QM_ERROR_NONE);
        `QM_F_WEIGHT_ZERO(insn) = -255;
        check(`QM_ERROR_NONE);
        `QM_F_WEIGHT_ZERO(insn) = 256;
        check(`QM_ERROR_UNSUPPORTED);
        `QM_F_WEIGHT_ZERO(insn) = -256;
        check(`QM_ERROR_UNSUPPORTED);
        `QM_F_WEIGHT_ZERO(insn) = 1;
        `QM_F_DEPTHWISE(insn)   = 1;
        check(`QM_ERROR_UNSUPPORTED);

        `QM_F_WEIGHT_ZERO(insn) = 0;
        check(`QM_ERROR_ILLEGAL);  // no step to the next output
        `QM_F_SAMPLE_STEP(insn) = 1;
        `QM_F_RUN_BYTES(insn)   = 3;
        `QM_F_SKIP_LEFT(insn)   = 1;
        `QM_F_SKIP_RIGHT(insn)  = 1;
        check(`QM_ERROR_NONE);
        `QM_F_SKIP_RIGHT(insn)  = 2;
        check(`QM_ERROR_ILLEGAL);
        `QM_F_RUN_BYTES(insn)   = 9;
        check(`QM_ERROR_ILLEGAL);

        outputs(`QM_OUT_TYPE_BITS8, 5, 2, 5);
        outputs(`QM_OUT_TYPE_BITS16, 5, 2, 10);
        outputs(`QM_OUT_TYPE_BITS32, 5, 2, 20);
        outputs(`QM_OUT_TYPE_BITS4, 3, 1, 2);
        requantize(`QM_OUT_TYPE_BITS4, 5, 2);
        check(`QM_ERROR_UNSUPPORTED);

        insn = 512'd0;
        `QM_F_OPCODE(insn)   = `QM_OP_ADD;
        `QM_F_OUT_TYPE(insn) = `QM_OUT_TYPE_BITS4;
        `QM_F_LENGTH(insn)   = 3;
        `QM_F_OUT_ADDR(insn) = 24'd1022;
        check(`QM_ERROR_NONE);
        `QM_F_OUT_ADDR(insn) = 24'd1023;
        check(`QM_ERROR_SCRATCHPAD);
        `QM_F_LENGTH(insn)   = 4;  // a second piece would begin within a byte
        check(`QM_ERROR_UNSUPPORTED);
        `QM_F_LENGTH(insn)   = 3;
        `QM_F_OUT_TYPE(insn) = `QM_OUT_TYPE_BITS16;
        check(`QM_ERROR_UNSUPPORTED);

        requantize(`QM_OUT_TYPE_BITS8, 3, 1);
        `QM_F_TABLE_ADDR(insn) = 769;
        check(`QM_ERROR_NONE);
        `QM_F_LOOKUP(insn) = `QM_LOOKUP_TABLE;
        check(`QM_ERROR_SCRATCHPAD);
        `QM_F_TABLE_ADDR(insn) = 768;
        check(`QM_ERROR_NONE);
        `QM_F_OUT_TYPE(insn) = `QM_OUT_TYPE_BITS16;
        check(`QM_ERROR_UNSUPPORTED);

        requantize(`QM_OUT_TYPE_BITS32, 5, 2);
        `QM_F_OUT_H(insn)   = 3;
        `QM_F_OUT_W(insn)   = 2;
        `QM_F_B_PITCH(insn) = 100;
        `QM_F_B_PIXEL(insn) = 7;
        `QM_F_B_ADDR(insn)  = 24'd1024 - 212 + 1;
        check(`QM_ERROR_NONE);
        `QM_F_RESIDUAL(insn) = 1;
        check(`QM_ERROR_SCRATCHPAD);
        `QM_F_B_ADDR(insn)  = 24'd1024 - 212;
        check(`QM_ERROR_NONE);

        if (errors == 0) $display("PASS decode: %0d checks", checks);
        else $display("FAIL decode: %0d errors in %0d checks", errors, checks);
        $finish;
    end
endmodule
