module @acos_float32 {
  func.func public @main(%arg0: tensor<175xf32>) -> tensor<175xf32> {
    %0 = chlo.acos %arg0 : tensor<175xf32> -> tensor<175xf32>
    return %0 : tensor<175xf32>
  }
}
