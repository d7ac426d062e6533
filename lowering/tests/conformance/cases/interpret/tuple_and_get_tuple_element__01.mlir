module {
  func.func public @main(%arg0: tensor<2xf64>, %arg1: tensor<i64>) -> (tensor<2xf64>, tensor<i64>) {
    %0 = stablehlo.tuple %arg1 : tuple<tensor<i64>>
    %1 = stablehlo.tuple %arg0, %0 : tuple<tensor<2xf64>, tuple<tensor<i64>>>
    %2 = stablehlo.get_tuple_element %1[0] : (tuple<tensor<2xf64>, tuple<tensor<i64>>>) -> tensor<2xf64>
    %3 = stablehlo.get_tuple_element %1[1] : (tuple<tensor<2xf64>, tuple<tensor<i64>>>) -> tuple<tensor<i64>>
    %4 = stablehlo.get_tuple_element %3[0] : (tuple<tensor<i64>>) -> tensor<i64>
    return %2, %4 : tensor<2xf64>, tensor<i64>
  }
}
