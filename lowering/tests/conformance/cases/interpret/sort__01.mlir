module {
  func.func public @main(%arg0: tensor<5x7xi64>) -> tensor<5x7xi64> {
    %0 = "stablehlo.sort"(%arg0) <{dimension = 0 : i64}> ({
    ^bb0(%arg1: tensor<i64>, %arg2: tensor<i64>):
      %1 = stablehlo.compare LT, %arg1, %arg2, SIGNED : (tensor<i64>, tensor<i64>) -> tensor<i1>
      stablehlo.return %1 : tensor<i1>
    }) : (tensor<5x7xi64>) -> tensor<5x7xi64>
    return %0 : tensor<5x7xi64>
  }
}
