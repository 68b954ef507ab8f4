// window_address.v - where a piece of a window lies: its scratchpad address, and which of its bytes are inside the feature map.
//
// addr_o is that of byte 0; those with first_o <= j < end_o of its Lanes bytes lie in the map. y and x are wide enough for every
// encodable instruction. docs/machine.md, Windows.
`default_nettype none

module window_address #(
    parameter integer Lanes = 16
) (
    input  wire signed [25:0] y_i,
    input  wire signed [33:0] x_i,
    input  wire [23:0]        in_addr_i,
    input  wire [15:0]        in_pitch_i,
    input  wire [15:0]        in_row_bytes_i,
    input  wire [15:0]        in_rows_i,
    output wire [23:0]        addr_o,
    output wire [9:0]         first_o,
    output wire [9:0]         end_o
);

    localparam signed [34:0] LanesX   = {19'd0, Lanes[15:0]};
    localparam [9:0]         AllLanes = Lanes[9:0];

    wire signed [34:0] left = -{x_i[33], x_i};                           // bytes of the piece that lie left of the map
    wire signed [34:0] reach = $signed({19'd0, in_row_bytes_i}) + left;  // bytes from its byte 0 to the end of the map row
    wire               y_in   = !y_i[25] && y_i[24:0] < {9'd0, in_rows_i};

    assign addr_o  = in_addr_i + y_i[23:0] * {8'd0, in_pitch_i} + x_i[23:0];
    assign first_o = left <= 0 ? 10'd0 : left >= LanesX ? AllLanes : left[9:0];
    assign end_o   = !y_in || reach <= 0 ? 10'd0 : reach >= LanesX ? AllLanes : reach[9:0];

endmodule

`default_nettype wire
