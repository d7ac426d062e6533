module @atanh_complex128 {
  func.func public @main(%arg0: tensor<173xcomplex<f64>>) -> tensor<173xcomplex<f64>> {
    %0 = chlo.atanh %arg0 : tensor<173xcomplex<f64>> -> tensor<173xcomplex<f64>>
    return %0 : tensor<173xcomplex<f64>>
  }
}
