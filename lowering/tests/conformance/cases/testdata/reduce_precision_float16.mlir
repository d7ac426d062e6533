module @jit_main attributes {mhlo.num_partitions = 1 : i32, mhlo.num_replicas = 1 : i32} {
  func.func public @main(%arg0: tensor<f16>) -> tensor<f16> {
    %0 = stablehlo.reduce_precision %arg0, format = e11m52 : tensor<f16>
    return %0 : tensor<f16>
  }
}
