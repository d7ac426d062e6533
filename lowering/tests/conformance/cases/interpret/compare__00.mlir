module {
  func.func public @main(%arg0: tensor<i64>, %arg1: tensor<i64>) -> tensor<i1> {
    %0 = stablehlo.compare EQ, %arg0, %arg1 : (tensor<i64>, tensor<i64>) -> tensor<i1>
    return %0 : tensor<i1>
  }
}
