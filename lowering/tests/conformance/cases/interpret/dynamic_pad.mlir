module {
  func.func public @main() -> tensor<7x5xi64> {
    %c = stablehlo.constant dense<[[0, 0, 0, 0], [0, 1, 2, 0], [0, 3, 4, 0], [0, 5, 6, 0], [0, 0, 0, 0]]> : tensor<5x4xi64>
    %c_0 = stablehlo.constant dense<-1> : tensor<i64>
    %c_1 = stablehlo.constant dense<[1, -1]> : tensor<2xi64>
    %c_2 = stablehlo.constant dense<[1, -1]> : tensor<2xi64>
    %c_3 = stablehlo.constant dense<[0, 1]> : tensor<2xi64>
    %0 = stablehlo.dynamic_pad %c, %c_0, %c_1, %c_2, %c_3 : (tensor<5x4xi64>, tensor<i64>, tensor<2xi64>, tensor<2xi64>, tensor<2xi64>) -> tensor<7x5xi64>
    return %0 : tensor<7x5xi64>
  }
}
