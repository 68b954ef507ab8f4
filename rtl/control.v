// control.v - the run: when it begins, what decode passes on, the first error, and how it ends.
//
// `quiet` holds when nothing started is unfinished; only then a run can end, or be found dead. docs/machine.md, Errors and the end.
`include "qmac_defs.vh"
`default_nettype none

module control (
    input  wire        clk_i,
    input  wire        rst_ni,
    // from csr
    input  wire        start_i,              // START is written
    input  wire [31:0] program_addr_i,
    input  wire [31:0] program_count_i,
    input  wire [31:0] memory_size_i,
    output wire        clear_o,              // START is accepted: the next cycle is cycle 0
    output wire        busy_o,               // a run is not at its end
    output wire        done_o,               // the last run ended well
    output wire        failed_o,             // the last run ended with an error
    output wire [3:0]  error_o,
    output wire [31:0] error_index_o,
    // to fetch
    output wire        fetch_run_o,          // busy, and no error is set
    input  wire        fetch_request_i,      // fetch asks for a burst
    input  wire        fetch_outstanding_i,  // a beat of fetch is still to come
    input  wire        fetch_exhausted_i,    // decode has popped the whole program
    // to decode
    input  wire        head_valid_i,         // fetch has an instruction for decode
    output wire        head_check_o,         // it is to be checked: it was not in an earlier cycle
    input  wire [1:0]  head_unit_i,
    input  wire [3:0]  head_error_i,
    output wire        accept_o,             // the head goes into its queue
    // to the queues and units, bit u is unit u's
    output wire        start_enable_o,       // no error is set
    output wire [3:0]  push_o,               // accept_o, for the unit of the head
    input  wire [3:0]  full_i,               // the queue has no room
    input  wire [3:0]  empty_i,              // the queue has no instruction
    input  wire [3:0]  unit_start_i,         // an instruction is started
    input  wire [3:0]  unit_busy_i,          // something that was started is unfinished
    input  wire        bus_error_i           // a beat or a response says so
);

    reg         busy_q, done_q, failed_q;
    reg         first_q;                  // the cycle is cycle 0
    reg         checked_q;                // the head was there in the cycle before: it is checked
    reg  [3:0]  error_q;
    reg  [31:0] accepted_q, error_index_q;

    // Cycle 0 looks at the program's place.
    wire [38:0] program_end = {7'd0, program_addr_i} + {1'b0, program_count_i, 6'd0};
    wire [3:0]  start_error = !first_q                              ? `QM_ERROR_NONE
                            : program_addr_i[7:0] != 8'd0           ? `QM_ERROR_ILLEGAL
                            : program_end > {7'd0, memory_size_i}   ? `QM_ERROR_MEMORY
                            :                                         `QM_ERROR_NONE;

    wire       clean     = busy_q && error_q == `QM_ERROR_NONE;  // the run goes on
    wire [3:0] head_error = clean && head_valid_i ? head_error_i : `QM_ERROR_NONE;
    assign accept_o = clean && head_valid_i && head_error_i == `QM_ERROR_NONE && !full_i[head_unit_i];

    wire quiet    = busy_q && unit_busy_i == 4'd0 && !fetch_outstanding_i;             // nothing that was started is unfinished
    wire complete = fetch_exhausted_i && empty_i == 4'hf;                              // the whole program was taken
    wire deadlock = quiet && clean && !complete && !fetch_request_i && !accept_o && unit_start_i == 4'd0;
    wire finish   = quiet && (!clean || (complete && start_error == `QM_ERROR_NONE));  // the run ends with this cycle

    // The smallest code wins: the two that can be ILLEGAL..MEMORY never meet, BUS and DEADLOCK are larger.
    wire [3:0] error_event = start_error != `QM_ERROR_NONE ? start_error
                           : head_error != `QM_ERROR_NONE  ? head_error
                           : bus_error_i                   ? `QM_ERROR_BUS
                           : deadlock                      ? `QM_ERROR_DEADLOCK
                           :                                 `QM_ERROR_NONE;

    assign head_check_o   = head_valid_i && !checked_q;
    assign clear_o        = start_i && !busy_q;
    assign busy_o         = busy_q;
    assign done_o         = done_q;
    assign failed_o       = failed_q;
    assign error_o        = error_q;
    assign error_index_o  = error_index_q;
    assign fetch_run_o    = clean && start_error == `QM_ERROR_NONE;
    assign start_enable_o = clean;
    assign push_o         = {3'd0, accept_o} << head_unit_i;

    always @(posedge clk_i) begin
        if (!rst_ni || clear_o) begin
            checked_q     <= 1'b0;
            busy_q        <= rst_ni;
            first_q       <= rst_ni;
            done_q        <= 1'b0;
            failed_q      <= 1'b0;
            error_q       <= `QM_ERROR_NONE;
            error_index_q <= 32'd0;
            accepted_q    <= 32'd0;
        end else begin
            first_q <= 1'b0;
            if (accept_o) accepted_q <= accepted_q + 32'd1;
            checked_q <= head_valid_i && !accept_o;
            if (clean && error_event != `QM_ERROR_NONE) begin
                error_q       <= error_event;
                error_index_q <= accepted_q;
            end
            if (finish) begin
                busy_q   <= 1'b0;
                done_q   <= clean;
                failed_q <= !clean;
            end
        end
    end

endmodule

`default_nettype wire
