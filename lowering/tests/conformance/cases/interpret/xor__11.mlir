module {
  func.func public @main(%arg0: tensor<2xi1>, %arg1: tensor<2xi1>) -> tensor<2xi1> {
    %0 = stablehlo.xor %arg0, %arg1 : tensor<2xi1>
    return %0 : tensor<2xi1>
  }
}
