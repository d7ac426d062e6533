module {
  func.func public @main(%arg0: tensor<3x2xi64>) -> tensor<3x2xi64> {
    %0 = stablehlo.reverse %arg0, dims = [1, 0] : tensor<3x2xi64>
    return %0 : tensor<3x2xi64>
  }
}
