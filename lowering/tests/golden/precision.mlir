module @jit__lambda attributes {mhlo.num_partitions = 1 : i32, mhlo.num_replicas = 1 : i32} {
  func.func public @main(%arg0: tensor<3x4xf32>) -> (tensor<3x4xf32> {jax.result_info = "result[0]"}, tensor<3x4xi32> {jax.result_info = "result[1]"}, tensor<3x4xbf16> {jax.result_info = "result[2]"}, tensor<3x4xf8E5M2> {jax.result_info = "result[3]"}, tensor<3x4xf32> {jax.result_info = "result[4]"}, tensor<3x4xf32> {jax.result_info = "result[5][0]"}, tensor<3x4xf32> {jax.result_info = "result[5][1]"}, tensor<3x4xf32> {jax.result_info = "result[6]"}) {
    %0 = stablehlo.reduce_precision %arg0, format = e5m10 : tensor<3x4xf32>
    %1 = stablehlo.bitcast_convert %arg0 : (tensor<3x4xf32>) -> tensor<3x4xi32>
    %2 = stablehlo.convert %arg0 : (tensor<3x4xf32>) -> tensor<3x4xbf16>
    %3 = stablehlo.convert %arg0 : (tensor<3x4xf32>) -> tensor<3x4xf8E5M2>
    %cst = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %cst_0 = stablehlo.constant dense<1.000000e+00> : tensor<f32>
    %4 = stablehlo.broadcast_in_dim %cst, dims = [] : (tensor<f32>) -> tensor<3x4xf32>
    %5 = stablehlo.broadcast_in_dim %cst_0, dims = [] : (tensor<f32>) -> tensor<3x4xf32>
    %6 = stablehlo.clamp %4, %arg0, %5 : tensor<3x4xf32>
    %cst_1 = stablehlo.constant dense<1.000000e+00> : tensor<f32>
    %7 = stablehlo.broadcast_in_dim %cst_1, dims = [] : (tensor<f32>) -> tensor<3x4xf32>
    %8 = stablehlo.add %arg0, %7 : tensor<3x4xf32>
    %9:2 = stablehlo.optimization_barrier %arg0, %8 : tensor<3x4xf32>, tensor<3x4xf32>
    %cst_2 = stablehlo.constant dense<1.000000e+00> : tensor<f32>
    %10 = stablehlo.broadcast_in_dim %cst_2, dims = [] : (tensor<f32>) -> tensor<3x4xf32>
    %11 = stablehlo.add %arg0, %10 : tensor<3x4xf32>
    %12 = chlo.next_after %arg0, %11 : tensor<3x4xf32>, tensor<3x4xf32> -> tensor<3x4xf32>
    return %0, %1, %2, %3, %6, %9#0, %9#1, %12 : tensor<3x4xf32>, tensor<3x4xi32>, tensor<3x4xbf16>, tensor<3x4xf8E5M2>, tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>
  }
}
