module {
  func.func public @main(%arg0: tensor<5xf64>) -> tensor<5xf64> {
    %0 = stablehlo.round_nearest_afz %arg0 : tensor<5xf64>
    return %0 : tensor<5xf64>
  }
}
