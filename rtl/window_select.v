// window_select.v - the bytes of a piece of a window: what was read inside the map, pad_i outside, and zero from count_i on.
//
// The counterpart of window_address.v, one cycle later. docs/machine.md, Windows.
`default_nettype none

module window_select #(
    parameter integer Lanes = 16
) (
    input  wire [8*Lanes-1:0] data_i,
    input  wire [9:0]         first_i,  // lanes first_i <= j < end_i lie in the map
    input  wire [9:0]         end_i,
    input  wire [9:0]         count_i,  // lanes that belong to the piece
    input  wire [7:0]         pad_i,
    output reg  [8*Lanes-1:0] data_o
);

    localparam [9:0] AllLanes = Lanes[9:0];

    integer j;
    always @* begin
        data_o = data_i;
        if (count_i == 10'd0)
            data_o = 0;
        else if (first_i != 10'd0 || end_i != AllLanes || count_i != AllLanes)
            for (j = 0; j < Lanes; j = j + 1)
                if (j[9:0] >= count_i)                          data_o[8*j +: 8] = 8'd0;
                else if (j[9:0] < first_i || j[9:0] >= end_i) data_o[8*j +: 8] = pad_i;
    end

endmodule

`default_nettype wire
