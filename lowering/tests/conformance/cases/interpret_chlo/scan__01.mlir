module {
  func.func public @main(%arg0: tensor<2x3xi32>, %arg1: tensor<2xi32>) -> (tensor<2x3xi32>, tensor<2xi32>) {
    %0:2 = chlo.scan(%arg0) inits (%arg1) dimension=1  {
    ^bb0(%input: tensor<2xi32>, %carry: tensor<2xi32>):
      %1 = stablehlo.add %input, %carry : tensor<2xi32>
      stablehlo.return %1, %1 : tensor<2xi32>, tensor<2xi32>
    } : (tensor<2x3xi32>, tensor<2xi32>) -> (tensor<2x3xi32>, tensor<2xi32>)
    return %0#0, %0#1 : tensor<2x3xi32>, tensor<2xi32>
  }
}
