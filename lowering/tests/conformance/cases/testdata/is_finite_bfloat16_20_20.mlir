module @jit_main attributes {mhlo.num_partitions = 1 : i32, mhlo.num_replicas = 1 : i32} {
  func.func public @main(%arg0: tensor<20x20xbf16>) -> tensor<20x20xi1> {
    %0 = stablehlo.is_finite %arg0 : (tensor<20x20xbf16>) -> tensor<20x20xi1>
    return %0 : tensor<20x20xi1>
  }
}
