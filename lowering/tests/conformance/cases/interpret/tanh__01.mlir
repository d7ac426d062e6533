module {
  func.func public @main(%arg0: tensor<11xf16>) -> tensor<11xf16> {
    %0 = stablehlo.tanh %arg0 : tensor<11xf16>
    return %0 : tensor<11xf16>
  }
}
