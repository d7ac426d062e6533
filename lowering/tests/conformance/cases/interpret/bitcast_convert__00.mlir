module {
  func.func public @main(%arg0: tensor<64xi1>) -> tensor<i64> {
    %0 = stablehlo.bitcast_convert %arg0 : (tensor<64xi1>) -> tensor<i64>
    return %0 : tensor<i64>
  }
}
