module @jit_main attributes {mhlo.num_partitions = 1 : i32, mhlo.num_replicas = 1 : i32} {
  func.func public @main(%arg0: tensor<3xf32>, %arg1: tensor<1xf32>, %arg2: tensor<1xui8>) -> tensor<3xf32> {
    %0 = stablehlo.slice %arg2 [0:1] : (tensor<1xui8>) -> tensor<1xui8>
    %1 = stablehlo.reshape %0 : (tensor<1xui8>) -> tensor<ui8>
    %2 = stablehlo.dynamic_update_slice %arg0, %arg1, %1 : (tensor<3xf32>, tensor<1xf32>, tensor<ui8>) -> tensor<3xf32>
    return %2 : tensor<3xf32>
  }
}
