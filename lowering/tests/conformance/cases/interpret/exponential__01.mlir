module {
  func.func public @main(%arg0: tensor<complex<f64>>) -> tensor<complex<f64>> {
    %0 = stablehlo.exponential %arg0 : tensor<complex<f64>>
    return %0 : tensor<complex<f64>>
  }
}
