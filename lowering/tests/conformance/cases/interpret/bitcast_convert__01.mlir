module {
  func.func public @main(%arg0: tensor<i64>) -> tensor<f64> {
    %0 = stablehlo.bitcast_convert %arg0 : (tensor<i64>) -> tensor<f64>
    return %0 : tensor<f64>
  }
}
