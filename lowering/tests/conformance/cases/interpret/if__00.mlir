module {
  func.func public @main(%arg0: tensor<i1>) -> (tensor<2xi64>, tensor<2xi64>) {
    %0:2 = "stablehlo.if"(%arg0) ({
      %c = stablehlo.constant dense<0> : tensor<2xi64>
      stablehlo.return %c, %c : tensor<2xi64>, tensor<2xi64>
    }, {
      %c = stablehlo.constant dense<1> : tensor<2xi64>
      stablehlo.return %c, %c : tensor<2xi64>, tensor<2xi64>
    }) : (tensor<i1>) -> (tensor<2xi64>, tensor<2xi64>)
    return %0#0, %0#1 : tensor<2xi64>, tensor<2xi64>
  }
}
