//! Pytrees: nested containers of arrays, which every transformation takes and gives.

use std::collections::BTreeMap;

use jacinth::prelude::*;

/// A named tuple with one field.
#[derive(Pytree, Clone)]
struct Named {
    name: Array,
}

fn dict<T>(entries: impl IntoIterator<Item = (&'static str, T)>) -> BTreeMap<String, T> {
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn number(value: i32) -> Array {
    Array::from(value)
}

fn describe<T: Pytree>(pytree: &T) {
    let leaves = texts(pytree);
    let structure = tree::structure(pytree).to_string();
    println!("{structure:<50} has {} leaves: [{}]", leaves.len(), leaves.join(", "));
}

fn texts<T: Pytree>(pytree: &T) -> Vec<String> {
    tree::leaves(pytree).iter().map(|leaf| format!("'{leaf}'")).collect()
}

type Layer = BTreeMap<String, Array>;

fn forward(params: &[Layer], x: &Array) -> Array {
    let (last, hidden) = params.split_last().expect("at least one layer");
    let dense = |x: &Array, layer: &Layer| x.matmul(&layer["weights"]) + &layer["biases"];
    let x = hidden.iter().fold(x.clone(), |x, layer| nn::relu(dense(&x, layer)));
    dense(&x, last)
}

fn main() {
    describe(&(number(1), (number(2), number(3)), ()));
    let list = |numbers: &[i32]| numbers.iter().map(|&n| number(n)).collect::<Vec<Array>>();
    let inner = dict([("k1", list(&[2])), ("k2", list(&[3, 4]))]);
    describe(&(number(1), inner.clone(), number(5)));
    describe(&dict([("a", list(&[2])), ("b", list(&[2, 3]))]));
    describe(&Array::from([1, 2, 3]));
    let list_of_lists = vec![list(&[1, 2, 3]), list(&[1, 2]), list(&[1, 2, 3, 4])];
    println!("[{}]", texts(&tree::map(&list_of_lists, |x| x * 2)).join(", "));
    println!("[{}]", texts(&tree::map2(&list_of_lists, &list_of_lists, |x, y| x + y)).join(", "));
    println!("{}", tree::structure(&list_of_lists));

    // Key paths.
    let example = (number(1), inner, Named { name: number(5) });
    for (path, value) in tree::flatten_with_path(&example).0 {
        println!("Value of tree{}: {value}", tree::keystr(&path));
    }
    // `None` is the absence of a node.
    println!("{}", tree::leaves(&[None::<Array>, None, None]).len());

    // Trees turned inside out.
    let step = |t, obs| dict([("t", number(t)), ("obs", number(obs))]);
    let steps = vec![step(1, 3), step(2, 4)];
    let outer = tree::structure(&list(&[0, 0]));
    let turned: BTreeMap<String, Vec<Array>> = tree::transpose(&outer, &tree::structure(&steps[0]), &steps);
    let shown: Vec<String> = turned
        .iter()
        .map(|(key, values)| {
            let values: Vec<i32> = values.iter().map(|v| v.item()).collect();
            format!("'{key}': {values:?}")
        })
        .collect();
    println!("{{{}}}", shown.join(", "));

    // Parameters of a network, and one step down the gradient.
    let params = vec![
        dict([("weights", jnp::full([1, 2], 0.5)), ("biases", jnp::ones(2))]),
        dict([("weights", jnp::ones([2, 1])), ("biases", jnp::zeros(1))]),
    ];
    println!("{}", tree::structure(&tree::map(&params, |x| Array::from(x.shape()[0] as i32))));
    let x = jnp::arange(4.0).reshape([4, 1]);
    let y = x.square();
    let grads = grad(|params: &Vec<Layer>| (forward(params, &x) - &y).square().mean())(&params);
    let updated = tree::map2(&params, &grads, |p, g| p - 0.0625 * g);
    for (path, leaf) in tree::flatten_with_path(&updated).0 {
        println!("params{} = {}", tree::keystr(&path), nested(&leaf));
    }
}

/// `[[1.0, 2.0]]`.
fn nested(x: &Array) -> String {
    if x.ndim() == 0 {
        return format!("{:?}", x.item::<f32>());
    }
    let rows: Vec<String> = x.iter().map(|row| nested(&row)).collect();
    format!("[{}]", rows.join(", "))
}
