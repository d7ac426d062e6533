module {
  func.func public @main(%arg0: tensor<5xi32>, %arg1: tensor<5xi32>, %arg2: tensor<i32>, %arg3: tensor<i32>) -> (tensor<5xi32>, tensor<5xi32>, tensor<i32>, tensor<i32>) {
    %0:4 = chlo.scan(%arg0, %arg1) inits (%arg2, %arg3) dimension=0  {
    ^bb0(%input: tensor<i32>, %input_0: tensor<i32>, %carry: tensor<i32>, %carry_1: tensor<i32>):
      %1 = stablehlo.maximum %carry, %input : tensor<i32>
      %2 = stablehlo.compare GT, %carry, %input : (tensor<i32>, tensor<i32>) -> tensor<i1>
      %3 = stablehlo.compare EQ, %carry, %input : (tensor<i32>, tensor<i32>) -> tensor<i1>
      %4 = stablehlo.maximum %carry_1, %input_0 : tensor<i32>
      %5 = stablehlo.select %3, %4, %input_0 : tensor<i1>, tensor<i32>
      %6 = stablehlo.select %2, %carry_1, %5 : tensor<i1>, tensor<i32>
      stablehlo.return %1, %6, %1, %6 : tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>
    } : (tensor<5xi32>, tensor<5xi32>, tensor<i32>, tensor<i32>) -> (tensor<5xi32>, tensor<5xi32>, tensor<i32>, tensor<i32>)
    return %0#0, %0#1, %0#2, %0#3 : tensor<5xi32>, tensor<5xi32>, tensor<i32>, tensor<i32>
  }
}
