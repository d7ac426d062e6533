module {
  func.func public @main(%arg0: tensor<3xf64>, %arg1: tensor<3xf64>) -> tensor<3xf64> {
    %0 = stablehlo.atan2 %arg0, %arg1 : tensor<3xf64>
    return %0 : tensor<3xf64>
  }
}
