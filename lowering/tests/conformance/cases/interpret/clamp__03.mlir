module {
  func.func public @main(%arg0: tensor<i64>, %arg1: tensor<3xi64>, %arg2: tensor<i64>) -> tensor<3xi64> {
    %0 = stablehlo.clamp %arg0, %arg1, %arg2 : (tensor<i64>, tensor<3xi64>, tensor<i64>) -> tensor<3xi64>
    return %0 : tensor<3xi64>
  }
}
