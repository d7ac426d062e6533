module @jit_main attributes {mhlo.num_partitions = 1 : i32, mhlo.num_replicas = 1 : i32} {
  func.func public @main(%arg0: tensor<4x5xi1>) -> tensor<4x5xi1> {
    %0 = stablehlo.reverse %arg0, dims = [0] : tensor<4x5xi1>
    return %0 : tensor<4x5xi1>
  }
}
