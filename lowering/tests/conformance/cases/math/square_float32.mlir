module @square_float32 {
  func.func public @main(%arg0: tensor<169xf32>) -> tensor<169xf32> {
    %0 = chlo.square %arg0 : tensor<169xf32> -> tensor<169xf32>
    return %0 : tensor<169xf32>
  }
}
