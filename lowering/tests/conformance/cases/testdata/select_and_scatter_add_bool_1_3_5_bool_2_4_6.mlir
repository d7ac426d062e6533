module @jit_main attributes {mhlo.num_partitions = 1 : i32, mhlo.num_replicas = 1 : i32} {
  func.func public @main(%arg0: tensor<1x3x5xi1>, %arg1: tensor<2x4x6xi1>) -> tensor<2x4x6xi1> {
    %c = stablehlo.constant dense<false> : tensor<i1>
    %0 = stablehlo.pad %arg1, %c, low = [0, 0, 0], high = [0, 0, 0], interior = [0, 0, 0] : (tensor<2x4x6xi1>, tensor<i1>) -> tensor<2x4x6xi1>
    %c_0 = stablehlo.constant dense<false> : tensor<i1>
    %1 = "stablehlo.select_and_scatter"(%0, %arg0, %c_0) <{window_dimensions = array<i64: 2, 2, 2>}> ({
    ^bb0(%arg2: tensor<i1>, %arg3: tensor<i1>):
      %3 = stablehlo.compare GE, %arg2, %arg3, UNSIGNED : (tensor<i1>, tensor<i1>) -> tensor<i1>
      stablehlo.return %3 : tensor<i1>
    }, {
    ^bb0(%arg2: tensor<i1>, %arg3: tensor<i1>):
      %3 = stablehlo.or %arg2, %arg3 : tensor<i1>
      stablehlo.return %3 : tensor<i1>
    }) : (tensor<2x4x6xi1>, tensor<1x3x5xi1>, tensor<i1>) -> tensor<2x4x6xi1>
    %2 = stablehlo.slice %1 [0:2, 0:4, 0:6] : (tensor<2x4x6xi1>) -> tensor<2x4x6xi1>
    return %2 : tensor<2x4x6xi1>
  }
}
