module {
  func.func public @main(%arg0: tensor<3xi64>) -> tensor<3xi64> {
    %0 = stablehlo.sign %arg0 : tensor<3xi64>
    return %0 : tensor<3xi64>
  }
}
