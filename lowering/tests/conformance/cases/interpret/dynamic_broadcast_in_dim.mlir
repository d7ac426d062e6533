module {
  func.func public @main() -> tensor<3x2x2xi64> {
    %c = stablehlo.constant dense<[[1], [2], [3]]> : tensor<3x1xi64>
    %c_0 = stablehlo.constant dense<[3, 2, 2]> : tensor<3xi64>
    %0 = stablehlo.dynamic_broadcast_in_dim %c, %c_0, dims = [0, 2] {known_expanding_dimensions = array<i64: 1>, known_nonexpanding_dimensions = array<i64: 0>} : (tensor<3x1xi64>, tensor<3xi64>) -> tensor<3x2x2xi64>
    return %0 : tensor<3x2x2xi64>
  }
}
