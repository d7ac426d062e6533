//! Indexing: reads, updates, and jax.numpy's functions of indices.

use jacinth_frontend::{Array, NewAxis, numpy as jnp, s};

use crate::table::{Case, case};

const MASK: [bool; 4] = [true, false, true, false];

pub(crate) fn cases() -> Vec<Case> {
    let at = reads().into_iter().chain(updates());
    at.chain(functions()).collect()
}

#[expect(
    clippy::reversed_empty_ranges,
    reason = "with a negative step they are not, and an empty one is wanted"
)]
fn reads() -> Vec<Case> {
    let striped = || vec![true, false, true, false, true];
    vec![
        case("jax.Array.at/int").run(|x| x[0].get(1)),
        case("jax.Array.at/negative").run(|x| x[0].get((-2, 3))),
        case("jax.Array.at/slice").run(|x| x[0].get(s![1.., ..;2])),
        case("jax.Array.at/reverse").run(|x| x[0].get(s![..;-1, 4..0;-2])),
        case("jax.Array.at/empty").run(|x| x[0].get(3..1)),
        case("jax.Array.at/ellipsis").run(|x| x[0].get(s![..., 1])),
        case("jax.Array.at/newaxis").run(|x| x[0].get(s![None, .., NewAxis, 2])),
        case("jax.Array.at/list").run(|x| x[0].get([3, 0, 0])),
        case("jax.Array.at/beyond").run(|x| x[0].get(10)),
        case("jax.Array.at/rows").run(|x| x[0].get(&x[1])),
        case("jax.Array.at/pairs").run(|x| x[0].get(s![&x[1], &x[2]])),
        case("jax.Array.at/outer").run(|x| x[0].get(s![x[1].get(s![.., None]), &x[2]])),
        case("jax.Array.at/columns").run(|x| x[0].get(s![1..3, &x[1]])),
        case("jax.Array.at/rows_reverse").run(|x| x[0].get(s![&x[1], ..;-2])),
        case("jax.Array.at/new_rows").run(|x| x[0].get(s![.., None, &x[1]])),
        case("jax.Array.at/scalar").run(|x| x[0].get(s![x[1].get(0), 1..3])),
        case("jax.Array.at/scalar_rows").run(|x| x[0].get(s![x[1].get(0), &x[1]])),
        case("jax.Array.at/apart").run(|x| x[0].get(s![&x[1] % 2, .., &x[1]])),
        case("jax.Array.at/beside").run(|x| x[0].get(s![.., &x[1] % 3, &x[1]])),
        case("jax.Array.at/int_apart").run(|x| x[0].get(s![0, .., &x[1]])),
        case("jax.Array.at/mask").run(|x| x[0].get(MASK)),
        case("jax.Array.at/mask2").run(move |x| x[0].get(Array::from(vec![striped(); 4]))),
        case("jax.Array.at/int_mask").run(|x| x[0].get(s![1, [true, false, false, true, true]])),
        case("jax.Array.at/fill").run(|x| x[0].at(&x[1]).mode("fill").get()),
        case("jax.Array.at/clip").run(|x| x[0].at(&x[1]).mode("clip").get()),
        case("jax.Array.at/fill_value").run(|x| x[0].at(&x[1]).mode("fill").fill_value(7).get()),
        case("jax.Array.at/far")
            .not_adjoint("reads are moved inside, writes are dropped")
            .run(|x| x[0].get(&x[1])),
    ]
}

fn updates() -> Vec<Case> {
    vec![
        case("jax.Array.at/set_row").run(|x| x[0].at(1).set(&x[1])),
        case("jax.Array.at/set_slice").run(|x| x[0].at(s![1.., ..;-2]).set(x[1].get(..3))),
        case("jax.Array.at/set_rows").run(|x| x[0].at(&x[2]).set(&x[1])),
        case("jax.Array.at/set_pairs").run(|x| x[0].at(s![&x[2], &x[3]]).set(x[1].get(..3))),
        case("jax.Array.at/set_new").run(|x| x[0].at(s![.., None, 2]).set(x[1].get(..1))),
        case("jax.Array.at/set_mask").run(|x| x[0].at(MASK).set(3)),
        case("jax.Array.at/add").run(|x| x[0].at(&x[2]).add(&x[1])),
        case("jax.Array.at/subtract").run(|x| x[0].at(&x[2]).subtract(&x[1])),
        case("jax.Array.at/multiply").run(|x| x[0].at(&x[2]).multiply(&x[1])),
        case("jax.Array.at/divide").run(|x| x[0].at(&x[2]).divide(&x[1])),
        case("jax.Array.at/min").grad_ulp(1).run(|x| x[0].at(&x[2]).min(&x[1])),
        case("jax.Array.at/max").grad_ulp(1).run(|x| x[0].at(&x[2]).max(&x[1])),
        case("jax.Array.at/power").run(|x| x[0].at(1..3).power(2.0)),
        case("jax.Array.at/apply").ulp(1).run(|x| x[0].at(&x[1]).apply(|v| v.sin())),
        case("jax.Array.at/drop").run(|x| x[0].at(&x[1]).mode("drop").add(1.0)),
        case("jax.Array.at/add_clip").run(|x| x[0].at(&x[1]).mode("clip").add(1.0)),
        case("jax.Array.at/wrap").run(|x| x[0].at(1).set(300)),
        case("jax.Array.at/truncate").run(|x| x[0].at(1).add(2.7)),
    ]
}

