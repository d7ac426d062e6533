module {
  func.func public @main() -> tensor<3x4xi64> {
    %c = stablehlo.constant dense<[3, 4]> : tensor<2xi64>
    %0 = stablehlo.dynamic_iota %c, dim = 1 : (tensor<2xi64>) -> tensor<3x4xi64>
    return %0 : tensor<3x4xi64>
  }
}
