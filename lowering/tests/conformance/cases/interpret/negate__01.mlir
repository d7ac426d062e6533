module {
  func.func public @main(%arg0: tensor<3xui4>) -> tensor<3xui4> {
    %0 = stablehlo.negate %arg0 : tensor<3xui4>
    return %0 : tensor<3xui4>
  }
}
