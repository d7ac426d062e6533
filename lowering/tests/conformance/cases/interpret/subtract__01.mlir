module {
  func.func public @main(%arg0: tensor<2xui4>, %arg1: tensor<2xui4>) -> tensor<2xui4> {
    %0 = stablehlo.subtract %arg0, %arg1 : tensor<2xui4>
    return %0 : tensor<2xui4>
  }
}
