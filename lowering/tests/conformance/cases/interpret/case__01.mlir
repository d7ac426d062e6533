module {
  func.func public @main(%arg0: tensor<i32>, %arg1: tensor<2xi64>, %arg2: tensor<2xi64>) -> (tensor<2xi64>, tensor<2xi64>) {
    %0:2 = "stablehlo.case"(%arg0) ({
      stablehlo.return %arg1, %arg1 : tensor<2xi64>, tensor<2xi64>
    }, {
      stablehlo.return %arg2, %arg2 : tensor<2xi64>, tensor<2xi64>
    }) : (tensor<i32>) -> (tensor<2xi64>, tensor<2xi64>)
    return %0#0, %0#1 : tensor<2xi64>, tensor<2xi64>
  }
}
