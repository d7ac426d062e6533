module {
  func.func public @main(%arg0: tensor<2x2xi64>) -> tensor<2x2xi64> {
    %0 = stablehlo.count_leading_zeros %arg0 : tensor<2x2xi64>
    return %0 : tensor<2x2xi64>
  }
}
