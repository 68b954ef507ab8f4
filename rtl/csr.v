// csr.v - the registers of spec/csr.def behind AXI4-Lite.
//
// A write is accepted when address and data are both there, a read at once; each is answered in the next cycle. Unknown offsets read as
// zero and writes to them do nothing. docs/tables.md, Registers and error causes.
`include "qmac_defs.vh"
`default_nettype none

module csr #(
    parameter [31:0] Fingerprint = 32'd0
) (
    input  wire        clk_i,
    input  wire        rst_ni,
    // AXI4-Lite
    input  wire        aw_valid_i,       // a write address is there
    input  wire [11:0] aw_addr_i,
    output wire        aw_ready_o,       // the write is accepted
    input  wire        w_valid_i,        // write data are there
    input  wire [31:0] w_data_i,
    input  wire [3:0]  w_strobe_i,
    output wire        w_ready_o,        // the write is accepted
    output wire        b_valid_o,        // a write was accepted and its answer not taken
    input  wire        b_ready_i,        // the answer is taken now
    input  wire        ar_valid_i,       // a read is asked for
    input  wire [11:0] ar_addr_i,
    output wire        ar_ready_o,       // a read now is accepted
    output wire        r_valid_o,        // r_data_o answers a read
    output wire [31:0] r_data_o,
    input  wire        r_ready_i,        // the answer is taken now
    output wire        irq_o,            // enabled, and the run has ended
    // to control
    output wire        start_o,          // START is written
    output wire [31:0] program_addr_o,
    output wire [31:0] program_count_o,
    output wire [31:0] memory_size_o,
    output wire [63:0] memory_base_o,
    input  wire        busy_i,           // a run is not at its end
    input  wire        done_i,           // the last run ended well
    input  wire        failed_i,         // the last run ended with an error
    input  wire [3:0]  error_i,
    input  wire [31:0] error_index_i,
    // to counters
    output wire        counter_re_o,     // a register is read
    output wire [5:0]  counter_index_o,  // of the counter, if it is one
    input  wire [63:0] counter_i         // the value in the cycle after counter_re_o, held until the next
);

    reg         irq_enable_q;
    reg         b_valid_q, r_valid_q;     // an answer waits to be taken
    reg  [31:0] program_addr_q, program_count_q, memory_size_q, memory_base_q, memory_base_hi_q, r_data_q;

    // Write.
    wire        write = aw_valid_i && w_valid_i && (!b_valid_q || b_ready_i);  // address and data are accepted
    reg  [31:0] strobe, fresh;                                                 // which bits are written, and what they get

    assign aw_ready_o = write;
    assign w_ready_o  = write;
    assign b_valid_o  = b_valid_q;
    assign start_o    = write && aw_addr_i == `QM_CSR_CONTROL && w_data_i[0] && w_strobe_i[0];

    /* verilator lint_off BLKSEQ */  // strobe and fresh are names for parts of the expressions below them
    always @(posedge clk_i) begin
        if (!rst_ni) begin
            b_valid_q        <= 1'b0;
            irq_enable_q     <= 1'b0;
            program_addr_q   <= `QM_RESET_PROGRAM_ADDR;
            program_count_q  <= `QM_RESET_PROGRAM_COUNT;
            memory_size_q    <= `QM_RESET_MEMORY_SIZE;
            memory_base_q    <= `QM_RESET_MEMORY_BASE;
            memory_base_hi_q <= `QM_RESET_MEMORY_BASE_HI;
        end else begin
            if (write)          b_valid_q <= 1'b1;
            else if (b_ready_i) b_valid_q <= 1'b0;
            if (write) begin
                strobe = {{8{w_strobe_i[3]}}, {8{w_strobe_i[2]}}, {8{w_strobe_i[1]}}, {8{w_strobe_i[0]}}};
                fresh  = w_data_i & strobe;
                case (aw_addr_i)
                    `QM_CSR_IRQ_ENABLE:     irq_enable_q     <= strobe[0] ? w_data_i[0] : irq_enable_q;
                    `QM_CSR_PROGRAM_ADDR:   program_addr_q   <= fresh | (program_addr_q & ~strobe);
                    `QM_CSR_PROGRAM_COUNT:  program_count_q  <= fresh | (program_count_q & ~strobe);
                    `QM_CSR_MEMORY_SIZE:    memory_size_q    <= fresh | (memory_size_q & ~strobe);
                    `QM_CSR_MEMORY_BASE:    memory_base_q    <= fresh | (memory_base_q & ~strobe);
                    `QM_CSR_MEMORY_BASE_HI: memory_base_hi_q <= fresh | (memory_base_hi_q & ~strobe);
                    default: ;
                endcase
            end
        end
    end
    /* verilator lint_on BLKSEQ */

    // Read: of a counter the word is chosen when its value is there.
    localparam [11:0] CountersEnd = `QM_CSR_COUNTERS + 12'd8 * `QM_COUNTERS;
    wire        read = ar_valid_i && ar_ready_o;  // an address is accepted
    wire [11:0] counter_byte = ar_addr_i - `QM_CSR_COUNTERS;
    wire        unused_counter_byte = &{1'b0, counter_byte[11:9], counter_byte[1:0]};

    reg         is_counter_q;                     // the register that was read is a word of a counter
    reg         is_high_q;                        // the high one

    assign ar_ready_o      = !r_valid_q || r_ready_i;
    assign r_valid_o       = r_valid_q;
    assign r_data_o        = !is_counter_q ? r_data_q : is_high_q ? counter_i[63:32] : counter_i[31:0];
    assign counter_re_o    = read;
    assign counter_index_o = counter_byte[8:3];

    always @(posedge clk_i) begin
        if (read) begin
            case (ar_addr_i)
                `QM_CSR_ID:             r_data_q <= `QM_RESET_ID;
                `QM_CSR_FINGERPRINT:    r_data_q <= Fingerprint;
                `QM_CSR_STATUS:         r_data_q <= {29'd0, failed_i, done_i, busy_i};
                `QM_CSR_IRQ_ENABLE:     r_data_q <= {31'd0, irq_enable_q};
                `QM_CSR_ERROR_CAUSE:    r_data_q <= {28'd0, error_i};
                `QM_CSR_ERROR_INDEX:    r_data_q <= error_index_i;
                `QM_CSR_PROGRAM_ADDR:   r_data_q <= program_addr_q;
                `QM_CSR_PROGRAM_COUNT:  r_data_q <= program_count_q;
                `QM_CSR_MEMORY_BASE:    r_data_q <= memory_base_q;
                `QM_CSR_MEMORY_BASE_HI: r_data_q <= memory_base_hi_q;
                `QM_CSR_MEMORY_SIZE:    r_data_q <= memory_size_q;
                default:                r_data_q <= 32'd0;
            endcase
            is_counter_q <= ar_addr_i >= `QM_CSR_COUNTERS && ar_addr_i < CountersEnd;
            is_high_q    <= counter_byte[2];
        end
        if (!rst_ni)        r_valid_q <= 1'b0;
        else if (read)      r_valid_q <= 1'b1;
        else if (r_ready_i) r_valid_q <= 1'b0;
    end

    assign irq_o           = irq_enable_q && (done_i || failed_i);
    assign program_addr_o  = program_addr_q;
    assign program_count_o = program_count_q;
    assign memory_size_o   = memory_size_q;
    assign memory_base_o   = {memory_base_hi_q, memory_base_q};

endmodule

`default_nettype wire
