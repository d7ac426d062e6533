module {
  func.func public @main(%arg0: tensor<9xbf16>) -> tensor<9xbf16> {
    %0 = stablehlo.floor %arg0 : tensor<9xbf16>
    return %0 : tensor<9xbf16>
  }
}
