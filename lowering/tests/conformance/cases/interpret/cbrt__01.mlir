module {
  func.func public @main(%arg0: tensor<complex<f64>>) -> tensor<complex<f64>> {
    %0 = stablehlo.cbrt %arg0 : tensor<complex<f64>>
    return %0 : tensor<complex<f64>>
  }
}
