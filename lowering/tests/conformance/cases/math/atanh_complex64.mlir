module @atanh_complex64 {
  func.func public @main(%arg0: tensor<173xcomplex<f32>>) -> tensor<173xcomplex<f32>> {
    %0 = chlo.atanh %arg0 : tensor<173xcomplex<f32>> -> tensor<173xcomplex<f32>>
    return %0 : tensor<173xcomplex<f32>>
  }
}
