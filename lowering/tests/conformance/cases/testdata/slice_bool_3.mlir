module @jit_main attributes {mhlo.num_partitions = 1 : i32, mhlo.num_replicas = 1 : i32} {
  func.func public @main(%arg0: tensor<3xi1>) -> tensor<1xi1> {
    %0 = stablehlo.slice %arg0 [1:2] : (tensor<3xi1>) -> tensor<1xi1>
    return %0 : tensor<1xi1>
  }
}
