// window_select.v - bytes of a piece of a window: what was read inside the map, pad_i outside, and zero from count_i on.
//
// The counterpart of window_address.v, one cycle later. Its lanes are First, First+1, ... of the piece. docs/machine.md, Windows.
`default_nettype none

module window_select #(
    parameter integer Lanes = 16,
    parameter integer First = 0
) (
    input  wire [8*Lanes-1:0] data_i,
    input  wire [9:0]         first_i,  // lanes first_i <= j < end_i lie in the map
    input  wire [9:0]         end_i,
    input  wire [9:0]         count_i,  // lanes that belong to the piece
    input  wire [7:0]         pad_i,
    output reg  [8*Lanes-1:0] data_o
);

    localparam integer Next      = First + Lanes;
    localparam [9:0]   FirstLane = First[9:0];
    localparam [9:0]   LaneEnd   = Next[9:0];

    integer j;
    always @* begin
        data_o = data_i;
        if (count_i <= FirstLane)
            data_o = 0;
        else if (first_i > FirstLane || end_i < LaneEnd || count_i < LaneEnd)
            for (j = 0; j < Lanes; j = j + 1)
                if (FirstLane + j[9:0] >= count_i)                                      data_o[8*j +: 8] = 8'd0;
                else if (FirstLane + j[9:0] < first_i || FirstLane + j[9:0] >= end_i) data_o[8*j +: 8] = pad_i;
    end

endmodule

`default_nettype wire
