module {
  func.func public @main(%arg0: tensor<11xbf16>) -> tensor<11xbf16> {
    %0 = stablehlo.sine %arg0 : tensor<11xbf16>
    return %0 : tensor<11xbf16>
  }
}
