module {
  func.func public @main(%arg0: tensor<9xf16>) -> tensor<9xf16> {
    %0 = stablehlo.floor %arg0 : tensor<9xf16>
    return %0 : tensor<9xf16>
  }
}
