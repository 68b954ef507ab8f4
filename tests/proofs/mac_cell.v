// mac_cell - what the cell does with its product (product.v): sum_o is sum_i plus the product of the cycle before, the weights are those
// last loaded into the register that buffer_i names, zero after reset, and they meet the activation, or the sample of the column where the
// row takes those; samples leave two cycles after they came. Control moves on as it came, but a fixed cell has one mode.
`default_nettype none

module mac_cell_proof #(
    parameter Bits       = 16,
    parameter HasSamples = 1
) (
    input wire               clk_i,
    input wire               rst_ni,
    input wire    [Bits-1:0] activation_i,
    input wire               unsigned_i,
    input wire        [1:0]  mode_i,
    input wire               buffer_i,
    input wire               load_i,
    input wire               load_buffer_i,
    input wire               sampled_i,
    input wire        [7:0]  sample_i,
    input wire    [Bits-1:0] weight_i,
    input wire signed [31:0] sum_i
);
    wire signed [31:0] sum;
    wire    [Bits-1:0] activation;
    wire    [Bits-1:0] weight;
    wire        [6:0]  control;
    wire        [7:0]  sample;

    (* hierconn *) wire    [Bits-1:0] \dut.weight ;
    (* hierconn *) wire    [Bits-1:0] \dut.activation ;
    (* hierconn *) wire signed [17:0] \dut.product ;
    (* hierconn *) wire    [Bits-1:0] \dut.weight0_q ;
    (* hierconn *) wire    [Bits-1:0] \dut.weight1_q ;

    mac_cell #(.Bits(Bits), .HasSamples(HasSamples)) dut (
        .clk_i        (clk_i),
        .rst_ni       (rst_ni),
        .activation_i (activation_i),
        .unsigned_i   (unsigned_i),
        .mode_i       (mode_i),
        .buffer_i     (buffer_i),
        .load_i       (load_i),
        .load_buffer_i(load_buffer_i),
        .sampled_i    (sampled_i),
        .sample_i     (sample_i),
        .sample_o     (sample),
        .activation_o (activation),
        .unsigned_o   (control[0]),
        .mode_o       (control[2:1]),
        .buffer_o     (control[3]),
        .load_o       (control[4]),
        .load_buffer_o(control[5]),
        .sampled_o    (control[6]),
        .weight_i     (weight_i),
        .sum_i        (sum_i),
        .weight_o     (weight),
        .sum_o        (sum)
    );

    // The same written down apart.
    reg               before_q = 1'b0;  // a cycle has passed
    reg        [1:0]  known_q  = 2'b00; // the register has been loaded
    reg    [Bits-1:0] loaded_q [0:1];
    reg signed [31:0] sum_q;
    reg  [2*Bits+6:0] moved_q;
    reg               twice_q  = 1'b0;  // two cycles have passed
    reg        [7:0]  sample_q [0:1];

    always @(posedge clk_i) begin
        before_q <= 1'b1;
        twice_q  <= before_q;
        sample_q[0] <= sample_i;
        sample_q[1] <= sample_q[0];
        sum_q    <= sum_i + \dut.product ;
        moved_q  <= {activation_i, weight_i, sampled_i, load_buffer_i, load_i, buffer_i, mode_i & {2{Bits != 8}}, unsigned_i};
        if (!rst_ni) begin
            known_q     <= 2'b11;
            loaded_q[0] <= 0;
            loaded_q[1] <= 0;
        end else if (load_i) begin
            known_q[load_buffer_i]  <= 1'b1;
            loaded_q[load_buffer_i] <= weight_i;
        end
    end

    always @* begin
        if (before_q) begin
            assert (sum == sum_q);
            assert ({activation, weight, control} == moved_q);
        end
        if (twice_q) assert (sample == (HasSamples != 0 ? sample_q[1] : 8'd0));
        assert (\dut.activation == (HasSamples != 0 && sampled_i ? sample_i : activation_i));
        if (known_q[buffer_i]) assert (\dut.weight == loaded_q[buffer_i]);
        if (known_q[0]) assert (\dut.weight0_q == loaded_q[0]);
        if (known_q[1]) assert (\dut.weight1_q == loaded_q[1]);
    end
endmodule
