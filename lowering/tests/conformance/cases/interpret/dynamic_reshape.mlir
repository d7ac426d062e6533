module {
  func.func public @main() -> tensor<6xi64> {
    %c = stablehlo.constant dense<[[1, 2, 3, 4, 5, 6]]> : tensor<1x6xi64>
    %c_0 = stablehlo.constant dense<6> : tensor<1xi64>
    %0 = stablehlo.dynamic_reshape %c, %c_0 : (tensor<1x6xi64>, tensor<1xi64>) -> tensor<6xi64>
    return %0 : tensor<6xi64>
  }
}
