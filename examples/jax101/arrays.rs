//! Arrays: immutable, with NumPy's functions, weak scalars and the promotion lattice.

use jacinth::config;
use jacinth::ir::numpy_name;
use jacinth::prelude::*;

fn selu(x: &Array) -> Array {
    let (alpha, lmbda) = (1.67, 1.05);
    lmbda * jnp::where_(x.gt(0), x, alpha * jnp::exp(x) - alpha)
}

fn main() {
    let x = jnp::arange(10);
    println!("{x}");
    println!("{}", x.repr());
    println!("({},) {}", x.shape()[0], numpy_name(x.dtype()));
    println!("{}", jnp::linspace(0, 1, 5).repr());
    println!("{}", Array::from([[1.0f32, 2.0], [3.0, 4.0]]).repr());
    // A weak scalar gives way; two arrays meet in the lattice.
    let mixed = &x * jnp::ones_of(10, DType::BF16);
    println!(
        "{} {} {}",
        numpy_name((&x + 1).dtype()),
        numpy_name((&x + 1.0).dtype()),
        numpy_name(mixed.dtype())
    );
    println!("{}", (jnp::asarray(1.0) / 3).repr());
    // NumPy's functions, and conversion to and from the host.
    println!("{:?}", x.get(s![..3]).to_vec::<i32>());
    println!("{}", jnp::sum(Array::from([1, 2, 3]), ()));
    println!("{}", Array::from([true, false]));
    println!("{}", selu(&jnp::arange(5.0)));
    // Immutable: an update is another array.
    let y = x.at(0).set(10);
    println!("{x}");
    println!("{y}");
    // Lists are converted explicitly: `jnp::sum([1, 2, 3], ())` does not compile.
    println!("a list is no array");
    println!("{}", jnp::sum(jnp::array([1, 2, 3]), ()));
    // 32 bits by default.
    let dtypes = || {
        let (wide, default) = (jnp::ones_of(3, jnp::float64), jnp::arange(3.0));
        println!("{} {}", numpy_name(wide.dtype()), numpy_name(default.dtype()));
    };
    config::with_x64(false, dtypes);
    config::with_x64(true, dtypes);
}
