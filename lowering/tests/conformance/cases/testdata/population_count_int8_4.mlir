module @jit_main attributes {mhlo.num_partitions = 1 : i32, mhlo.num_replicas = 1 : i32} {
  func.func public @main(%arg0: tensor<4xi8>) -> tensor<4xi8> {
    %0 = stablehlo.popcnt %arg0 : tensor<4xi8>
    return %0 : tensor<4xi8>
  }
}
