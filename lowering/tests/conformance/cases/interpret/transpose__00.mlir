module {
  func.func public @main(%arg0: tensor<2x3x2xi32>) -> tensor<3x2x2xi32> {
    %0 = stablehlo.transpose %arg0, dims = [1, 0, 2] : (tensor<2x3x2xi32>) -> tensor<3x2x2xi32>
    return %0 : tensor<3x2x2xi32>
  }
}
