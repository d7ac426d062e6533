module {
  func.func public @main(%arg0: tensor<4xf8E3M4>) -> tensor<f8E3M4> {
    %0 = stablehlo.dot_general %arg0, %arg0, contracting_dims = [0] x [0] : (tensor<4xf8E3M4>, tensor<4xf8E3M4>) -> tensor<f8E3M4>
    return %0 : tensor<f8E3M4>
  }
}
