module {
  func.func public @main(%arg0: tensor<2x2xf64>) -> tensor<2x2xf64> {
    %0 = stablehlo.logistic %arg0 : tensor<2x2xf64>
    return %0 : tensor<2x2xf64>
  }
}
