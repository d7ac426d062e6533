module {
  func.func public @main(%arg0: tensor<6xi64>, %arg1: tensor<6xi64>) -> tensor<6xi64> {
    %0 = stablehlo.power %arg0, %arg1 : tensor<6xi64>
    return %0 : tensor<6xi64>
  }
}
