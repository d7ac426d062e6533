//! Pytrees: nested containers of arrays, which every transformation takes and gives.

use std::collections::BTreeMap;

use jacinth::prelude::*;
use jacinth::tree::Subtree;

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
    println!("{}", tree::structure(&number(0)));

    // Leaves with their paths, and a map that sees the paths.
    let example = (list(&[1, 2]), (number(1), (number(2), number(3))), number(4));
    for (path, leaf) in tree::flatten_with_path(&example).0 {
        println!("{} {leaf}", tree::keystr(&path));
    }
    let depths = tree::map_with_path(&example, |path, x| x * path.len());
    println!("[{}]", texts(&depths).join(", "));

    // A shape is a node, its sizes are the leaves: mapped over, each size becomes a vector.
    let a_tree = [jnp::zeros((2, 3)), jnp::zeros((3, 4))];
    let shapes = a_tree.each_ref().map(|x| [number(x.shape()[0] as i32), number(x.shape()[1] as i32)]);
    println!("[{}]", texts(&tree::map(&shapes, |size| jnp::ones(size.item::<i32>()))).join(", "));
    // Taken as leaves, the shapes become matrices.
    let ones = |shape: &Subtree| {
        let [rows, columns]: [Array; 2] = shape.to().expect("a pair of sizes");
        jnp::ones((rows.item::<i32>(), columns.item::<i32>()))
    };
    let is_shape = |part: &Subtree| part.to::<[Array; 2]>().is_ok();
    println!("[{}]", texts(&tree::map(&tree::map_until(&shapes, ones, is_shape), |x| x.sum())).join(", "));

    // Key paths.
    let example = (number(1), inner, Named { name: number(5) });
    for (path, value) in tree::flatten_with_path(&example).0 {
        println!("Value of tree{}: {value}", tree::keystr(&path));
    }
    // `None` is the absence of a node.
    println!("{}", tree::leaves(&[None::<Array>, None, None]).len());
    println!("{}", tree::leaves_until(&[None::<Array>, None, None], Subtree::is_none).len());

    // Trees turned inside out.
    let step = |t, obs| dict([("t", number(t)), ("obs", number(obs))]);
    let steps = vec![step(1, 3), step(2, 4)];
    let outer = tree::structure(&list(&[0, 0]));
    let column = |key: &String| steps.iter().map(|step| step[key].clone()).collect::<Vec<Array>>();
    show_columns(&steps[0].keys().map(|key| (key.clone(), column(key))).collect());
    show_columns(&tree::transpose(&outer, &tree::structure(&steps[0]), &steps));

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

/// `{'obs': [3, 4]}`.
fn show_columns(columns: &BTreeMap<String, Vec<Array>>) {
    let show = |(key, values): (&String, &Vec<Array>)| {
        let values: Vec<i32> = values.iter().map(|v| v.item()).collect();
        format!("'{key}': {values:?}")
    };
    println!("{{{}}}", columns.iter().map(show).collect::<Vec<String>>().join(", "));
}

/// `[[1.0, 2.0]]`.
fn nested(x: &Array) -> String {
    if x.ndim() == 0 {
        return format!("{:?}", x.item::<f32>());
    }
    let rows: Vec<String> = x.iter().map(|row| nested(&row)).collect();
    format!("[{}]", rows.join(", "))
}
