// qmac.v - the accelerator: a core between its registers behind AXI4-Lite and its memory through AXI4 (docs/machine.md).
//
// What belongs to the bus is here and what belongs to the machine in core.v: this file checks the parameters, adds the arena's base to
// offsets, encodes bursts and finds errors in responses. RREADY and BREADY are constant.
`include "qmac_defs.vh"
`default_nettype none

module qmac #(
    parameter integer Rows        = 16,
    parameter integer Cols        = 16,
    parameter integer CellBytes   = 2,       // that a cell takes of the stream in a cycle: 2 fusible, 1 fixed to 8 bits
    parameter integer SpadBytes   = 262144,
    parameter integer AccRows     = 1024,
    parameter integer AccBits     = 32,
    parameter integer AccSaturate = 0,
    parameter integer AxiBytes    = 16,
    parameter integer QueueDepth  = 8,
    parameter integer FastArray   = 0,       // the form of mac_array that simulates fast
    parameter [31:0]  Fingerprint = 32'd0    // what the FINGERPRINT register says: it stands for the machine's knobs
) (
    input  wire                  clk_i,
    input  wire                  rst_ni,
    output wire                  irq_o,          // enabled, and the run has ended

    // AXI4-Lite slave: registers
    input  wire                  s_axil_awvalid_i,
    input  wire [11:0]           s_axil_awaddr_i,
    output wire                  s_axil_awready_o,
    input  wire                  s_axil_wvalid_i,
    input  wire [31:0]           s_axil_wdata_i,
    input  wire [3:0]            s_axil_wstrb_i,
    output wire                  s_axil_wready_o,
    output wire                  s_axil_bvalid_o,
    output wire [1:0]            s_axil_bresp_o,
    input  wire                  s_axil_bready_i,
    input  wire                  s_axil_arvalid_i,
    input  wire [11:0]           s_axil_araddr_i,
    output wire                  s_axil_arready_o,
    output wire                  s_axil_rvalid_o,
    output wire [31:0]           s_axil_rdata_o,
    output wire [1:0]            s_axil_rresp_o,
    input  wire                  s_axil_rready_i,

    // AXI4 master: memory. Id 0: fetch, id 1: load
    output wire                  m_axi_arvalid_o,
    output wire                  m_axi_arid_o,
    output wire [63:0]           m_axi_araddr_o,
    output wire [7:0]            m_axi_arlen_o,
    output wire [2:0]            m_axi_arsize_o,
    output wire [1:0]            m_axi_arburst_o,
    input  wire                  m_axi_arready_i,
    input  wire                  m_axi_rvalid_i,
    input  wire                  m_axi_rid_i,
    input  wire [8*AxiBytes-1:0] m_axi_rdata_i,
    input  wire [1:0]            m_axi_rresp_i,
    input  wire                  m_axi_rlast_i,
    output wire                  m_axi_rready_o,
    output wire                  m_axi_awvalid_o,
    output wire                  m_axi_awid_o,
    output wire [63:0]           m_axi_awaddr_o,
    output wire [7:0]            m_axi_awlen_o,
    output wire [2:0]            m_axi_awsize_o,
    output wire [1:0]            m_axi_awburst_o,
    input  wire                  m_axi_awready_i,
    output wire                  m_axi_wvalid_o,
    output wire [8*AxiBytes-1:0] m_axi_wdata_o,
    output wire [AxiBytes-1:0]   m_axi_wstrb_o,
    output wire                  m_axi_wlast_o,
    input  wire                  m_axi_wready_i,
    input  wire                  m_axi_bvalid_i,
    input  wire                  m_axi_bid_i,
    input  wire [1:0]            m_axi_bresp_i,
    output wire                  m_axi_bready_o,

    // to a bench
    output wire                  trace_busy_o,   // this cycle is busy
    output wire [3:0]            trace_start_o,  // units that started, ended an instruction in the cycle before
    output wire [3:0]            trace_end_o
);

    localparam integer Lane = $clog2(AxiBytes);
    localparam [1:0]   OKAY = 2'b00;  // responses
    localparam [1:0]   INCR = 2'b01;  // bursts

    generate
        if (Rows < 1 || Rows > 256 || Cols < 1 || Cols > 256) Rows_and_Cols_must_be_from_1_to_256 check_array ();
        if (CellBytes < 1 || CellBytes > 2) CellBytes_must_be_1_or_2 check_cell ();
        if (SpadBytes < 1024 || SpadBytes > 16777216 || (SpadBytes & (SpadBytes - 1)) != 0)
            SpadBytes_must_be_a_power_of_two_from_1024_to_16777216 check_scratchpad ();
        if (`QM_PARAMETER_BYTES * Cols > SpadBytes) SpadBytes_must_be_9_or_more_for_each_of_Cols check_channels ();  // parameters of a tile
        if (AccRows < 2 || AccRows > 65536 || (AccRows & (AccRows - 1)) != 0)
            AccRows_must_be_a_power_of_two_from_2_to_65536 check_accumulator ();
        if (AccBits < 16 || AccBits > 32 || AccSaturate < 0 || AccSaturate > 1)
            AccBits_must_be_from_16_to_32_and_AccSaturate_0_or_1 check_sums ();
        if (AxiBytes < 4 || AxiBytes > 64 || (AxiBytes & (AxiBytes - 1)) != 0)
            AxiBytes_must_be_a_power_of_two_from_4_to_64 check_axi ();
        if (QueueDepth < 2 || QueueDepth > 64 || (QueueDepth & (QueueDepth - 1)) != 0)
            QueueDepth_must_be_a_power_of_two_from_2_to_64 check_queue ();
    endgenerate

    wire        start, busy, done, failed, counter_re;
    wire [31:0] program_addr, program_count, memory_size, error_index;
    wire [63:0] memory_base, counter;
    wire [5:0]  counter_index;
    wire [3:0]  error, unit_start, unit_end;

    // AXI4: bursts of the core, and what their answers say.
    wire [31:0] ar_offset, aw_offset;
    wire [8:0]  ar_beats, aw_beats;
    wire [8:0]  ar_len     = ar_beats - 9'd1;
    wire [8:0]  aw_len     = aw_beats - 9'd1;
    wire        burst_end;                    // a beat now is the last of its burst
    wire        read_error = m_axi_rvalid_i && (m_axi_rresp_i != OKAY || m_axi_rlast_i != burst_end);
    wire        bus_error  = read_error || (m_axi_bvalid_i && m_axi_bresp_i != OKAY);
    wire        unused_axi = &{1'b0, m_axi_bid_i, ar_len[8], aw_len[8]};

    assign m_axi_araddr_o  = memory_base + {32'd0, ar_offset};
    assign m_axi_arlen_o   = ar_len[7:0];
    assign m_axi_arsize_o  = Lane[2:0];
    assign m_axi_arburst_o = INCR;
    assign m_axi_rready_o  = 1'b1;
    assign m_axi_awid_o    = 1'b0;
    assign m_axi_awaddr_o  = memory_base + {32'd0, aw_offset};
    assign m_axi_awlen_o   = aw_len[7:0];
    assign m_axi_awsize_o  = Lane[2:0];
    assign m_axi_awburst_o = INCR;
    assign m_axi_bready_o  = 1'b1;
    assign s_axil_bresp_o  = OKAY;
    assign s_axil_rresp_o  = OKAY;
    assign trace_busy_o    = busy;

    csr #(.Fingerprint(Fingerprint)) u_csr (
        .clk_i          (clk_i),
        .rst_ni         (rst_ni),
        .aw_valid_i     (s_axil_awvalid_i),
        .aw_addr_i      (s_axil_awaddr_i),
        .aw_ready_o     (s_axil_awready_o),
        .w_valid_i      (s_axil_wvalid_i),
        .w_data_i       (s_axil_wdata_i),
        .w_strobe_i     (s_axil_wstrb_i),
        .w_ready_o      (s_axil_wready_o),
        .b_valid_o      (s_axil_bvalid_o),
        .b_ready_i      (s_axil_bready_i),
        .ar_valid_i     (s_axil_arvalid_i),
        .ar_addr_i      (s_axil_araddr_i),
        .ar_ready_o     (s_axil_arready_o),
        .r_valid_o      (s_axil_rvalid_o),
        .r_data_o       (s_axil_rdata_o),
        .r_ready_i      (s_axil_rready_i),
        .irq_o          (irq_o),
        .start_o        (start),
        .program_addr_o (program_addr),
        .program_count_o(program_count),
        .memory_size_o  (memory_size),
        .memory_base_o  (memory_base),
        .busy_i         (busy),
        .done_i         (done),
        .failed_i       (failed),
        .error_i        (error),
        .error_index_i  (error_index),
        .counter_re_o   (counter_re),
        .counter_index_o(counter_index),
        .counter_i      (counter)
    );

    core #(
        .Rows(Rows), .Cols(Cols), .CellBytes(CellBytes), .SpadBytes(SpadBytes), .AccRows(AccRows), .AccBits(AccBits),
        .AccSaturate(AccSaturate), .AxiBytes(AxiBytes), .QueueDepth(QueueDepth), .FastArray(FastArray)
    ) u_core (
        .clk_i          (clk_i),
        .rst_ni         (rst_ni),
        .start_i        (start),
        .program_addr_i (program_addr),
        .program_count_i(program_count),
        .memory_size_i  (memory_size),
        .busy_o         (busy),
        .done_o         (done),
        .failed_o       (failed),
        .error_o        (error),
        .error_index_o  (error_index),
        .counter_re_i   (counter_re),
        .counter_index_i(counter_index),
        .counter_o      (counter),
        .ar_valid_o     (m_axi_arvalid_o),
        .ar_id_o        (m_axi_arid_o),
        .ar_offset_o    (ar_offset),
        .ar_beats_o     (ar_beats),
        .ar_ready_i     (m_axi_arready_i),
        .beat_i         (m_axi_rvalid_i),
        .beat_id_i      (m_axi_rid_i),
        .beat_data_i    (m_axi_rdata_i),
        .burst_end_o    (burst_end),
        .aw_valid_o     (m_axi_awvalid_o),
        .aw_offset_o    (aw_offset),
        .aw_beats_o     (aw_beats),
        .aw_ready_i     (m_axi_awready_i),
        .w_valid_o      (m_axi_wvalid_o),
        .w_data_o       (m_axi_wdata_o),
        .w_strobe_o     (m_axi_wstrb_o),
        .w_last_o       (m_axi_wlast_o),
        .w_ready_i      (m_axi_wready_i),
        .response_i     (m_axi_bvalid_i),
        .bus_error_i    (bus_error),
        .unit_start_o   (unit_start),
        .unit_end_o     (unit_end)
    );

    trace u_trace (
        .clk_i        (clk_i),
        .rst_ni       (rst_ni),
        .start_i      (unit_start),
        .end_i        (unit_end),
        .trace_start_o(trace_start_o),
        .trace_end_o  (trace_end_o)
    );

endmodule

`default_nettype wire
