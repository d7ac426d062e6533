module {
  func.func public @main(%arg0: tensor<5xi8>) -> tensor<5xi8> {
    %0 = stablehlo.negate %arg0 : tensor<5xi8>
    return %0 : tensor<5xi8>
  }
}
