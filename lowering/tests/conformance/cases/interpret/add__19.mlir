module {
  func.func public @main(%arg0: tensor<i4>, %arg1: tensor<i4>) -> tensor<i4> {
    %0 = stablehlo.add %arg0, %arg1 : tensor<i4>
    return %0 : tensor<i4>
  }
}
