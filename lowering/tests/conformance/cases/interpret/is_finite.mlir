module {
  func.func public @main(%arg0: tensor<7xf64>) -> tensor<7xi1> {
    %0 = stablehlo.is_finite %arg0 : (tensor<7xf64>) -> tensor<7xi1>
    return %0 : tensor<7xi1>
  }
}
