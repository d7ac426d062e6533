//! Automatic differentiation: `grad`, Jacobians, and both modes by hand.

use jacinth::prelude::*;

#[derive(Pytree, Clone)]
struct Params {
    w: Array,
    b: Array,
}

fn predict(params: &Params, inputs: &Array) -> Array {
    nn::sigmoid(inputs.dot(&params.w) + &params.b)
}

fn main() {
    let two = jnp::asarray(2.0);
    let tanh = |x: &Array| jnp::tanh(x);
    println!("{}", grad(tanh)(&two));
    println!("{}", grad(grad(tanh))(&two));
    println!("{}", grad(grad(grad(tanh)))(&two));
    let sum_logistic = |x: &Array| jnp::sum(1.0 / (1.0 + jnp::exp(-x)), ());
    println!("{}", grad(sum_logistic)(&jnp::arange(3.0)));

    let inputs =
        Array::from([[0.52f32, 1.12, 0.77], [0.88, -1.08, 0.15], [0.52, 0.06, -1.30], [0.74, -2.49, 1.39]]);
    let targets = Array::from([1.0f32, 1.0, 0.0, 1.0]);
    let loss = |params: &Params| {
        let preds = predict(params, &inputs);
        let label_probs = &preds * &targets + (1 - &preds) * (1 - &targets);
        -jnp::sum(jnp::log(label_probs), ())
    };
    let params = Params { w: Array::from([0.5f32, -0.25, 1.0]), b: Array::from(0.1f32) };
    let (value, gradient) = value_and_grad(loss)(&params);
    println!("{:.4}", value.item::<f32>());
    let rounded = jnp::round(&gradient.w * 10000.0) / 10000.0;
    println!("{rounded} {:.4}", gradient.b.item::<f32>());

    // Jacobians and Hessians, by columns and by rows.
    let f = |x: &Array| jnp::stack(&[x.get(0) * x.get(1), x.get(1).square()], 0);
    let x = Array::from([3.0f32, 4.0]);
    println!("{}", jacfwd(f)(&x));
    println!("{}", jacrev(f)(&x));
    println!("{}", hessian(|x: &Array| x.get(0).square() * x.get(1))(&x));

    // Forward and reverse mode by hand.
    let (y, u) = jvp(|x: &Array| jnp::sin(x), (two.clone(),), (jnp::asarray(1.0),));
    println!("{y} {u}");
    let (y, pull) = vjp(|a: &Array, b: &Array| a * b, (two, jnp::asarray(5.0)));
    let (of_a, of_b) = pull(jnp::asarray(1.0));
    println!("{y} [{of_a}, {of_b}]");
    println!("{}", grad(|x: &Array| x * lax::stop_gradient(x))(&jnp::asarray(3.0)));
}
