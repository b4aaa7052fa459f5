// SPDX-License-Identifier: MIT
// A counter with reset and enable, and a comparator: a little of what synthesis meets.
module counter #(parameter WIDTH = 8)(input clk, input reset, input enable, input [WIDTH-1:0] limit,
                                      output reg [WIDTH-1:0] value, output reached);
  assign reached = value == limit;
  always @(posedge clk)
    if (reset) value <= 0;
    else if (enable && !reached) value <= value + 1;
endmodule
