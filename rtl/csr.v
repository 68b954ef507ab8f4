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
    output wire [5:0]  counter_index_o,  // of the register that is read
    input  wire [63:0] counter_i
);

    reg         irq_enable_q;
    reg         b_valid_q, r_valid_q;     // an answer waits to be taken
    reg  [31:0] program_addr_q, program_count_q, memory_size_q, memory_base_q, memory_base_hi_q, r_data_q;

    // Write.
    wire        write = aw_valid_i && w_valid_i && (!b_valid_q || b_ready_i);  // address and data are accepted
    wire [31:0] strobe = {{8{w_strobe_i[3]}}, {8{w_strobe_i[2]}}, {8{w_strobe_i[1]}}, {8{w_strobe_i[0]}}};
    wire [31:0] fresh = w_data_i & strobe;

    assign aw_ready_o = write;
    assign w_ready_o  = write;
    assign b_valid_o  = b_valid_q;
    assign start_o    = write && aw_addr_i == `QM_CSR_CONTROL && fresh[0];

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

    // Read.
    localparam [11:0] CountersEnd = `QM_CSR_COUNTERS + 12'd8 * `QM_COUNTERS;
    wire        read = ar_valid_i && ar_ready_o;                                        // an address is accepted
    wire [11:0] counter_byte = ar_addr_i - `QM_CSR_COUNTERS;
    wire        is_counter = ar_addr_i >= `QM_CSR_COUNTERS && ar_addr_i < CountersEnd;  // the address is that of a counter
    wire [31:0] counter_word = counter_byte[2] ? counter_i[63:32] : counter_i[31:0];
    wire        unused_counter_byte = &{1'b0, counter_byte[11:9], counter_byte[1:0]};

    reg  [31:0] r_data;
    always @* begin
        case (ar_addr_i)
            `QM_CSR_ID:             r_data = `QM_RESET_ID;
            `QM_CSR_FINGERPRINT:    r_data = Fingerprint;
            `QM_CSR_STATUS:         r_data = {29'd0, failed_i, done_i, busy_i};
            `QM_CSR_IRQ_ENABLE:     r_data = {31'd0, irq_enable_q};
            `QM_CSR_ERROR_CAUSE:    r_data = {28'd0, error_i};
            `QM_CSR_ERROR_INDEX:    r_data = error_index_i;
            `QM_CSR_PROGRAM_ADDR:   r_data = program_addr_q;
            `QM_CSR_PROGRAM_COUNT:  r_data = program_count_q;
            `QM_CSR_MEMORY_BASE:    r_data = memory_base_q;
            `QM_CSR_MEMORY_BASE_HI: r_data = memory_base_hi_q;
            `QM_CSR_MEMORY_SIZE:    r_data = memory_size_q;
            default:                r_data = is_counter ? counter_word : 32'd0;
        endcase
    end

    assign ar_ready_o      = !r_valid_q || r_ready_i;
    assign r_valid_o       = r_valid_q;
    assign r_data_o        = r_data_q;
    assign counter_index_o = is_counter ? counter_byte[8:3] : 6'd0;

    always @(posedge clk_i) begin
        if (read) r_data_q <= r_data;
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