fn functions() -> Vec<Case> {
    let choices = |x: &Array| [x.clone(), x * 2, x + 1];
    vec![
        case("jax.numpy.take").run(|x| jnp::take(&x[0], &x[1], 1)),
        case("jax.numpy.take/flat").run(|x| jnp::take(&x[0], &x[1], ())),
        case("jax.numpy.take/clip").run(|x| jnp::take_mode(&x[0], &x[1], 0, "clip")),
        case("jax.numpy.take/wrap").run(|x| jnp::take_mode(&x[0], &x[1], 0, "wrap")),
        case("jax.numpy.take_along_axis").run(|x| jnp::take_along_axis(&x[0], &x[1], 1)),
        case("jax.numpy.take_along_axis/stretched").run(|x| jnp::take_along_axis(&x[0], &x[1], 0)),
        case("jax.numpy.take_along_axis/flat").run(|x| jnp::take_along_axis(&x[0], &x[1], ())),
        case("jax.numpy.take_along_axis/far").run(|x| jnp::take_along_axis(&x[0], &x[1], -1)),
        case("jax.numpy.put").run(|x| jnp::put(&x[0], &x[1], &x[2])),
        case("jax.numpy.put_along_axis").run(|x| jnp::put_along_axis(&x[0], &x[1], &x[2], 1)),
        case("jax.numpy.nonzero").run(|x| jnp::nonzero_size(&x[0], 5, -1)),
        case("jax.numpy.nonzero/more").run(|x| jnp::nonzero_size(&x[0], 30, 0)),
        case("jax.numpy.argwhere").run(|x| jnp::argwhere_size(&x[0], 6, 0)),
        case("jax.numpy.flatnonzero").run(|x| jnp::flatnonzero_size(&x[0], 8, 99)),
        case("jax.numpy.extract").run(|x| jnp::extract_size(&x[0], &x[1], 4, -3)),
        case("jax.numpy.compress").run(|x| jnp::compress(Array::from([true, false, true]), &x[0], 1)),
        case("jax.numpy.choose").run(move |x| jnp::choose_mode(&x[0], &choices(&x[1]), "clip")),
        case("jax.numpy.choose/wrap").run(move |x| jnp::choose_mode(&x[0], &choices(&x[1]), "wrap")),
        case("jax.numpy.select")
            .run(|x| jnp::select(&[x[0].gt(1), x[0].gt(0)], &[x[0].clone(), &x[0] * &x[0]], 7.0)),
        case("jax.numpy.piecewise")
            .ulp(1)
            .run(|x| jnp::piecewise(&x[0], &[x[0].lt(0), x[0].gt(1)], &[&|v| v.sin(), &|v| v.cos()], 0.5)),
        case("jax.numpy.place").run(|x| jnp::place(&x[0], &x[1], &x[2])),
        case("jax.numpy.ix_").run(|x| jnp::ix_(x)),
        case("jax.numpy.indices").run(|_| jnp::indices((2, 3))),
        case("jax.numpy.diag_indices").run(|_| jnp::diag_indices(3, 2)),
        case("jax.numpy.diag_indices_from").run(|x| jnp::diag_indices_from(&x[0])),
        case("jax.numpy.tril_indices").run(|_| jnp::tril_indices(3, 1, 4)),
        case("jax.numpy.triu_indices").run(|_| jnp::triu_indices(4, -1, 3)),
        case("jax.numpy.tril_indices_from").run(|x| jnp::tril_indices_from(&x[0], 0)),
        case("jax.numpy.triu_indices_from").run(|x| jnp::triu_indices_from(&x[0], 0)),
        case("jax.numpy.mask_indices").eager().run(|_| jnp::mask_indices(3, |m, k| jnp::triu(m, k), 0)),
        case("jax.numpy.unravel_index").run(|x| jnp::unravel_index(&x[0], (3, 4))),
        case("jax.numpy.ravel_multi_index").run(|x| jnp::ravel_multi_index_mode(x, (4, 5), "clip")),
        case("jax.numpy.ravel_multi_index/wrap").run(|x| jnp::ravel_multi_index_mode(x, (4, 5), "wrap")),
        case("jax.numpy.fill_diagonal").run(|x| jnp::fill_diagonal(&x[0], &x[1])),
    ]
}
