module {
  func.func public @main(%arg0: tensor<5xui64>, %arg1: tensor<5xui64>) -> tensor<5xui64> {
    %0 = stablehlo.power %arg0, %arg1 : tensor<5xui64>
    return %0 : tensor<5xui64>
  }
}
