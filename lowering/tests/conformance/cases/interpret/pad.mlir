module {
  func.func public @main(%arg0: tensor<5x4xi64>, %arg1: tensor<i64>) -> tensor<7x5xi64> {
    %0 = stablehlo.pad %arg0, %arg1, low = [1, -1], high = [1, -1], interior = [0, 1] : (tensor<5x4xi64>, tensor<i64>) -> tensor<7x5xi64>
    return %0 : tensor<7x5xi64>
  }
}
