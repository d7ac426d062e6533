module {
  func.func public @main(%arg0: tensor<2xf64>) -> tensor<2xf64> {
    %0 = stablehlo.real %arg0 : tensor<2xf64>
    return %0 : tensor<2xf64>
  }
}
