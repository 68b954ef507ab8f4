    // Random numbers that are the same in every simulator. `state` is the bench's seed.
    reg [31:0] state;

    // Below bound.
    function [31:0] draw(input [31:0] bound);
        begin
            state = state * 32'd1664525 + 32'd1013904223;
            draw  = ({state[15:0], state[31:16]} & 32'h7fffffff) % bound;
        end
    endfunction

    // From least to most.
    function integer draw_from(input integer least, input integer most);
        draw_from = least + draw(most - least + 1);
    endfunction

    // 32 bits, often near the ends of the range.
    function [31:0] draw_word(input integer unused);
        case (draw(8))
            0:       draw_word = 32'h80000000 + draw(3);
            1:       draw_word = 32'h7fffffff - draw(3);
            2:       draw_word = draw(5) - 2;
            3:       draw_word = 32'd1 << draw(32);
            default: draw_word = {draw(65536), 16'd0} | draw(65536);
        endcase
    endfunction
