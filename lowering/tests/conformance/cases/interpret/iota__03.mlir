module {
  func.func public @main() -> tensor<3x4xi8> {
    %0 = stablehlo.iota dim = 1 : tensor<3x4xi8>
    return %0 : tensor<3x4xi8>
  }
}
