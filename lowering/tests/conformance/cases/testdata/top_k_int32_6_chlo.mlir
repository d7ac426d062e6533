module @jit_main attributes {mhlo.num_partitions = 1 : i32, mhlo.num_replicas = 1 : i32} {
  func.func public @main(%arg0: tensor<6xi32>) -> (tensor<3xi32>, tensor<3xi32>) {
    %values, %indices = chlo.top_k(%arg0, k = 3) : tensor<6xi32> -> (tensor<3xi32>, tensor<3xi32>)
    return %values, %indices : tensor<3xi32>, tensor<3xi32>
  }
}
