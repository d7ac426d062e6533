module @atan_complex64 {
  func.func public @main(%arg0: tensor<169xcomplex<f32>>) -> tensor<169xcomplex<f32>> {
    %0 = chlo.atan %arg0 : tensor<169xcomplex<f32>> -> tensor<169xcomplex<f32>>
    return %0 : tensor<169xcomplex<f32>>
  }
}
