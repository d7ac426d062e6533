module {
  func.func public @main(%arg0: tensor<3x2xi32>) -> tensor<6xi32> {
    %0 = stablehlo.reshape %arg0 : (tensor<3x2xi32>) -> tensor<6xi32>
    return %0 : tensor<6xi32>
  }
}
