// mac_cell.v - one cell of the array: its products of a cycle are added to the sum, and everything moves on by one cell.
//
// A fusible cell has four multipliers of an activation and a 4-bit digit: mode 8X8 makes one product from two digits, 8X4 two products
// of a byte and a nibble, 4X4 four products of nibbles. A fixed one has a multiplier of 8 bits, and mode 8X8 only. Activations and
// control move right, sums and weights move down, and so do samples, at half the speed: a byte a column that mode 8X8 can take in
// place of the activation. Two weight registers: one is used while the other is loaded. docs/machine.md, Matmul.
`include "qmac_defs.vh"
`default_nettype none

module mac_cell #(
    parameter integer Bits       = 16,   // of what the cell multiplies: 16 fusible, 8 fixed
    parameter [0:0]   HasSamples = 1'b1  // the row can take samples of the column
) (
    input  wire               clk_i,
    input  wire               rst_ni,         // clears the weights: a zero activation must make zero of cells that were never loaded
    // to the left and right neighbours
    input  wire [Bits-1:0]    activation_i,
    input  wire               unsigned_i,     // activations are not negative
    /* verilator lint_off UNUSEDSIGNAL */  // a fixed cell has one
    input  wire [1:0]         mode_i,         // QM_ARRAY_MODE_*: how they meet weights
    /* verilator lint_on UNUSEDSIGNAL */
    input  wire               buffer_i,       // weight register that the activations meet
    input  wire               load_i,         // take weight_i into register load_buffer_i
    input  wire               load_buffer_i,  // weight register 1, not 0
    input  wire               sampled_i,      // the weights meet the sample of the column, not activation_i
    output reg  [Bits-1:0]    activation_o,
    output reg                unsigned_o,     // unsigned_i of the cycle before
    output wire [1:0]         mode_o,
    output reg                buffer_o,       // buffer_i of the cycle before
    output reg                load_o,         // load_i of the cycle before
    output reg                load_buffer_o,  // load_buffer_i of the cycle before
    output reg                sampled_o,      // sampled_i of the cycle before
    // to the neighbours above and below
    input  wire [Bits-1:0]    weight_i,
    input  wire [7:0]         sample_i,
    input  wire signed [31:0] sum_i,
    output reg  [Bits-1:0]    weight_o,
    output wire [7:0]         sample_o,       // sample_i of two cycles before; 0 when HasSamples is 0
    output reg  signed [31:0] sum_o
);

    reg [Bits-1:0] weight0_q;
    reg [Bits-1:0] weight1_q;

    wire [Bits-1:0] weight = buffer_i ? weight1_q : weight0_q;

    wire [Bits-1:0] activation;

    generate
        if (HasSamples) begin : gen_samples
            reg [7:0] sample0_q;
            reg [7:0] sample1_q;
            always @(posedge clk_i) begin
                sample0_q <= sample_i;
                sample1_q <= sample0_q;
            end
            /* verilator lint_off UNUSEDSIGNAL */
            wire [15:0] sample = {8'd0, sample_i};
            /* verilator lint_on UNUSEDSIGNAL */
            assign sample_o   = sample1_q;
            assign activation = sampled_i ? sample[Bits-1:0] : activation_i;
        end else begin : gen_no_samples
            /* verilator lint_off UNUSEDSIGNAL */
            wire [7:0] unused = sample_i;
            /* verilator lint_on UNUSEDSIGNAL */
            assign sample_o   = 8'd0;
            assign activation = activation_i;
        end
    endgenerate

    wire signed [17:0] product;

    generate
        if (Bits == 8) begin : gen_fixed
            wire signed [8:0] a = {activation[7] && !unsigned_i, activation};
            wire signed [7:0] w = weight;

            assign product = a * w;
            assign mode_o  = `QM_ARRAY_MODE_8X8;
        end else begin : gen_fusible
            reg [1:0] mode_q;
            always @(posedge clk_i) mode_q <= mode_i;
            assign mode_o = mode_q;

            wire bytes   = mode_i == `QM_ARRAY_MODE_8X8;
            wire nibbles = mode_i == `QM_ARRAY_MODE_4X4;

            // Activations that the multipliers meet, one bit wider than they are stored.
            wire signed [8:0] byte0   = {activation[7]  && !unsigned_i, activation[7:0]};
            wire signed [8:0] byte1   = {activation[15] && !unsigned_i, activation[15:8]};
            wire signed [4:0] nibble0 = {activation[3]  && !unsigned_i, activation[3:0]};
            wire signed [4:0] nibble1 = {activation[7]  && !unsigned_i, activation[7:4]};
            wire signed [4:0] nibble2 = {activation[11] && !unsigned_i, activation[11:8]};
            wire signed [4:0] nibble3 = {activation[15] && !unsigned_i, activation[15:12]};

            wire signed [8:0] a0 = nibbles ? {{4{nibble0[4]}}, nibble0} : byte0;
            wire signed [8:0] a1 = nibbles ? {{4{nibble1[4]}}, nibble1} : bytes ? byte0 : byte1;

            // Digits: the low one of a byte is not signed.
            wire signed [4:0] w0 = {weight[3] && !bytes, weight[3:0]};
            wire signed [4:0] w1 = {weight[7],  weight[7:4]};
            wire signed [3:0] w2 = weight[11:8];
            wire signed [3:0] w3 = weight[15:12];

            wire signed [13:0] p0 = a0 * w0;
            wire signed [13:0] p1 = a1 * w1;
            wire signed [8:0]  p2 = nibble2 * w2;
            wire signed [8:0]  p3 = nibble3 * w3;

            wire signed [17:0] high = bytes ? {p1, 4'd0} : {{4{p1[13]}}, p1};
            wire signed [17:0] pair = nibbles ? {{9{p2[8]}}, p2} + {{9{p3[8]}}, p3} : 18'sd0;
            assign product = {{4{p0[13]}}, p0} + high + pair;
        end
    endgenerate

    always @(posedge clk_i) begin
        activation_o  <= activation_i;
        unsigned_o    <= unsigned_i;
        buffer_o      <= buffer_i;
        load_o        <= load_i;
        load_buffer_o <= load_buffer_i;
        sampled_o     <= sampled_i;
        weight_o      <= weight_i;
        sum_o         <= sum_i + {{14{product[17]}}, product};
        if (!rst_ni)                       weight0_q <= {Bits{1'b0}};
        else if (load_i && !load_buffer_i) weight0_q <= weight_i;
        if (!rst_ni)                       weight1_q <= {Bits{1'b0}};
        else if (load_i && load_buffer_i)  weight1_q <= weight_i;
    end

endmodule

`default_nettype wire
