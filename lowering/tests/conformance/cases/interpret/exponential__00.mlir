module {
  func.func public @main(%arg0: tensor<2x2xf64>) -> tensor<2x2xf64> {
    %0 = stablehlo.exponential %arg0 : tensor<2x2xf64>
    return %0 : tensor<2x2xf64>
  }
}
