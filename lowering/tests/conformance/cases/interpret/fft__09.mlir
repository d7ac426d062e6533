module {
  func.func public @main(%arg0: tensor<3xcomplex<f64>>) -> tensor<4xf64> {
    %0 = stablehlo.fft %arg0, type = IRFFT, length = [4] : (tensor<3xcomplex<f64>>) -> tensor<4xf64>
    return %0 : tensor<4xf64>
  }
}
