//! The modules that the suite compiles, as StableHLO text.

pub(crate) const ADD_ONE: &str = "module @add_one {
  func.func public @main(%arg0: tensor<f32>) -> tensor<f32> {
    %0 = stablehlo.constant dense<1.0> : tensor<f32>
    %1 = stablehlo.add %arg0, %0 : tensor<f32>
    return %1 : tensor<f32>
  }
}
";

pub(crate) const SUM_AND_PRODUCT: &str = "module @sum_and_product {
  func.func public @main(%arg0: tensor<2xf32>, %arg1: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
    %0 = stablehlo.add %arg0, %arg1 : tensor<2xf32>
    %1 = stablehlo.multiply %arg0, %arg1 : tensor<2xf32>
    return %0, %1 : tensor<2xf32>, tensor<2xf32>
  }
}
";

pub(crate) const EMPTY: &str = "module @empty {
  func.func public @main(%arg0: tensor<0x3xf32>) -> tensor<0x3xf32> {
    %0 = stablehlo.add %arg0, %arg0 : tensor<0x3xf32>
    return %0 : tensor<0x3xf32>
  }
}
";

pub(crate) const MATMUL: &str = "module @matmul {
  func.func public @main(%arg0: tensor<128x128xf32>, %arg1: tensor<128x128xf32>) -> tensor<128x128xf32> {
    %0 = stablehlo.dot_general %arg0, %arg1, contracting_dims = [1] x [0] : (tensor<128x128xf32>, tensor<128x128xf32>) -> tensor<128x128xf32>
    return %0 : tensor<128x128xf32>
  }
}
";

pub(crate) const DONATING: &str = "module @donating {
  func.func public @main(%arg0: tensor<4xf32> {tf.aliasing_output = 0 : i32}) -> tensor<4xf32> {
    %0 = stablehlo.constant dense<1.0> : tensor<4xf32>
    %1 = stablehlo.add %arg0, %0 : tensor<4xf32>
    return %1 : tensor<4xf32>
  }
}
";

pub(crate) const ALL_REDUCE: &str = "module @all_reduce attributes {mhlo.num_replicas = 4 : i32} {
  func.func public @main(%arg0: tensor<2xf32>) -> tensor<2xf32> {
    %0 = \"stablehlo.all_reduce\"(%arg0) <{replica_groups = dense<[[0, 1, 2, 3]]> : tensor<1x4xi64>}> ({
    ^bb0(%a: tensor<f32>, %b: tensor<f32>):
      %s = stablehlo.add %a, %b : tensor<f32>
      stablehlo.return %s : tensor<f32>
    }) : (tensor<2xf32>) -> tensor<2xf32>
    return %0 : tensor<2xf32>
  }
}
";

pub(crate) const HUGE: &str = "module @huge {
  func.func public @main() -> tensor<1073741824x1073741824xf32> {
    %0 = stablehlo.iota dim = 0 : tensor<1073741824x1073741824xf32>
    return %0 : tensor<1073741824x1073741824xf32>
  }
}
";
