module {
  func.func public @main(%arg0: tensor<2xf64>) -> tensor<2xf64> {
    %0 = stablehlo.exponential_minus_one %arg0 : tensor<2xf64>
    return %0 : tensor<2xf64>
  }
}
