module @atan_complex128 {
  func.func public @main(%arg0: tensor<169xcomplex<f64>>) -> tensor<169xcomplex<f64>> {
    %0 = chlo.atan %arg0 : tensor<169xcomplex<f64>> -> tensor<169xcomplex<f64>>
    return %0 : tensor<169xcomplex<f64>>
  }
}
