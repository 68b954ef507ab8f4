// mac_array.v - Rows x Cols multiply-accumulate array, weight stationary, two weight buffers.
//
// A row that enters in cycle t gives its sums in cycle t+Rows+Cols-1; a weight row that enters in t is used by rows that enter from t+1 on.
// FastArray chooses between two forms with equal ports and equal results in every cycle: the array of cells, which is what is
// synthesized, and a form that simulates fast. docs/machine.md, Matmul.
`default_nettype none

module mac_array #(
    parameter integer Rows      = 16,
    parameter integer Cols      = 16,
    parameter integer CellBytes = 2,  // that a cell takes in a cycle: 2 fusible, 1 fixed to mode 8X8
    parameter integer FastArray = 0
) (
    input  wire               clk_i,
    input  wire               rst_ni,
    // from matmul: a weight row, for array row weight_row_i
    input  wire               weight_valid_i,     // a weight row enters
    input  wire               weight_buffer_i,    // into this buffer
    input  wire [7:0]         weight_row_i,
    input  wire [1:0]         weight_mode_i,      // as row_mode_i
    input  wire [16*Cols-1:0] weight_data_i,      // a cell's weights: one signed byte, or nibbles from the lowest on
    // from matmul: a row of activations; bytes are zero when row_valid_i is 0
    input  wire               row_valid_i,        // a row enters
    input  wire               row_buffer_i,       // it meets the weights of this buffer
    input  wire               row_unsigned_i,     // activations are not negative
    input  wire [1:0]         row_mode_i,         // QM_ARRAY_MODE_*: how a cell multiplies
    input  wire [16*Rows-1:0] row_data_i,         // two bytes a cell; the second is zero in mode 8X8
    input  wire [7:0]         row_sampled_i,      // bit r: row r of the array takes the samples of the columns instead
    // from matmul: a sample a column; array row r meets the one of r cycles before
    input  wire               sample_valid_i,     // there is one, or those before move on
    input  wire [8*Cols-1:0]  sample_data_i,
    // to accumulator: the sums of the row that entered Rows+Cols-1 cycles ago; meaningless if none did
    output wire [32*Cols-1:0] sums_o
);

    generate
        if (Rows < 1 || Rows > 256 || Cols < 1 || Cols > 256) begin : gen_check
            Rows_and_Cols_must_be_from_1_to_256 illegal ();
        end
        if (FastArray != 0) begin : gen_fast
            mac_array_fast #(.Rows(Rows), .Cols(Cols), .CellBytes(CellBytes)) array (
                .clk_i            (clk_i),
                .rst_ni           (rst_ni),
                .weight_valid_i   (weight_valid_i),
                .weight_buffer_i  (weight_buffer_i),
                .weight_row_i     (weight_row_i),
                .weight_mode_i    (weight_mode_i),
                .weight_data_i    (weight_data_i),
                .row_valid_i      (row_valid_i),
                .row_buffer_i     (row_buffer_i),
                .row_unsigned_i   (row_unsigned_i),
                .row_mode_i       (row_mode_i),
                .row_data_i       (row_data_i),
                .row_sampled_i    (row_sampled_i),
                .sample_valid_i   (sample_valid_i),
                .sample_data_i    (sample_data_i),
                .sums_o           (sums_o)
            );
        end else begin : gen_cells
            mac_array_cells #(.Rows(Rows), .Cols(Cols), .CellBytes(CellBytes)) array (
                .clk_i            (clk_i),
                .rst_ni           (rst_ni),
                .weight_valid_i   (weight_valid_i),
                .weight_buffer_i  (weight_buffer_i),
                .weight_row_i     (weight_row_i),
                .weight_mode_i    (weight_mode_i),
                .weight_data_i    (weight_data_i),
                .row_valid_i      (row_valid_i),
                .row_buffer_i     (row_buffer_i),
                .row_unsigned_i   (row_unsigned_i),
                .row_mode_i       (row_mode_i),
                .row_data_i       (row_data_i),
                .row_sampled_i    (row_sampled_i),
                .sample_valid_i   (sample_valid_i),
                .sample_data_i    (sample_data_i),
                .sums_o           (sums_o)
            );
        end
    endgenerate

endmodule

`default_nettype wire
