// matmul_steps.v - walks over the steps of a MATMUL: tile by tile, then ky, kx, piece of the run.
//
// The preloader and the streamer have one each. Describes the current step; advance_i goes to the next one. docs/machine.md, Matmul.
`default_nettype none

module matmul_steps #(
    parameter integer Rows = 16,
    parameter integer Cols = 16
) (
    input  wire        clk_i,
    input  wire        load_i,       // begin with the first step of:
    input  wire [7:0]  kernel_h_i,
    input  wire [7:0]  kernel_w_i,
    input  wire [15:0] run_bytes_i,
    input  wire [15:0] channels_i,
    input  wire        depthwise_i,  // a step is a chain of run_bytes_i taps
    input  wire        narrow_i,     // a row of the array takes two bytes
    input  wire        advance_i,    // go to the next step
    output wire [9:0]  k_o,          // bytes that a row reads
    output wire [8:0]  rows_o,       // rows of the array that have weights, and weight rows
    output wire [8:0]  n_o,          // columns
    output wire        depthwise_o,  // the step is a chain
    output wire        first_o,      // first step of the tile
    output wire        run_end_o,    // last piece of the run
    output wire        row_end_o,    // and of the window row
    output wire        tile_end_o,   // and of the tile
    output wire        last_o        // and of the instruction
);

    localparam integer Narrow    = Rows < Cols ? Rows : Cols;
    localparam [15:0]  PieceOne  = Rows[15:0];
    localparam [15:0]  TileMax   = Cols[15:0];
    localparam [15:0]  NarrowMax = Narrow[15:0];

    reg [7:0]  kernel_h_q;
    reg [7:0]  kernel_w_q;
    reg [15:0] run_bytes_q;
    reg        depthwise_q;      // steps are chains
    reg        narrow_q;         // a row of the array takes two bytes
    reg [7:0]  ky_left_q;        // window rows, runs after the current one
    reg [7:0]  kx_left_q;
    reg [15:0] run_left_q;       // bytes from the current piece on
    reg [15:0] channels_left_q;  // channels from the current tile on
    reg        first_q;          // the current step is the first of the tile

    wire [15:0] piece_max = narrow_q ? {PieceOne[14:0], 1'b0} : PieceOne;
    wire [15:0] tile_max = depthwise_q ? NarrowMax : TileMax;

    assign n_o         = channels_left_q < tile_max ? channels_left_q[8:0] : tile_max[8:0];
    assign k_o         = depthwise_q ? {1'b0, n_o} : run_left_q < piece_max ? run_left_q[9:0] : piece_max[9:0];
    assign rows_o      = depthwise_q ? run_bytes_q[8:0] : narrow_q ? k_o[9:1] + {8'd0, k_o[0]} : k_o[8:0];
    assign depthwise_o = depthwise_q;
    assign first_o     = first_q;
    assign run_end_o   = depthwise_q || run_left_q <= piece_max;
    assign row_end_o   = run_end_o && kx_left_q == 8'd0;
    assign tile_end_o  = row_end_o && ky_left_q == 8'd0;
    assign last_o      = tile_end_o && channels_left_q <= tile_max;

    always @(posedge clk_i) begin
        if (load_i) begin
            kernel_h_q      <= kernel_h_i;
            kernel_w_q      <= kernel_w_i;
            run_bytes_q     <= run_bytes_i;
            depthwise_q     <= depthwise_i;
            narrow_q        <= narrow_i;
            ky_left_q       <= kernel_h_i - 8'd1;
            kx_left_q       <= kernel_w_i - 8'd1;
            run_left_q      <= run_bytes_i;
            channels_left_q <= channels_i;
            first_q         <= 1'b1;
        end else if (advance_i) begin
            run_left_q <= run_end_o ? run_bytes_q : run_left_q - piece_max;
            if (run_end_o)  kx_left_q       <= row_end_o ? kernel_w_q - 8'd1 : kx_left_q - 8'd1;
            if (row_end_o)  ky_left_q       <= tile_end_o ? kernel_h_q - 8'd1 : ky_left_q - 8'd1;
            if (tile_end_o) channels_left_q <= channels_left_q - tile_max;
            first_q <= tile_end_o;
        end
    end

endmodule

`default_nettype wire
