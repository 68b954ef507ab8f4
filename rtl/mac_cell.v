// mac_cell - one product a cycle: sum_o is sum_i plus activation times weight, and everything moves on by one cell.
// Activations and control move right, sums and weights move down. Two weight registers: one is used while the other is loaded.
`default_nettype none

module mac_cell #(
    parameter OnDiagonal = 0  // row and column are equal
) (
    input  wire               clk_i,

    // from/to the left and right neighbours
    input  wire signed [8:0]  activation_i,
    input  wire               buffer_i,    // weight register that the activation meets
    input  wire               load_i,      // take weight_i into register load_buffer_i
    input  wire               load_buffer_i,
    input  wire               diagonal_i,  // take zero instead, off the diagonal
    output reg  signed [8:0]  activation_o,
    output reg                buffer_o,
    output reg                load_o,
    output reg                load_buffer_o,
    output reg                diagonal_o,

    // from/to the neighbours above and below
    input  wire signed [7:0]  weight_i,
    input  wire signed [31:0] sum_i,
    output reg  signed [7:0]  weight_o,
    output reg  signed [31:0] sum_o
);
    localparam Kept = OnDiagonal != 0;

    reg signed [7:0] weight0_q;
    reg signed [7:0] weight1_q;

    wire signed [7:0]  loaded  = diagonal_i && !Kept ? 8'sd0 : weight_i;
    wire signed [7:0]  weight  = buffer_i ? weight1_q : weight0_q;
    wire signed [16:0] product = activation_i * weight;

    always @(posedge clk_i) begin
        activation_o  <= activation_i;
        buffer_o      <= buffer_i;
        load_o        <= load_i;
        load_buffer_o <= load_buffer_i;
        diagonal_o    <= diagonal_i;
        weight_o      <= weight_i;
        sum_o         <= sum_i + {{15{product[16]}}, product};
        if (load_i && !load_buffer_i) weight0_q <= loaded;
        if (load_i && load_buffer_i)  weight1_q <= loaded;
    end
endmodule
