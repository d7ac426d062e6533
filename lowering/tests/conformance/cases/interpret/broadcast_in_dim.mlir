module {
  func.func public @main(%arg0: tensor<3x1xi64>) -> tensor<3x2x2xi64> {
    %0 = stablehlo.broadcast_in_dim %arg0, dims = [0, 2] : (tensor<3x1xi64>) -> tensor<3x2x2xi64>
    return %0 : tensor<3x2x2xi64>
  }
}
