// bench - the whole accelerator in four states: plays the vectors of tests/icarus/record.c clock by clock and compares every pin.
//
// Everything begins as X, memories too, and nothing but reset and the RTL itself takes it away; pins that AXI gives no meaning in a clock
// are driven with X. An X on a valid, a ready, the interrupt or a trace pin at any time, on a payload while its valid is high, or in
// anything that is written into scratchpad, accumulator or a counter, is a failure. So is every other difference.
// The first one ends the run.
// +vectors=FILE +sums=FILE +scratchpad=FILE +accumulator=FILE: see record.c.
`include "qmac_defs.vh"
`default_nettype none

module bench;
    parameter Rows = 4, Cols = 4, CellBytes = 2, SpadBytes = 1024, AccRows = 16, AccBits = 32, AccSaturate = 0, AxiBytes = 8;
    parameter QueueDepth = 8, FastArray = 0;
    parameter [31:0] Fingerprint = 32'd0;

    // Bits of a line's first word.
    localparam CSR_WRITE = 0, CSR_READ = 1, AR_READY = 2, R_VALID = 3, AW_READY = 4, W_READY = 5, B_VALID = 6, BUSY = 7, IRQ = 8,
               READ_BURST = 9, WRITE_BURST = 10, WRITE_BEAT = 11, START = 12, END = 16, RESET = 20, PRESET_SUMS = 21;

    reg                   clk = 1'b0, rst_n = 1'b1;
    reg  [23:0]           flags;
    reg  [11:0]           csr_address;
    reg  [31:0]           csr_data, csr_want;
    reg                   r_id, r_last, r_error, b_error;
    reg  [8*AxiBytes-1:0] r_data, w_want, w_got;
    reg                   ar_id_want;
    reg  [63:0]           ar_want, aw_want;
    reg  [8:0]            ar_beats_want, aw_beats_want;
    reg  [AxiBytes-1:0]   strobe_want;

    wire                  irq, awready, wready, bvalid, arready, rvalid;
    wire [1:0]            bresp, rresp;
    wire [31:0]           rdata;
    wire                  m_arvalid, m_arid, m_rready, m_awvalid, m_awid, m_wvalid, m_wlast, m_bready;
    wire [63:0]           m_araddr, m_awaddr;
    wire [7:0]            m_arlen, m_awlen;
    wire [2:0]            m_arsize, m_awsize;
    wire [1:0]            m_arburst, m_awburst;
    wire [8*AxiBytes-1:0] m_wdata;
    wire [AxiBytes-1:0]   m_wstrb;
    wire                  busy;
    wire [3:0]            started, ended;

    wire csr_write = flags[CSR_WRITE];
    wire csr_read  = flags[CSR_READ];

    qmac #(
        .Rows(Rows), .Cols(Cols), .CellBytes(CellBytes), .SpadBytes(SpadBytes), .AccRows(AccRows), .AccBits(AccBits),
        .AccSaturate(AccSaturate), .AxiBytes(AxiBytes), .QueueDepth(QueueDepth), .FastArray(FastArray), .Fingerprint(Fingerprint)
    ) dut (
        .clk_i           (clk),
        .rst_ni          (rst_n),
        .irq_o           (irq),
        .s_axil_awvalid_i(csr_write),
        .s_axil_awaddr_i (csr_write ? csr_address : 12'hx),
        .s_axil_awready_o(awready),
        .s_axil_wvalid_i (csr_write),
        .s_axil_wdata_i  (csr_write ? csr_data : 32'hx),
        .s_axil_wstrb_i  (csr_write ? 4'hf : 4'hx),
        .s_axil_wready_o (wready),
        .s_axil_bvalid_o (bvalid),
        .s_axil_bresp_o  (bresp),
        .s_axil_bready_i (1'b1),
        .s_axil_arvalid_i(csr_read),
        .s_axil_araddr_i (csr_read ? csr_address : 12'hx),
        .s_axil_arready_o(arready),
        .s_axil_rvalid_o (rvalid),
        .s_axil_rdata_o  (rdata),
        .s_axil_rresp_o  (rresp),
        .s_axil_rready_i (1'b1),
        .m_axi_arvalid_o (m_arvalid),
        .m_axi_arid_o    (m_arid),
        .m_axi_araddr_o  (m_araddr),
        .m_axi_arlen_o   (m_arlen),
        .m_axi_arsize_o  (m_arsize),
        .m_axi_arburst_o (m_arburst),
        .m_axi_arready_i (flags[AR_READY]),
        .m_axi_rvalid_i  (flags[R_VALID]),
        .m_axi_rid_i     (flags[R_VALID] ? r_id : 1'bx),
        .m_axi_rdata_i   (flags[R_VALID] ? r_data : {8*AxiBytes{1'bx}}),
        .m_axi_rresp_i   (flags[R_VALID] ? {r_error, 1'b0} : 2'bx),
        .m_axi_rlast_i   (flags[R_VALID] ? r_last : 1'bx),
        .m_axi_rready_o  (m_rready),
        .m_axi_awvalid_o (m_awvalid),
        .m_axi_awid_o    (m_awid),
        .m_axi_awaddr_o  (m_awaddr),
        .m_axi_awlen_o   (m_awlen),
        .m_axi_awsize_o  (m_awsize),
        .m_axi_awburst_o (m_awburst),
        .m_axi_awready_i (flags[AW_READY]),
        .m_axi_wvalid_o  (m_wvalid),
        .m_axi_wdata_o   (m_wdata),
        .m_axi_wstrb_o   (m_wstrb),
        .m_axi_wlast_o   (m_wlast),
        .m_axi_wready_i  (flags[W_READY]),
        .m_axi_bvalid_i  (flags[B_VALID]),
        .m_axi_bid_i     (flags[B_VALID] ? 1'b0 : 1'bx),
        .m_axi_bresp_i   (flags[B_VALID] ? {b_error, 1'b0} : 2'bx),
        .m_axi_bready_o  (m_bready),
        .trace_busy_o    (busy),
        .trace_start_o   (started),
        .trace_end_o     (ended)
    );

    // ---- Judging ----
    integer clocks = 0;

    task fail(input [8*32-1:0] what);
        begin
            $display("FAIL clock %0d (line %0d of the vectors): %0s", clocks, clocks + 1, what);
            $finish;
        end
    endtask

    // Not ===-equal: different, or an X.
    task expect_pins(input [8*32-1:0] what, input [511:0] got, input [511:0] want);
        if (got !== want) begin
            $display("got %0h, expected %0h", got, want);
            fail(what);
        end
    endtask

    wire                  load_we = dut.u_core.load_we, post_we = dut.u_core.post_we, commit = dut.u_core.u_accumulator.commit_q;
    wire [AxiBytes-1:0]   load_mask = dut.u_core.load_mask;
    wire [8*AxiBytes-1:0] load_data = dut.u_core.load_data;
    wire [Cols-1:0]       post_wmask = dut.u_core.post_wmask;
    wire [8*Cols-1:0]     post_wdata = dut.u_core.post_wdata;

    // The scratchpad takes bytes one by one: X may be in those that are masked.
    task check_writes;
        integer i;
        begin
            if (^{load_we, post_we, commit} === 1'bx) fail("X on a write enable");
            for (i = 0; i < AxiBytes; i = i + 1)
                if (load_we && (load_mask[i] === 1'bx || (load_mask[i] && ^load_data[8*i +: 8] === 1'bx)))
                    fail("X into the scratchpad by load");
            for (i = 0; i < Cols; i = i + 1)
                if (post_we && (post_wmask[i] === 1'bx || (post_wmask[i] && ^post_wdata[8*i +: 8] === 1'bx)))
                    fail("X into the scratchpad by post");
            if (commit && ^{dut.u_core.u_accumulator.addr_q, dut.u_core.u_accumulator.row} === 1'bx) fail("X into the accumulator");
            if ((load_we && ^dut.u_core.load_addr === 1'bx) || (post_we && ^dut.u_core.post_waddr === 1'bx)) fail("X as an address");
        end
    endtask

    integer w;
    always @* begin
        w_got = m_wdata;
        for (w = 0; w < AxiBytes; w = w + 1) if (m_wstrb[w] === 1'b0) w_got[8*w +: 8] = 8'd0;
    end

    // What holds within a clock.
    task check_pins;
        begin
            expect_pins("trace_busy_o", busy, flags[BUSY]);
            expect_pins("irq_o", irq, flags[IRQ]);
            expect_pins("AXI4-Lite write ready", {awready, wready}, {2{flags[CSR_WRITE]}});
            expect_pins("AXI4-Lite read ready", arready, 1'b1);
            expect_pins("AXI4 constants", {m_rready, m_bready, m_arburst, m_awburst, m_awid, m_arsize, m_awsize, bresp, rresp},
                        {1'b1, 1'b1, 2'd1, 2'd1, 1'b0, {2{Lane}}, 4'd0});
            expect_pins("read burst accepted", m_arvalid && flags[AR_READY], flags[READ_BURST]);
            expect_pins("write burst accepted", m_awvalid && flags[AW_READY], flags[WRITE_BURST]);
            expect_pins("write beat accepted", m_wvalid && flags[W_READY], flags[WRITE_BEAT]);
            if (^{m_arvalid, m_awvalid, m_wvalid} === 1'bx) fail("X on a valid");
            if (m_arvalid && ^{m_arid, m_araddr, m_arlen} === 1'bx) fail("X on the read address");
            if (m_awvalid && ^{m_awaddr, m_awlen} === 1'bx) fail("X on the write address");
            if (m_wvalid && ^{m_wstrb, m_wlast, w_got} === 1'bx) fail("X on the write data");
            if (flags[READ_BURST]) expect_pins("read burst", {m_arid, m_araddr, {1'b0, m_arlen} + 9'd1},
                                                  {ar_id_want, ar_want, ar_beats_want});
            if (flags[WRITE_BURST]) expect_pins("write burst", {m_awaddr, {1'b0, m_awlen} + 9'd1}, {aw_want, aw_beats_want});
            if (flags[WRITE_BEAT]) expect_pins("write strobe", m_wstrb, strobe_want);
            if (flags[WRITE_BEAT]) expect_pins("write data", w_got, w_want);
            check_writes;
        end
    endtask

    // What the edge that ended the clock has brought.
    task check_after_edge;
        begin
            expect_pins("trace_start_o", started, flags[START +: 4]);
            expect_pins("trace_end_o", ended, flags[END +: 4]);
            expect_pins("AXI4-Lite responses", {bvalid, rvalid}, {flags[CSR_WRITE], flags[CSR_READ]});
            if (flags[CSR_READ]) expect_pins("register read", rdata, csr_want);
        end
    endtask

    localparam [31:0] LaneBits = $clog2(AxiBytes);
    localparam [2:0]  Lane     = LaneBits[2:0];

    // ---- Playing ----
    integer    file, got;
    reg [8191:0] name;

    task read_line;
        begin
            got = $fscanf(file, "%h", flags);
            if (got == 1 && flags[CSR_WRITE]) got = $fscanf(file, "%h %h", csr_address, csr_data) - 1;
            if (got == 1 && flags[CSR_READ]) got = $fscanf(file, "%h %h", csr_address, csr_want) - 1;
            if (got == 1 && flags[R_VALID]) got = $fscanf(file, "%h %h %h %h", r_id, r_last, r_error, r_data) - 3;
            if (got == 1 && flags[B_VALID]) got = $fscanf(file, "%h", b_error);
            if (got == 1 && flags[READ_BURST]) got = $fscanf(file, "%h %h %h", ar_id_want, ar_want, ar_beats_want) - 2;
            if (got == 1 && flags[WRITE_BURST]) got = $fscanf(file, "%h %h", aw_want, aw_beats_want) - 1;
            if (got == 1 && flags[WRITE_BEAT]) got = $fscanf(file, "%h %h", strobe_want, w_want) - 1;
        end
    endtask

    task play_clock;
        begin
            rst_n = !flags[RESET];
            if (flags[PRESET_SUMS] && $value$plusargs("sums=%s", name)) $readmemb(name, dut.u_core.u_accumulator.mem);
            #1 if (rst_n) check_pins;
            clk = 1'b1;
            #1 if (rst_n) check_after_edge;
            clk = 1'b0;
            clocks = clocks + 1;
        end
    endtask

    // ---- The end state of the memories ----
    reg [7:0]              scratchpad_want [0:SpadBytes-1];
    reg [AccBits*Cols-1:0] accumulator_want [0:AccRows-1];
    integer                at;

    task check_memories;
        begin
            if (!$value$plusargs("scratchpad=%s", name)) fail("+scratchpad= is missing");
            $readmemh(name, scratchpad_want);
            if (!$value$plusargs("accumulator=%s", name)) fail("+accumulator= is missing");
            $readmemb(name, accumulator_want);
            for (at = 0; at < SpadBytes; at = at + 1)
                if (dut.u_core.u_scratchpad.mem[at] !== scratchpad_want[at]) begin
                    $display("byte 0x%0h", at);
                    expect_pins("scratchpad at the end", dut.u_core.u_scratchpad.mem[at], scratchpad_want[at]);
                end
            for (at = 0; at < AccRows; at = at + 1)
                if (dut.u_core.u_accumulator.mem[at] !== accumulator_want[at]) begin
                    $display("row %0d: got %0h, expected %0h", at, dut.u_core.u_accumulator.mem[at], accumulator_want[at]);
                    fail("accumulator at the end");
                end
        end
    endtask

    initial begin
        if (!$value$plusargs("vectors=%s", name)) fail("+vectors= is missing");
        file = $fopen(name, "r");
        if (file == 0) fail("the vectors cannot be read");
        read_line;
        while (got == 1) begin
            play_clock;
            read_line;
        end
        if (!$feof(file) || clocks == 0) fail("a line of the vectors is not understood");
        check_memories;
        $display("PASS %0d clocks", clocks);
        $finish;
    end
endmodule
