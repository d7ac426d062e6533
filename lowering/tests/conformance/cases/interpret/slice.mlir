module {
  func.func public @main(%arg0: tensor<3x6xi64>) -> tensor<2x2xi64> {
    %0 = stablehlo.slice %arg0 [0:3:2, 2:6:3] : (tensor<3x6xi64>) -> tensor<2x2xi64>
    return %0 : tensor<2x2xi64>
  }
}
